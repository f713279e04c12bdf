"""Where in an upload the film is, when there is something around it: bars, or a frame that stands.

Several pictures of the upload are asked at once. A bar is of one colour in all of them; a frame may
be painted, but does not move. Whatever is found is one more window to look through, beside the
whole picture: a wrong one costs a search, and decides nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.view import WHOLE, Window

BAR_DEVIATION = 7.0
"""Grey levels that the pixels of a bar differ by: compression, and noise."""

STILL_DEVIATION = 3.0
"""Grey levels that a frame's pixels change by from one picture to another."""

MIN_SIDE = 0.25
"""Of the upload's picture; a film shown smaller than this is not looked for."""

_MIN_BORDER = 0.012
_PICTURES = 24
_LINES = 135
"""Of larger pictures every second line is looked at, or fewer: edges are told to a hundredth."""

_MOVING_SHARE = 0.06
"""Share of a line's pixels that must move for it to be no part of a frame."""


def find_windows(pictures: NDArray[np.uint8]) -> tuple[Window, ...]:
    """Find where the film may be, the whole picture left out.

    ``pictures`` are grey, in the order of their times, shape (n, height, width).
    """
    if not len(pictures):
        return ()
    rows = np.unique(np.linspace(0, len(pictures) - 1, _PICTURES).astype(int))
    stride = max(1, min(pictures.shape[1:]) // _LINES)
    chosen = pictures[rows, ::stride, ::stride].astype(np.float32)
    bars = _inside_bars(chosen, WHOLE)
    found = [bars]
    if len(chosen) >= 3:  # noqa: PLR2004 -- two may be alike by chance
        inner = _inside_frame(chosen, bars)
        # A frame may have a picture inside that has bars of its own.
        found += [inner, _inside_bars(chosen, inner)]
    windows: list[Window] = []
    for window in found:
        if all(_differs(window, other) for other in (WHOLE, *windows)):
            windows.append(window)
    return tuple(windows)


def _inside_bars(pictures: NDArray[np.float32], window: Window) -> Window:
    """Take away lines at the edges that are of one colour in all pictures."""
    view = _cut(pictures, window)
    lines = view.std(axis=2).max(axis=0) > BAR_DEVIATION
    top, bottom = _ends(lines)
    columns = view[:, top:bottom].std(axis=1).max(axis=0) > BAR_DEVIATION
    return _within(window, view, _ends(columns), (top, bottom))


def _inside_frame(pictures: NDArray[np.float32], window: Window) -> Window:
    """Take away lines at the edges in which nothing moves."""
    view = _cut(pictures, window)
    moving = view.std(axis=0) > STILL_DEVIATION
    if not moving.any():
        return window
    return _within(
        window,
        view,
        _ends(moving.mean(axis=0) > _MOVING_SHARE),
        _ends(moving.mean(axis=1) > _MOVING_SHARE),
    )


def _ends(kept: NDArray[np.bool_]) -> tuple[int, int]:
    """The first line that is kept, and the one after the last; all if none is."""
    rows = np.flatnonzero(kept)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, len(kept))


def _cut(pictures: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    _, height, width = pictures.shape
    return pictures[
        :,
        round(window.top * height) : round(window.bottom * height),
        round(window.left * width) : round(window.right * width),
    ]


def _within(
    window: Window,
    view: NDArray[np.float32],
    columns: tuple[int, int],
    lines: tuple[int, int],
) -> Window:
    _, height, width = view.shape
    across, down = window.right - window.left, window.bottom - window.top
    inner = Window(
        left=window.left + across * columns[0] / width,
        right=window.left + across * columns[1] / width,
        top=window.top + down * lines[0] / height,
        bottom=window.top + down * lines[1] / height,
    )
    wide_enough = min(inner.right - inner.left, inner.bottom - inner.top) >= MIN_SIDE
    return inner if wide_enough else window


def _differs(left: Window, right: Window) -> bool:
    return (
        max(
            abs(left.left - right.left),
            abs(left.right - right.right),
            abs(left.top - right.top),
            abs(left.bottom - right.bottom),
        )
        > _MIN_BORDER
    )
