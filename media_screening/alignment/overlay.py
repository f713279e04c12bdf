"""One upload laid over one reference, picture by picture: the stretches that they share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.likeness import MIN_PLACES, Floats, Likeness
from media_screening.alignment.path import MAX_RATE, MIN_RATE, Path, best_path, fit_line
from media_screening.alignment.vote import Line
from media_screening.fingerprinting.reference_sketch import Sketches


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayRule:
    """When pictures agree, and when agreeing pictures are a match.

    Attributes:
        agree: Likeness from which two pictures agree.
        gain_from: Likeness that neither speaks for nor against a path.
        max_gain: What one pair of pictures can speak for a path at most.
        max_loss: What one can speak against it at most.
        max_drop: What a path may lose before it has ended.
        min_gain: Least sum of gains of a path.
        min_seconds: Shortest stretch, on the upload's side.
        min_share: Least share of a stretch's pictures that agree.
        min_distinct: So many agreeing pictures must differ from each other.
        distinct_below: Likeness under which two pictures of one video differ.
        reach_seconds: How far from its line a reference's picture may lie.
        min_score: Least score of a stretch.
        max_segments: Stretches of one pair of videos that are told at most.
    """

    agree: float = 0.42
    gain_from: float = 0.3
    max_gain: float = 0.4
    max_loss: float = 0.3
    max_drop: float = 3.0
    min_gain: float = 1.2
    min_seconds: float = 2.0
    min_share: float = 0.6
    min_distinct: int = 3
    distinct_below: float = 0.9
    reach_seconds: float = 0.3
    min_score: float = 0.5
    max_segments: int = 40


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """One stretch on both sides, in seconds from the start of each.

    Attributes:
        score: 0 to 1; see ``score_of``.
        share: 0 to 1, the share of the upload's pictures in it that agree.
        likeness: -1 to 1, the mean of those that agree.
        together: -1 to 1, how alike both change; see ``moving_together``.
        agreeing: How many those are.
        distinct: How many of them differ from each other.
        pairs: Times of the upload and of the reference of all pictures that agree, shape (n, 2).
        gain: How well it fits, for comparing stretches that claim the same seconds.
    """

    upload_start_s: float
    upload_end_s: float
    reference_start_s: float
    reference_end_s: float
    score: float
    share: float
    likeness: float
    together: float
    agreeing: int
    distinct: int
    line: Line
    pairs: NDArray[np.float64]
    gain: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlay:
    """The table of likenesses of an upload's pictures and a reference's, through one view.

    Attributes:
        upload_s: Times of the upload's pictures, shape (n,).
        reference_s: Times of the reference's, shape (m,).
        table: Likeness of each pair, shape (n, m).
        upload: The upload's pictures as vectors, shape (n, places).
        reference: The reference's.
        flat: Which of the upload's pictures have no detail: they speak neither for nor against.
        end_s: Where the upload ends.
        reference_end_s: Where the reference ends.
    """

    upload_s: NDArray[np.float64]
    reference_s: NDArray[np.float64]
    table: Floats
    upload: Floats
    reference: Floats
    flat: NDArray[np.bool_]
    end_s: float
    reference_end_s: float

    def stretches(self, rule: OverlayRule) -> list[Stretch]:
        """The stretches that follow each other in both, those that fit best first."""
        gains = np.clip(
            self.table - rule.gain_from, -rule.max_loss, rule.max_gain, dtype=np.float32
        )
        gains[self.flat] = 0.0
        found: list[Stretch] = []
        while len(found) < rule.max_segments:
            path = best_path(gains, max_drop=rule.max_drop)
            if path is None or path.gain < rule.min_gain:
                break
            stretch = self._measure(path, rule)
            if stretch is not None:
                found.append(stretch)
            # What a path has claimed, no other has; what it led to nothing with, neither.
            gains[path.upload[0] : path.upload[-1] + 1] = -rule.max_loss
        return found

    def _measure(self, path: Path, rule: OverlayRule) -> Stretch | None:
        likeness = self.table[path.upload, path.reference]
        told = np.clip(likeness - rule.gain_from, 0.02, None).astype(np.float64)
        told[self.flat[path.upload]] = 0.001
        line = fit_line(self.upload_s[path.upload], self.reference_s[path.reference], told)
        line = self._straighten(line, path)
        first, last = int(path.upload[0]), int(path.upload[-1])
        rows = np.arange(first, last + 1)
        columns, best = self._along(line, rows, rule)
        if np.mean(best) < np.mean(likeness) - _LINE_LOSS:
            columns, best = path.reference, likeness  # it does not run evenly: leave it as it is
        agree = (best >= rule.agree) & ~self.flat[rows]
        asked = int((~self.flat[rows]).sum())
        if not agree.any() or not asked:
            return None
        share = float(agree.sum() / asked)
        start_s, end_s = self._ends(first, last)
        if end_s - start_s < rule.min_seconds or share < rule.min_share:
            return None
        distinct = min(
            count_distinct(self.upload[rows[agree]], rule.distinct_below),
            count_distinct(self.reference[columns[agree]], rule.distinct_below),
        )
        together = moving_together(self.upload[rows], self.reference[columns])
        score = score_of(float(best[agree].mean()), share, distinct, together)
        if distinct < rule.min_distinct or score < rule.min_score:
            return None
        theirs = line.reference_s(np.array([start_s, end_s]))
        return Stretch(
            upload_start_s=start_s,
            upload_end_s=end_s,
            reference_start_s=max(0.0, float(theirs[0])),
            reference_end_s=min(self.reference_end_s, float(theirs[1])),
            score=score,
            share=share,
            likeness=float(best[agree].mean()),
            together=together,
            agreeing=int(agree.sum()),
            distinct=distinct,
            line=line,
            pairs=np.column_stack([self.upload_s[rows[agree]], self.reference_s[columns[agree]]]),
            gain=path.gain,
        )

    def _straighten(self, line: Line, path: Path) -> Line:
        """Move and turn the line a little to where it fits best; rate 1 if that fits as well."""
        at_s = self.upload_s[path.upload]
        middle_s = float(at_s.mean())
        best, best_line = self._fit(line, path), line
        rates = line.rate + np.arange(-_TURNS, _TURNS + 1) * _TURN
        for rate in (*rates[(rates >= MIN_RATE) & (rates <= MAX_RATE)], 1.0):
            for shift_s in np.arange(-_SHIFTS, _SHIFTS + 1) * _SHIFT_SECONDS:
                level_s = line.rate * middle_s + line.offset_s + shift_s
                tried = Line(rate=float(rate), offset_s=float(level_s - rate * middle_s))
                fit = self._fit(tried, path)
                fit += _STEADY if rate == 1.0 else 0.0
                if fit > best:
                    best, best_line = fit, tried
        return best_line

    def _fit(self, line: Line, path: Path) -> float:
        """The mean likeness on a line, between the reference's pictures by both."""
        column = (line.reference_s(self.upload_s[path.upload]) - self.reference_s[0]) / GRID_SECONDS
        low = np.floor(column).astype(np.int64)
        share = (column - low).astype(np.float32)
        last = len(self.reference_s) - 1
        inside = (low >= 0) & (low < last)
        low = np.clip(low, 0, max(0, last - 1))
        values = self.table[path.upload, low] * (1 - share)
        values += self.table[path.upload, np.minimum(low + 1, last)] * share
        return float(np.where(inside, values, 0.0).mean())

    def _along(
        self, line: Line, rows: NDArray[np.int64], rule: OverlayRule
    ) -> tuple[NDArray[np.int64], Floats]:
        """The best of the reference's pictures within reach of the line, and how alike it is."""
        at_s = line.reference_s(self.upload_s[rows])
        near = np.abs(self.reference_s[None] - at_s[:, None]) <= rule.reach_seconds
        values = np.where(near, self.table[rows], -1.0).astype(np.float32)
        columns = values.argmax(axis=1)
        return columns, values[np.arange(len(rows)), columns]

    def _ends(self, first: int, last: int) -> tuple[float, float]:
        """A cut lies between two samples: take the middle, a quarter second off at most."""
        times = self.upload_s
        before = times[first - 1] if first else 0.0
        after = times[last + 1] if last + 1 < len(times) else self.end_s
        start_s = times[first] - min(0.25, max(0.0, (times[first] - before) / 2))
        end_s = times[last] + min(0.25, max(0.0, (after - times[last]) / 2))
        return float(start_s), float(end_s)


