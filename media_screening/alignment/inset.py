"""Where a film is shown amid other pictures: a rectangle whose sides stand still in all of them.

What is inside moves, and what is around it may, so a side is told by no colour and no stillness;
but where two films meet there is an edge in nearly every picture, in the same line. Edges within a
film move with it, or are short.

A wrong rectangle costs a search through one more window, and decides nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.border import MIN_SIDE
from media_screening.alignment.view import Window

EDGE_LEVELS = 8.0
"""Grey levels between neighbours from which there is an edge between them."""

MIN_EDGE = 0.55
"""Share of a side, over all pictures, that must be an edge."""

END_OF_PICTURE = 0.5
"""What a side counts for that is one of the picture's: less than any edge."""

STRAY = 0.5
MAX_INSETS = 3
MIN_PICTURES = 3

_LINES = 135
_CANDIDATES = 12
_NEAR_LINES = 3
_MIN_RUN = 0.2


def find_insets(pictures: NDArray[np.uint8]) -> tuple[Window, ...]:
    """Find rectangles that stand still, the surest first.

    ``pictures`` are grey, in the order of their times, shape (n, height, width).
    """
    if len(pictures) < MIN_PICTURES:
        return ()
    stride = max(1, min(pictures.shape[1:]) // _LINES)
    small = pictures[:, ::stride, ::stride].astype(np.float32)
    _, height, width = small.shape
    # Of each place, in how many pictures there is an edge between it and the one before.
    upright = _edges(small, axis=2)
    level = _edges(small, axis=1)
    columns = _candidates(upright, width)
    rows = _candidates(level.T, height)
    left, right = _pairs(columns, width)
    top, bottom = _pairs(rows, height)
    if not len(left) or not len(top):
        return ()
    # Every pair of uprights with every pair of levels.
    down = _sums(upright, axis=0)
    across = _sums(level, axis=1)
    near, far = left[:, None], right[:, None]
    inside = np.array(
        [down[bottom[None], line] - down[top[None], line] for line in (near, far)]
        + [across[line[None], far] - across[line[None], near] for line in (top, bottom)]
    )
    whole = np.array(
        [np.broadcast_to(down[-1, line], inside.shape[1:]) for line in (near, far)]
        + [np.broadcast_to(across[line, -1], inside.shape[1:]) for line in (top, bottom)]
    )
    tall, wide = (bottom - top)[None] + 0 * near, (far - near) + 0 * top[None]
    length = np.array([tall, tall, wide, wide])
    beyond = np.array([height, height, width, width])[:, None, None] - length
    told = inside / length
    # A side ends at its corners; where the edge goes on, it is one of something else.
    stray = np.where(beyond > _NEAR_LINES, (whole - inside) / np.maximum(beyond, 1), 0.0)
    at_end = np.array(
        [
            near + 0 * top == 0,
            far + 0 * top == width,
            top + 0 * near == 0,
            bottom + 0 * near == height,
        ]
    )
    sides = np.where(at_end, END_OF_PICTURE, told - STRAY * stray)
    sure = sides.mean(axis=0)
    sure[((told < MIN_EDGE) & ~at_end).any(axis=0) | at_end.all(axis=0)] = 0.0
    found: list[tuple[int, int, int, int]] = []
    for place in np.argsort(-sure, axis=None, kind="stable"):
        pair, other = np.unravel_index(place, sure.shape)
        if sure[pair, other] <= 0 or len(found) == MAX_INSETS:
            break
        one = int(left[pair]), int(right[pair]), int(top[other]), int(bottom[other])
        if all(
            max(abs(a - b) for a, b in zip(one, two, strict=True)) > _NEAR_LINES for two in found
        ):
            found.append(one)
    return tuple(
        Window(left=x0 / width, right=x1 / width, top=y0 / height, bottom=y1 / height)
        for x0, x1, y0, y1 in found
    )


def _edges(pictures: NDArray[np.float32], *, axis: int) -> NDArray[np.float64]:
    """How often there is an edge before each place, over one line at either side of it."""
    steps = np.abs(np.diff(pictures, axis=axis, prepend=np.take(pictures, [0], axis=axis)))
    edges: NDArray[np.float64] = (steps >= EDGE_LEVELS).mean(axis=0)
    return edges


def _sums(edges: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Running sums along a side, and one line more at the far end of the other axis."""
    total = np.insert(edges.cumsum(axis=axis), 0, 0.0, axis=axis)
    after = np.zeros((total.shape[0], 1)) if axis == 0 else np.zeros((1, total.shape[1]))
    return np.concatenate([total, after], axis=1 - axis)


def _candidates(edges: NDArray[np.float64], end: int) -> NDArray[np.int64]:
    """The lines in which edges stand longest, none next to another; the picture's ends too."""
    side = max(1, round(MIN_SIDE * len(edges)))
    total = _sums(edges, axis=0)[:, :-1]
    longest = ((total[side:] - total[:-side]) / side).max(axis=0)
    found = [0, end]
    while len(found) < _CANDIDATES:
        best = int(longest.argmax())
        if longest[best] < MIN_EDGE:
            break
        found.append(best)
        longest[max(0, best - 1) : best + 2] = 0.0
    return np.unique(found)


def _pairs(lines: NDArray[np.int64], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = np.triu_indices(len(lines), k=1)
    near, far = lines[first], lines[second]
    kept = far - near >= MIN_SIDE * length
    return near[kept], far[kept]
