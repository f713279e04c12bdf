"""The works that uploads are held against: kept in SQL, searched in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from contracts.ids import ReferenceId, derived_id
from media_screening.alignment import count_distinct
from media_screening.errors import InvalidFingerprint, ReferenceExists, ReferenceUnknown
from media_screening.exclusion import NOTHING_EXCLUDED, Exclusions
from media_screening.feature_index import FeatureIndex
from media_screening.fingerprint import ALGORITHM, Fingerprint
from media_screening.index import HashIndex
from media_screening.reference_sketch import SKETCH_ALGORITHM, Sketches
from media_screening.still import Stills, find_stills
from media_screening.telling import TellingRule, telling_rows
from store.clock import Clock, SystemClock
from store.reference import ReferenceRecord, ReferenceStore

_log = structlog.get_logger(__name__)

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoadedReference:
    """A reference as it is searched."""

    reference_id: ReferenceId
    title: str
    fingerprint: Fingerprint
    stills: Stills
    sketches: Sketches | None = None
    """None for a reference that was added before there were any, or without its video."""
    exclusions: Exclusions = NOTHING_EXCLUDED


class ReferenceLibrary:
    """The enabled references, in an index that follows SQL.

    Safe to use from several threads. Changes made here are searched at once; those that others
    make are after the next ``refresh``.
    """

    def __init__(
        self,
        store: ReferenceStore,
        *,
        clock: Clock | None = None,
        telling: TellingRule | None = None,
    ) -> None:
        self._telling = telling or TellingRule()
        self.index = HashIndex()
        self.features = FeatureIndex()
        self.exclusions = NOTHING_EXCLUDED
        """What carries no match, whatever the reference: only hashes make sense here."""
        self._store = store
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._loaded: dict[ReferenceId, LoadedReference] = {}
        self._states: dict[ReferenceId, tuple[str, int]] = {}

    def __len__(self) -> int:
        return len(self._loaded)

    def get(self, reference_id: ReferenceId) -> LoadedReference | None:
        """A loaded reference; None once it is disabled or removed."""
        return self._loaded.get(reference_id)

    def by_sha256(self, sha256: str) -> LoadedReference | None:
        """The reference that was made of the file with this SHA-256; None if there is none."""
        for reference_id, state in list(self._states.items()):
            if state[0] == sha256:
                return self.get(reference_id)
        return None

    def tells(self, reference_id: ReferenceId, times_s: NDArray[np.float64]) -> int:
        """Count different pictures of a reference, at these times, that say that it is this work.

        Those that many references have do not, nor those that are excluded.
        """
        reference = self.get(reference_id)
        if reference is None:
            return 0
        rows = telling_rows(
            times_s,
            reference.fingerprint,
            exclusions=(reference.exclusions, self.exclusions),
            index=self.index,
            rule=self._telling,
        )
        return count_distinct(reference.fingerprint.pdq[rows], self._telling.distinct_bits)

    def refresh(self) -> bool:
        """Take over what changed in SQL since the last time; True if anything did.

        Compares a few bytes a reference and reads the frames of new ones only. A reference whose
        frames cannot be read is left out with an error in the log: one bad row must not stop the
        screening against all the others.
        """
        with self._lock:
            states = self._store.states()
            if states == self._states:
                return False
            for reference_id in self._states.keys() - states.keys():
                self._drop(reference_id)
            for reference_id, state in states.items():
                if self._states.get(reference_id) != state:
                    self._load(reference_id)
            self._states = states
            return True

    def add(
        self,
        fingerprint: Fingerprint,
        *,
        title: str,
        sha256: str,
        source: str = "",
        reference_id: ReferenceId | None = None,
        sketches: Sketches | None = None,
    ) -> ReferenceRecord:
        """Keep a work and search for it from now on.

        Without ``sketches`` edits of its picture are not found.
        Without a ``reference_id`` it is named after its file's SHA-256, so that the same file is
        the same reference.

        Raises:
            ReferenceExists: The id is taken.
        """
        now_ms = self._clock.now_ms()
        record = ReferenceRecord(
            reference_id=reference_id or ReferenceId(derived_id("ref", sha256)),
            title=title,
            enabled=True,
            duration_s=fingerprint.duration_s,
            sha256=sha256,
            source=source,
            added_at_ms=now_ms,
            changed_at_ms=now_ms,
        )
        packed = {ALGORITHM: fingerprint.pack()}
        if sketches is not None:
            packed[SKETCH_ALGORITHM] = sketches.pack()
        if not self._store.add(record, packed):
            reason = (
                f"a reference {record.reference_id} exists: remove it first, or give another id"
            )
            raise ReferenceExists(reason)
        self.refresh()
        return record

    def records(self) -> tuple[ReferenceRecord, ...]:
        """All references, disabled ones too, in the order they were added."""
        return self._store.all()

    def set_enabled(self, reference_id: ReferenceId, *, enabled: bool) -> None:
        """Search for a reference, or stop to.

        Raises:
            ReferenceUnknown: There is none with this id.
        """
        if not self._store.set_enabled(reference_id, enabled=enabled, at_ms=self._clock.now_ms()):
            raise _unknown(reference_id)
        self.refresh()

    def remove(self, reference_id: ReferenceId) -> None:
        """Forget a reference and its fingerprint.

        Raises:
            ReferenceUnknown: There is none with this id.
        """
        if not self._store.remove(reference_id):
            raise _unknown(reference_id)
        self.refresh()

    def _load(self, reference_id: ReferenceId) -> None:
        self._drop(reference_id)
        record = self._store.get(reference_id)
        packed = self._store.fingerprint(reference_id, ALGORITHM)
        if record is None or packed is None:
            return
        kept = self._store.fingerprint(reference_id, SKETCH_ALGORITHM)
        try:
            fingerprint = Fingerprint.unpack(packed)
            sketches = Sketches.unpack(kept) if kept is not None else None
        except InvalidFingerprint as error:
            _log.error("reference left out", reference_id=reference_id, reason=error.reason)
            return
        stills = find_stills(fingerprint)
        self._loaded[reference_id] = LoadedReference(
            reference_id=reference_id,
            title=record.title,
            fingerprint=fingerprint,
            stills=stills,
            sketches=sketches,
        )
        self.index.add(reference_id, stills.pdq)
        if sketches is None:
            _log.info("reference without sketches: edits are not found", reference_id=reference_id)
            return
        self.features.add(reference_id, descriptors=sketches.descriptors, picture=sketches.key)

    def _drop(self, reference_id: ReferenceId) -> None:
        self._loaded.pop(reference_id, None)
        self.index.remove(reference_id)
        self.features.remove(reference_id)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _unknown(reference_id: ReferenceId) -> ReferenceUnknown:
    reason = f"there is no reference {reference_id}"
    return ReferenceUnknown(reason)
