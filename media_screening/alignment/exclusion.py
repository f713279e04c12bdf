"""What is no evidence: seconds of a work, and pictures that many works share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import Fingerprint
from media_screening.fingerprinting.hamming import pairs_within
from media_screening.fingerprinting.pdq import PDQ_BYTES

SAME_PICTURE_BITS = 31
"""Up to this distance a frame is taken for an excluded picture: PDQ's authors' own threshold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Seconds of a reference that say nothing about it, from its start; the end is outside."""

    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Exclusions:
    """What does not count.

    Attributes:
        intervals: Seconds of the reference.
        pdq: Pictures, shape (n, 32).
    """

    intervals: tuple[Interval, ...]
    pdq: NDArray[np.uint8]

    def leave_out(self, fingerprint: Fingerprint) -> Fingerprint:
        """A fingerprint without the frames that are no evidence; its length stays."""
        excluded = np.zeros(len(fingerprint), bool)
        for interval in self.intervals:
            times_s = fingerprint.times_s
            excluded |= (times_s >= interval.start_s) & (times_s < interval.end_s)
        if len(self.pdq) and len(fingerprint):
            for frame, _ in pairs_within(
                np.ascontiguousarray(fingerprint.pdq), self.pdq, max_hamming_bits=SAME_PICTURE_BITS
            ):
                excluded[frame] = True
        return fingerprint.only(~excluded) if excluded.any() else fingerprint


NOTHING_EXCLUDED = Exclusions(intervals=(), pdq=np.empty((0, PDQ_BYTES), np.uint8))
