"""What bears on references beside their frames: policies, disputes, exclusions, known files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import structlog
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from contracts.match_policy import Dispute, MatchPolicy
from media_screening.alignment.exclusion import NOTHING_EXCLUDED, Exclusions, Interval
from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.fingerprint import Fingerprint
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.policy import Work
from store.exclusion import ExclusionStore, NegativeRecord
from store.policy import PolicyStore
from store.reference import ReferenceStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryRules:
    """All of it, by reference.

    Attributes:
        common: What is no evidence of any reference.
        digests: Files that show a work, as ``md5:HEX``.
    """

    policies: Mapping[ReferenceId, MatchPolicy] = field(default_factory=dict)
    disputes: Mapping[ReferenceId, tuple[Dispute, ...]] = field(default_factory=dict)
    exclusions: Mapping[ReferenceId, Exclusions] = field(default_factory=dict)
    common: Exclusions = NOTHING_EXCLUDED
    digests: Mapping[str, tuple[ReferenceId, ...]] = field(default_factory=dict)

    def work(self, reference_id: ReferenceId, *, duration_s: float) -> Work:
        """What a policy is asked about."""
        return Work(
            reference_id=reference_id,
            duration_s=duration_s,
            policy=self.policies.get(reference_id, MatchPolicy()),
            disputes=self.disputes.get(reference_id, ()),
        )


def read_rules(store: ReferenceStore) -> LibraryRules:
    """Read it from the database that holds the references."""
    policies, exclusions = PolicyStore(store.engine), ExclusionStore(store.engine)
    disputes: dict[ReferenceId, tuple[Dispute, ...]] = {}
    for dispute in policies.disputes(outcome="upheld"):
        known = disputes.get(dispute.reference_id, ())
        disputes[dispute.reference_id] = (*known, dispute)
    intervals: dict[ReferenceId, tuple[Interval, ...]] = {}
    for record in exclusions.intervals():
        interval = Interval(start_s=record.start_s, end_s=record.end_s)
        intervals[record.reference_id] = (*intervals.get(record.reference_id, ()), interval)
    pictures: dict[ReferenceId | None, list[NDArray[np.uint8]]] = {}
    for negative in exclusions.negatives():
        pictures.setdefault(negative.reference_id, []).append(_pdq_of(negative))
    excluded = {
        reference_id: Exclusions(
            intervals=intervals.get(reference_id, ()), pdq=_together(pictures.get(reference_id, []))
        )
        for reference_id in {*intervals, *pictures}
        if reference_id is not None
    }
    return LibraryRules(
        policies={name: one.policy for name, one in policies.all().items()},
        disputes=disputes,
        exclusions=excluded,
        common=Exclusions(intervals=(), pdq=_together(pictures.get(None, []))),
        digests=store.digests(),
    )


def _pdq_of(negative: NegativeRecord) -> NDArray[np.uint8]:
    try:
        return Fingerprint.unpack(negative.frames).pdq
    except InvalidFingerprint as error:
        _log.error("negative left out", number=negative.id, reason=error.reason)
        return np.empty((0, PDQ_BYTES), np.uint8)


def _together(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate([np.empty((0, PDQ_BYTES), np.uint8), *parts])
