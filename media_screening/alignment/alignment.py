"""Stretches of an upload that are stretches of a reference, with the seconds of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.pairing import Pairing, pair_frames
from media_screening.alignment.vote import Line
from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, Fingerprint, hamming_bits

REFINE_SECONDS = 1.0
REFINE_STEP_SECONDS = 0.125
"""The references' sampling period."""

MAX_PAUSE_SECONDS = 1.0
"""Segments further apart than this are two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignmentRule:
    """When frames agree, and when agreeing frames are a match.

    The distances were measured on ten videos re-encoded at a third of their bit rate and half their
    size: PDQ between the same moments has its median at 2 to 14 bits and its 95th percentile at 4
    to 33 (102 in a fast ride filmed by hand); detailed frames of different videos are at least 56
    bits apart.

    Attributes:
        agree_bits: PDQ distance up to which two frames agree.
        unsure_bits: PDQ distance up to which they agree if their pHashes do.
        agree_phash_bits: pHash distance up to which those agree.
        reach_seconds: How far from the line a reference frame may lie.
        min_seconds: Shortest stretch.
        min_distinct_frames: So many agreeing pictures must differ from each other: a title card,
            however long it stands, is one.
        distinct_bits: PDQ distance beyond which two pictures of one video differ.
        min_share: Least share of a stretch's frames that agree.
        max_gap_frames: Disagreeing frames in a row that a stretch survives.
        max_gap_seconds: Longest flat passage that a stretch survives.
    """

    agree_bits: int = 40
    unsure_bits: int = 52
    agree_phash_bits: int = 8
    reach_seconds: float = 0.3
    min_seconds: float = 3.0
    min_distinct_frames: int = 5
    distinct_bits: int = 12
    min_share: float = 0.6
    max_gap_frames: int = 6
    max_gap_seconds: float = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One stretch on both sides, in seconds from the start of each.

    Attributes:
        score: 0 to 1, the share of the upload's frames in it that agree.
        agreeing_frames: How many those are.
        distinct_frames: How many different pictures carry it, on the side that has fewer.
        gain: How well it fits, for comparing segments of one pair of videos.
    """

    upload_start_s: float
    upload_end_s: float
    reference_start_s: float
    reference_end_s: float
    score: float
    agreeing_frames: int
    distinct_frames: int
    line: Line
    gain: float


def align(
    upload: Fingerprint,
    reference: Fingerprint,
    lines: tuple[Line, ...],
    rule: AlignmentRule,
) -> tuple[Segment, ...]:
    """Find the stretches that lie on the given lines, in the order of the upload.

    Of stretches that claim the same seconds of the upload, the one that fits best stands.
    """
    if not len(upload) or not len(reference):
        return ()
    table = _Table(upload=upload, reference=reference, rule=rule)
    free = np.ones(len(upload), bool)
    open_lines = list(dict.fromkeys(lines))
    found: list[Segment] = []
    while open_lines:
        bests = [table.best_on(line, free) for line in open_lines]
        open_lines = [line for line, best in zip(open_lines, bests, strict=True) if best]
        best = max((best for best in bests if best), key=_gain, default=None)
        if best is None:
            break
        best = table.refine(best, free)
        found.append(best)
        free &= (upload.times_s < best.upload_start_s) | (upload.times_s > best.upload_end_s)
    return merge(sorted(found, key=lambda segment: segment.upload_start_s), rule)


def merge(segments: list[Segment], rule: AlignmentRule) -> tuple[Segment, ...]:
    """Join neighbours that go on where the last one ended, on both sides."""
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last is None or not _goes_on(last, segment, rule):
            joined.append(segment)
            continue
        agreeing = last.agreeing_frames + segment.agreeing_frames
        asked = last.agreeing_frames / last.score + segment.agreeing_frames / segment.score
        joined[-1] = Segment(
            upload_start_s=last.upload_start_s,
            upload_end_s=max(last.upload_end_s, segment.upload_end_s),
            reference_start_s=min(last.reference_start_s, segment.reference_start_s),
            reference_end_s=max(last.reference_end_s, segment.reference_end_s),
            score=agreeing / asked,
            agreeing_frames=agreeing,
            distinct_frames=max(last.distinct_frames, segment.distinct_frames),
            line=max(last, segment, key=_gain).line,
            gain=last.gain + segment.gain,
        )
    return tuple(joined)