GRID_SECONDS = 0.25
_LINE_LOSS = 0.08
_TURNS, _TURN = 4, 0.01
_SHIFTS, _SHIFT_SECONDS = 5, 0.1
_STEADY = 0.006
"""Most uploads run as fast as the work: another speed has to fit better by so much."""


def lay_over(
    *,
    likeness: Likeness,
    times_s: NDArray[np.float64],
    pictures: Floats,
    reference: Sketches,
    between_s: tuple[float, float],
    end_s: float,
    reference_end_s: float,
) -> Overlay | None:
    """Compare an upload's pictures, cut out by the view, with a stretch of a reference's.

    None if the view leaves too little to compare.
    """
    if likeness.places < MIN_PLACES or not len(times_s):
        return None
    first, last = np.searchsorted(reference.times_s, between_s)
    if last <= first:
        return None
    ours, ours_detailed = likeness.normalise(pictures)
    theirs, theirs_detailed = likeness.normalise(reference.pixels[first:last])
    table = ours @ theirs.T
    table[:, ~theirs_detailed] = 0.0
    # Evenly, so that a step of one on either side is as long: decoders give what frames there are.
    rows = _evenly(times_s)
    columns = _evenly(reference.times_s[first:last])
    return Overlay(
        upload_s=times_s[0] + GRID_SECONDS * np.arange(len(rows)),
        reference_s=reference.times_s[first] + GRID_SECONDS * np.arange(len(columns)),
        table=table[np.ix_(rows, columns)],
        upload=ours[rows],
        reference=theirs[columns],
        flat=~ours_detailed[rows],
        end_s=end_s,
        reference_end_s=reference_end_s,
    )


