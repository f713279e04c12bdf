"""Whether the picture says so too, where the sound has said which seconds are which.

A picture may be edited so far that no single frame of it is recognised, and still be nearer to its
own frame in the reference than to those some seconds before and after. Over many frames that tells.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contracts.screening import Match
from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, Fingerprint, hamming_bits

SHIFTS_S = (-31.0, -19.0, -11.0, -7.0, -4.0, 4.0, 7.0, 11.0, 19.0, 31.0)
"""Where else in the reference each frame is held against a frame, for comparison."""

MIN_FRAMES = 5
MIN_NEARER_BITS = 4.0
"""How much nearer the frames must lie at the named seconds than elsewhere, on average."""

MIN_DEVIATIONS = 4.0
_REACH_S = 0.5
_STEP_S = 1.0
"""Frames nearer in time than this tell the same."""


def picture_confirms(upload: Fingerprint, reference: Fingerprint, match: Match) -> bool:
    """Tell whether the upload's frames in a match are the reference's at the seconds it names.

    Each is compared with its frame there and with frames elsewhere in the same reference, so
    that what all frames of a work share (its borders, its light) speaks for none of them.
    """
    if not len(reference):
        return False
    rows = _apart(upload, match.upload_start_s, match.upload_end_s)
    hashes = upload.pdq[rows]
    at_s = np.interp(
        upload.times_s[rows],
        (match.upload_start_s, match.upload_end_s),
        (match.reference_start_s, match.reference_end_s),
    )
    here = _nearest_bits(hashes, at_s, reference)
    elsewhere = np.array([_nearest_bits(hashes, at_s + shift, reference) for shift in SHIFTS_S])
    known = ~np.isnan(here) & ~np.isnan(elsewhere).all(axis=0)
    if known.sum() < MIN_FRAMES:
        return False
    nearer = np.nanmean(elsewhere[:, known], axis=0) - here[known]
    deviation = float(nearer.std(ddof=1)) / math.sqrt(len(nearer)) + 1e-9
    mean = float(nearer.mean())
    return mean >= MIN_NEARER_BITS and mean / deviation >= MIN_DEVIATIONS


def _apart(upload: Fingerprint, start_s: float, end_s: float) -> NDArray[np.int64]:
    """Detailed frames between two times, at least ``_STEP_S`` apart."""
    inside = (upload.times_s >= start_s) & (upload.times_s <= end_s)
    rows = np.flatnonzero(inside & (upload.quality >= MIN_PDQ_QUALITY))
    _, first = np.unique(np.floor(upload.times_s[rows] / _STEP_S), return_index=True)
    return rows[first]


def _nearest_bits(
    hashes: NDArray[np.uint8], at_s: NDArray[np.float64], reference: Fingerprint
) -> NDArray[np.float64]:
    """Distance to the frame that is nearest in time; NaN where there is none close by."""
    after = np.searchsorted(reference.times_s, at_s)
    sides = np.clip(np.stack([after - 1, after]), 0, len(reference) - 1)
    late_s = np.abs(reference.times_s[sides] - at_s)
    row = np.take_along_axis(sides, late_s.argmin(axis=0)[None], axis=0)[0]
    detailed = reference.quality[row] >= MIN_PDQ_QUALITY
    bits = hamming_bits(reference.pdq[row], hashes).astype(np.float64)
    return np.where(detailed & (late_s.min(axis=0) <= _REACH_S), bits, np.nan)