def count_distinct(pdq: NDArray[np.uint8], distinct_bits: int) -> int:
    """Count pictures of which each differs from every one counted before it."""
    left = pdq
    count = 0
    while len(left):
        count += 1
        left = left[hamming_bits(left, left[0]) > distinct_bits]
    return count


def _gain(segment: Segment) -> float:
    return segment.gain


def _goes_on(last: Segment, segment: Segment, rule: AlignmentRule) -> bool:
    pause_s = segment.upload_start_s - last.upload_end_s
    drift_s = segment.line.offset_s - last.line.offset_s
    return pause_s <= MAX_PAUSE_SECONDS and abs(drift_s) <= 2 * rule.reach_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """One upload laid over one reference, this way and that."""

    upload: Fingerprint
    reference: Fingerprint
    rule: AlignmentRule

    def best_on(self, line: Line, free: NDArray[np.bool_]) -> Segment | None:
        """The stretch on this line that fits best, among upload frames that are still free."""
        pairing = pair_frames(
            self.upload, self.reference, line, reach_seconds=self.rule.reach_seconds
        )
        agree = free & (
            (pairing.pdq_bits <= self.rule.agree_bits)
            | (
                (pairing.pdq_bits <= self.rule.unsure_bits)
                & (pairing.phash_bits <= self.rule.agree_phash_bits)
            )
        )
        segments = (
            self._measure(rows, agree[rows], pairing, line) for rows in self._stretches(agree)
        )
        return max((segment for segment in segments if segment), key=_gain, default=None)

    def refine(self, segment: Segment, free: NDArray[np.bool_]) -> Segment:
        """Move the line a little either way, to where it fits best."""
        moved = (
            Line(offset_s=segment.line.offset_s + float(step), rate=segment.line.rate)
            for step in np.arange(-REFINE_SECONDS, REFINE_SECONDS + 0.01, REFINE_STEP_SECONDS)
        )
        tries = (self.best_on(line, free) for line in moved)
        return max([segment, *(found for found in tries if found)], key=_gain)

    def _stretches(self, agree: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
        """The frames of each stretch, from its first agreeing one to its last."""
        rows = np.flatnonzero(agree)
        if not len(rows):
            return []
        breaks = (np.diff(rows) - 1 > self.rule.max_gap_frames) | (
            np.diff(self.upload.times_s[rows]) > self.rule.max_gap_seconds
        )
        return [
            np.arange(group[0], group[-1] + 1)
            for group in np.split(rows, np.flatnonzero(breaks) + 1)
        ]

    def _measure(
        self, rows: NDArray[np.int64], agree: NDArray[np.bool_], pairing: Pairing, line: Line
    ) -> Segment | None:
        """None when a stretch is too short, too thin or too uniform to be a match."""
        rule, upload, reference = self.rule, self.upload, self.reference
        agreeing = rows[agree]
        score = len(agreeing) / len(rows)
        start_s, end_s = self._ends(int(rows[0]), int(rows[-1]))
        if score < rule.min_share or end_s - start_s < rule.min_seconds:
            return None
        detailed = agreeing[upload.quality[agreeing] >= MIN_PDQ_QUALITY]
        distinct = min(
            count_distinct(upload.pdq[detailed], rule.distinct_bits),
            count_distinct(reference.pdq[pairing.row[detailed]], rule.distinct_bits),
        )
        if distinct < rule.min_distinct_frames:
            return None
        fit = (rule.unsure_bits - pairing.cost_bits[rows]) / rule.unsure_bits
        reference_s = line.reference_s(np.array([start_s, end_s]))
        return Segment(
            upload_start_s=start_s,
            upload_end_s=end_s,
            reference_start_s=max(0.0, float(reference_s[0])),
            reference_end_s=min(reference.duration_s, float(reference_s[1])),
            score=score,
            agreeing_frames=len(agreeing),
            distinct_frames=distinct,
            line=line,
            gain=float(np.clip(fit, -1.0, 1.0).sum()),
        )

    def _ends(self, first: int, last: int) -> tuple[float, float]:
        """A cut lies between two samples: take the middle, a quarter second off at most."""
        times = self.upload.times_s
        before = times[first - 1] if first else 0.0
        after = times[last + 1] if last + 1 < len(times) else self.upload.duration_s
        start_s = times[first] - min(0.25, max(0.0, (times[first] - before) / 2))
        end_s = times[last] + min(0.25, max(0.0, (after - times[last]) / 2))
        return float(start_s), float(end_s)
