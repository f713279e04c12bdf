"""The stretch over which an upload's pictures follow a reference's, by dynamic programming.

Smith and Waterman's local alignment (1981) of two films: an upload's picture goes on where the last
one was, while the reference goes on by none, one or two of its own. What is found is the path with
the greatest sum of gains, wherever it begins and ends; its line, ``reference_s = rate * upload_s +
offset_s``, is fitted to it after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.vote import Line

MAX_STEP = 2
STEP_COST = 0.03
"""What a step of other than one costs: among paths that fit alike the steady one is taken."""

MIN_RATE, MAX_RATE = 0.75, 1.32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Path:
    """Pairs of pictures, one for each of the upload's pictures that it spans.

    Attributes:
        upload: Rows, rising by one.
        reference: Rows, never falling.
        gain: Sum of the gains of the pairs, less what the steps cost.
    """

    upload: NDArray[np.int64]
    reference: NDArray[np.int64]
    gain: float


def best_path(gains: NDArray[np.float32], *, max_drop: float = math.inf) -> Path | None:
    """Find the path of greatest gain through a table of shape (upload, reference); None if none.

    A path that has lost ``max_drop`` since it stood best has ended there: two stretches that a
    cut lies between are two, however long they are (BLAST's X-drop; Altschul and others, 1997).
    """
    height, width = gains.shape
    total = np.zeros(width + MAX_STEP, np.float32)
    peak = np.zeros_like(total)
    came = np.full((height, width), -1, np.int8)
    columns_of = np.arange(width)
    best, end = 0.0, (-1, -1)
    costs = np.array([STEP_COST, 0.0, STEP_COST], np.float32)
    for row in range(height):
        # Column c of the last row stands at c + MAX_STEP; a step of k comes from there less k.
        ways = np.stack(
            [total[MAX_STEP - step : MAX_STEP - step + width] - costs[step] for step in range(3)]
        )
        step = ways.argmax(axis=0)
        carried = ways.max(axis=0)
        came[row] = np.where(carried > 0, step, -1)
        now = np.maximum(carried, 0.0) + gains[row]
        came_from = peak[columns_of + MAX_STEP - step]
        highest = np.maximum(np.where(carried > 0, came_from, 0.0), now)
        now[(now <= 0) | (highest - now > max_drop)] = 0.0
        total[MAX_STEP:] = now
        peak[MAX_STEP:] = highest
        column = int(now.argmax())
        if now[column] > best:
            best, end = float(now[column]), (row, column)
    if best <= 0:
        return None
    rows, columns = [], []
    row, column = end
    while True:
        rows.append(row)
        columns.append(column)
        step = int(came[row, column])
        if step < 0:
            break
        row, column = row - 1, column - step
    return Path(upload=np.array(rows[::-1]), reference=np.array(columns[::-1]), gain=best)


def fit_line(
    upload_s: NDArray[np.float64], reference_s: NDArray[np.float64], weight: NDArray[np.float64]
) -> Line:
    """Fit a line to pairs of times, by least squares that forget what lies far off.

    The rate stays between ``MIN_RATE`` and ``MAX_RATE``, and is 1 where the pairs are too few or
    too near each other to say otherwise.
    """
    rate, offset_s = 1.0, float(np.average(reference_s - upload_s, weights=weight))
    kept = weight.copy()
    for _ in range(_FITS):
        middle = float(np.average(upload_s, weights=kept))
        spread = float(np.average((upload_s - middle) ** 2, weights=kept))
        level = float(np.average(reference_s, weights=kept))
        if spread >= _MIN_SPREAD_S**2:
            lean = float(np.average((upload_s - middle) * (reference_s - level), weights=kept))
            rate = float(np.clip(lean / spread, MIN_RATE, MAX_RATE))
        offset_s = level - rate * middle
        off_s = np.abs(reference_s - rate * upload_s - offset_s)
        kept = weight / (1.0 + (off_s / _FORGET_S) ** 2)
    return Line(offset_s=offset_s, rate=rate)


_FITS = 8
_FORGET_S = 0.4
_MIN_SPREAD_S = 0.6
