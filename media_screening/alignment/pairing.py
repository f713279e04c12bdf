"""Which reference frame each upload frame is held against, once one is laid over the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.vote import Line
from media_screening.fingerprinting.fingerprint import Fingerprint, hamming_bits

NO_FRAME_BITS = 256
"""The distance to a frame that is not there: no two hashes are further apart."""

LATENESS_BITS = 10.0
"""What a frame at the end of its reach is held back by, in bits: among pictures that look alike the
one on the line is taken, and of lines that fit alike the one in the middle."""

_NEIGHBOURS = 3
"""Reference frames looked at on either side: enough for a reach of 0.3 s at 8 frames a second."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pairing:
    """For each of n upload frames, arrays of shape (n,).

    Attributes:
        row: The reference frame it is held against.
        pdq_bits: Hamming distance of their PDQs; ``NO_FRAME_BITS`` where none is within reach.
        phash_bits: Hamming distance of their pHashes.
        cost_bits: The PDQ distance and what was added for lying beside the line.
    """

    row: NDArray[np.int64]
    pdq_bits: NDArray[np.int64]
    phash_bits: NDArray[np.int64]
    cost_bits: NDArray[np.float64]


def pair_frames(
    upload: Fingerprint, reference: Fingerprint, line: Line, *, reach_seconds: float
) -> Pairing:
    """Take for each upload frame the best of the reference frames within reach of the line."""
    at_s = line.reference_s(upload.times_s)
    after = np.searchsorted(reference.times_s, at_s)
    rows = after[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS)
    inside = (rows >= 0) & (rows < len(reference))
    rows = np.clip(rows, 0, len(reference) - 1)
    late_s = np.abs(reference.times_s[rows] - at_s[:, None])
    near = inside & (late_s <= reach_seconds)
    pdq = np.where(near, hamming_bits(reference.pdq[rows], upload.pdq[:, None]), NO_FRAME_BITS)
    cost = pdq + np.where(near, LATENESS_BITS * late_s / reach_seconds, LATENESS_BITS)
    best = cost.argmin(axis=1)[:, None]
    row = np.take_along_axis(rows, best, axis=1)[:, 0]
    return Pairing(
        row=row,
        pdq_bits=np.take_along_axis(pdq, best, axis=1)[:, 0],
        phash_bits=hamming_bits(reference.phash[row], upload.phash),
        cost_bits=np.take_along_axis(cost, best, axis=1)[:, 0],
    )