def _evenly(times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """The picture on screen, or nearest, at every step of the grid from the first time on."""
    steps = times_s[0] + GRID_SECONDS * np.arange(
        int((times_s[-1] - times_s[0]) / GRID_SECONDS + 0.5) + 1
    )
    after = np.clip(np.searchsorted(times_s, steps), 1, max(1, len(times_s) - 1))
    after = np.minimum(after, len(times_s) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times_s[before] - steps) <= np.abs(times_s[after] - steps)
    rows: NDArray[np.int64] = np.where(nearer, before, after)
    return rows


def moving_together(upload: Floats, reference: Floats) -> float:
    """How alike both films change over a stretch, pair by pair, from -1 to 1.

    Two films of one street, or two decks of slides laid out alike, look alike throughout, but what
    changes in the one is not what changes in the other.
    """
    lag = max(1, min(_CHANGE_ROWS, len(upload) // 2))
    ours, theirs = upload[lag:] - upload[:-lag], reference[lag:] - reference[:-lag]
    energy = float((ours**2).sum() * (theirs**2).sum())
    return float((ours * theirs).sum()) / math.sqrt(energy) if energy > 0 else 0.0


_CHANGE_ROWS = 6


def score_of(likeness: float, share: float, distinct: int, together: float) -> float:
    """How likely a stretch is one of the reference's, from 0 to 1.

    ``likeness`` is the mean of the pictures that agree, ``share`` how many do, ``distinct`` how
    many of them differ: the fewer, the more alike they must be. ``together`` is how alike both
    change. Measured: 0.89 and more of edited works, 0.31 and less of decks of slides with the same
    layout as a reference's.
    """
    needed = _LIKENESS_OF_MANY + _LIKENESS_OF_FEW * math.exp(-max(0, distinct - 3) / _MANY)
    logit = _LIKENESS * (likeness - needed)
    logit += _SHARE * (share - _SHARE_LEVEL) + _TOGETHER * (together - _TOGETHER_LEVEL)
    return 1 / (1 + math.exp(-logit))


_LIKENESS, _LIKENESS_OF_MANY, _LIKENESS_OF_FEW, _MANY = 12.0, 0.5, 0.2, 4.0
_SHARE, _SHARE_LEVEL = 3.0, 0.85
_TOGETHER, _TOGETHER_LEVEL = 10.0, 0.4


def count_distinct(vectors: Floats, distinct_below: float) -> int:
    """Count pictures of which each differs from every one counted before it."""
    left = vectors
    count = 0
    while len(left):
        count += 1
        left = left[left @ left[0] < distinct_below]
    return count
