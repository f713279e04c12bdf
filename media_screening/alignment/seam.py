"""Where pictures may be stacked: films side by side, one above the other, or four in a square.

Where two pictures meet, neighbouring pixels differ by far more than they do a little further off.
Where they differ by no more, in none of several pictures, nothing meets, and the halves need not be
looked up. Pictures that are flat about the middle, as slides are, tell nothing: what they may be is
looked up all the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.view import Window

SEAM_RATIO = 2.0
"""How much steeper a seam is than what is around it, on average over several pictures. Of stacked
tuning videos, blurred and coarsely encoded, half are at 5.5 or more and one in ten below 3.5; of
eight pictures of a film that is not stacked half are below 1.4."""

SURE_RATIO = 4.0
"""The same, in one picture alone: an upload may be spliced, and one of its pictures be stacked."""

FLAT_LEVELS = 1.0
"""Mean step between neighbours, in grey levels, below which a seam may be there and not be seen."""

_SEAM_LINES = 1
_AROUND_LINES = range(4, 15)
_NOISE_LEVELS = 0.2


def find_stacked(pictures: NDArray[np.uint8]) -> tuple[Window, ...]:
    """Find the halves and quarters that may be pictures of their own.

    ``pictures`` are grey, in the order of their times, shape (n, height, width).
    """
    if not len(pictures):
        return ()
    level, upright = _may_meet(pictures, axis=1), _may_meet(pictures, axis=2)
    windows: list[Window] = []
    for down, across in ((2, 2), (2, 1), (1, 2)):
        if (level or down == 1) and (upright or across == 1):
            windows += _parts(down=down, across=across)
    return tuple(windows)


def _may_meet(pictures: NDArray[np.uint8], *, axis: int) -> bool:
    """Whether pictures may meet in the middle along an axis."""
    middle = pictures.shape[axis] // 2
    reach = _AROUND_LINES[-1] + 1
    if middle <= reach:
        return True
    near_middle = np.moveaxis(pictures, axis, -1)[..., middle - reach - 1 : middle + reach + 1]
    steps = np.abs(np.diff(near_middle.astype(np.int16), axis=-1)).mean(axis=1)
    # Step ``reach`` is that between the two lines in the middle.
    offset = np.abs(np.arange(steps.shape[1]) - reach)
    seam = steps[:, offset <= _SEAM_LINES].max(axis=1)
    around = np.median(steps[:, np.isin(offset, _AROUND_LINES)], axis=1)
    if around.mean() < FLAT_LEVELS:
        return True
    each = (seam + _NOISE_LEVELS) / (around + _NOISE_LEVELS)
    together = (seam.mean() + _NOISE_LEVELS) / (around.mean() + _NOISE_LEVELS)
    return bool(together >= SEAM_RATIO or each.max() >= SURE_RATIO)


def _parts(*, down: int, across: int) -> list[Window]:
    return [
        Window(
            left=column / across,
            top=line / down,
            right=(column + 1) / across,
            bottom=(line + 1) / down,
        )
        for line in range(down)
        for column in range(across)
    ]
