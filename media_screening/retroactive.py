"""A new reference held against past uploads: a sieve over all, then the uploads that it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from contracts.ids import ReferenceId, UploadId
from media_screening.alignment.alignment import AlignmentRule, count_distinct
from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.fingerprint import ALGORITHM, Fingerprint
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.index.word_join import WordJoin
from media_screening.reference import LoadedReference, ReferenceLibrary
from media_screening.screening import Screener, SearchRule
from store.upload import UploadFingerprintRecord, UploadStills, UploadStore

_log = structlog.get_logger(__name__)

MIN_PICTURES = 2
"""An upload is looked at whole when so many different pictures of it are in the reference: one may
be a title card. A match needs five, over at least 3 s, in which a sketch has six."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetroactiveHit:
    """A past upload that shows the new reference."""

    upload: UploadFingerprintRecord
    fingerprint: Fingerprint


@dataclass(frozen=True, kw_only=True, slots=True)
class RetroactiveStep:
    """One page of past uploads.

    Attributes:
        at_ms: Uploads made before this time are done.
        uploads: How many uploads were sieved.
        looked_at: Those that were looked at whole.
        hits: Those that show the reference.
    """

    at_ms: int
    uploads: int
    looked_at: tuple[UploadId, ...]
    hits: tuple[RetroactiveHit, ...]


class RetroactiveSearch:
    """Holds one reference against what is kept of past uploads.

    Args:
        alone: A library that holds this reference only.
        uploads: Past uploads.
    """

    def __init__(
        self,
        alone: ReferenceLibrary,
        uploads: UploadStore,
        *,
        search: SearchRule | None = None,
        alignment: AlignmentRule | None = None,
    ) -> None:
        self._alone = alone
        self._uploads = uploads
        self._radius = (search or SearchRule()).max_hamming_bits
        self._distinct_bits = (alignment or AlignmentRule()).distinct_bits
        self._screener = Screener(alone, search=search, alignment=alignment)

    def run(
        self, reference_id: ReferenceId, *, from_ms: int, to_ms: int
    ) -> Iterator[RetroactiveStep]:
        """Go through uploads made in a stretch of time, the oldest first, page by page.

        A reference without frames, or that is not enabled any more, is found nowhere.
        """
        reference = self._alone.get(reference_id)
        if reference is None or not len(reference.stills):
            return
        join = WordJoin(_pictures(reference))
        pages = self._uploads.stills(from_ms=from_ms, to_ms=to_ms)
        page = next(pages, None)
        while page is not None:
            following = next(pages, None)
            candidates = self._sieve(join, page)
            hits = [hit for upload_id in candidates if (hit := self._confirm(upload_id))]
            yield RetroactiveStep(
                at_ms=to_ms if following is None else page[-1].occurred_at_ms,
                uploads=len(page),
                looked_at=tuple(candidates),
                hits=tuple(hits),
            )
            page = following

    def _sieve(self, join: WordJoin, page: Sequence[UploadStills]) -> list[UploadId]:
        hashes = np.frombuffer(b"".join(one.hashes for one in page), np.uint8)
        hashes = hashes.reshape(-1, PDQ_BYTES)
        owner = np.repeat(np.arange(len(page)), [len(one.hashes) // PDQ_BYTES for one in page])
        row, _ = join.pairs(hashes, max_hamming_bits=self._radius)
        row = np.unique(row)
        return [
            page[number].upload_id
            for number in np.unique(owner[row]).tolist()
            if self._pictures_differ(hashes[row[owner[row] == number]])
        ]

    def _pictures_differ(self, hashes: NDArray[np.uint8]) -> bool:
        return count_distinct(hashes, self._distinct_bits) >= MIN_PICTURES

    def _confirm(self, upload_id: UploadId) -> RetroactiveHit | None:
        record = self._uploads.get(upload_id, ALGORITHM)
        if record is None:
            return None  # forgotten meanwhile
        try:
            fingerprint = Fingerprint.unpack(record.frames)
        except InvalidFingerprint as error:
            _log.error("past upload left out", upload_id=upload_id, reason=error.reason)
            return None
        if not self._screener.match(fingerprint):
            return None
        return RetroactiveHit(upload=record, fingerprint=fingerprint)


def _pictures(reference: LoadedReference) -> NDArray[np.uint8]:
    """Every searched picture once: a still that comes back is looked for once."""
    return np.unique(reference.stills.pdq, axis=0)
