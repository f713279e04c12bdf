"""What of an upload is searched first for a new reference: its pictures every half second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import PHASH_BYTES, Fingerprint
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.fingerprinting.still import find_stills

SKETCH_EVERY_SECONDS = 0.5
"""A stretch of 3 s, the shortest that is a match, has six of them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UploadSketch:
    """Pictures of one upload, or of several one after another; n of them.

    Attributes:
        pdq: Shape (n, 32).
        phash: Shape (n, 8); (0, 8) where there are none.
    """

    pdq: NDArray[np.uint8]
    phash: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pdq)

    def pack(self) -> bytes:
        """Write to bytes: all PDQs, then all pHashes."""
        return self.pdq.tobytes() + self.phash.tobytes()

    @classmethod
    def unpack(cls, raw: bytes, rows: int) -> Self:
        """Read what ``pack`` wrote of so many pictures; older versions wrote no pHashes."""
        pdq = np.frombuffer(raw, np.uint8, rows * PDQ_BYTES).reshape(rows, PDQ_BYTES)
        phash = np.frombuffer(raw, np.uint8, offset=rows * PDQ_BYTES)
        return cls(pdq=pdq, phash=phash.reshape(-1, PHASH_BYTES))


def sketch_of(fingerprint: Fingerprint) -> UploadSketch:
    """Stills that begin at least ``SKETCH_EVERY_SECONDS`` apart."""
    stills = find_stills(fingerprint)
    kept: list[int] = []
    after_s = -np.inf
    for row, start_s in enumerate(stills.start_s.tolist()):
        if start_s >= after_s:
            kept.append(row)
            after_s = start_s + SKETCH_EVERY_SECONDS
    frames = np.searchsorted(fingerprint.times_s, stills.start_s[kept])
    return UploadSketch(
        pdq=stills.pdq[kept].reshape(len(kept), PDQ_BYTES),
        phash=fingerprint.phash[frames].reshape(len(kept), PHASH_BYTES),
    )
