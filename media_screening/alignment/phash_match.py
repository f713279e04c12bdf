"""Works of which only pHashes are known, as lists of ``imagehash`` have them.

There is no PDQ to search by and no pair of them to align. An upload matches where several of its
different pictures are each the same as a different picture of the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.alignment import AlignmentRule, count_distinct
from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, Fingerprint

PHASH_ALGORITHM = "phash"
"""The name under which such a work's frames are kept in SQL."""

SAME_PHASH_BITS = 6
"""Of 64. Frames of different videos are 10 and more apart where their PDQs are nearest
(docs/decisions/0022)."""

_FRAMES_AT_ONCE = 1_024


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Seconds of an upload, and of the list, from the start of each; the share that agrees."""

    upload_start_s: float
    upload_end_s: float
    reference_start_s: float
    reference_end_s: float
    score: float


def match_phashes(
    upload: Fingerprint, listed: Fingerprint, rule: AlignmentRule
) -> tuple[Stretch, ...]:
    """Find the stretches of an upload that show pictures of a list, by the rule for all works.

    Of the rule, the least seconds, the least number of different pictures on both sides, the least
    share of agreeing frames and the longest gap are asked for. The order of the pictures is not.
    """
    upload = upload.only(upload.quality >= MIN_PDQ_QUALITY)
    row, bits = _nearest(upload.phash, listed.phash)
    same = np.flatnonzero(bits <= SAME_PHASH_BITS)
    return tuple(_stretches(upload, listed, row, same, rule))


def _stretches(
    upload: Fingerprint,
    listed: Fingerprint,
    row: NDArray[np.int64],
    same: NDArray[np.int64],
    rule: AlignmentRule,
) -> Iterator[Stretch]:
    breaks = np.flatnonzero(np.diff(upload.times_s[same]) > rule.max_gap_seconds) + 1
    for frames in np.split(same, breaks):
        if not len(frames):
            continue
        start_s, end_s = upload.times_s[frames[[0, -1]]].tolist()
        share = len(frames) / (frames[-1] - frames[0] + 1)
        pictures = min(
            count_distinct(upload.pdq[frames], rule.distinct_bits),
            count_distinct(np.unique(listed.phash[row[frames]], axis=0), SAME_PHASH_BITS),
        )
        if (
            end_s - start_s < rule.min_seconds
            or share < rule.min_share
            or pictures < rule.min_distinct_frames
        ):
            continue
        yield Stretch(
            upload_start_s=start_s,
            upload_end_s=end_s,
            reference_start_s=float(listed.times_s[row[frames]].min()),
            reference_end_s=float(listed.times_s[row[frames]].max()),
            score=float(share),
        )


def _nearest(
    hashes: NDArray[np.uint8], listed: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each hash the row of the nearest that is listed, and how far that is."""
    ours = np.ascontiguousarray(hashes).view(np.uint64)
    theirs = np.ascontiguousarray(listed).view(np.uint64).ravel()
    rows, bits = [], []
    for at in range(0, len(ours), _FRAMES_AT_ONCE):
        apart = np.bitwise_count(ours[at : at + _FRAMES_AT_ONCE] ^ theirs)
        best = apart.argmin(axis=1)
        rows.append(best)
        bits.append(apart[np.arange(len(best)), best].astype(np.int64))
    none = np.empty(0, np.int64)
    return np.concatenate([none, *rows]), np.concatenate([none, *bits])
