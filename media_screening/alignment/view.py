"""Where in an upload's picture the whole picture of a reference is to be found.

A view takes points of the reference's picture to points of the upload's; both have (0, 0) at the
top left and (1, 1) at the bottom right. It is a homography: a crop, a frame, a stacked or squeezed
picture, a mirror, a turn and a screen filmed at a slant are all of this one kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Window:
    """A part of a picture, edges in shares of its width and height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the picture."""
        return self == WHOLE

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut it out of a picture, shape (height, width); at least one pixel."""
        height, width = pixels.shape
        left = min(round(self.left * width), width - 1)
        top = min(round(self.top * height), height - 1)
        right = max(left + 1, round(self.right * width))
        bottom = max(top + 1, round(self.bottom * height))
        return pixels[top:bottom, left:right]


WHOLE = Window()


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A way to find a reference's picture in an upload's.

    Attributes:
        matrix: Homography from the reference's picture to the upload's, shape (3, 3).
    """

    matrix: Matrix

    @cached_property
    def corners(self) -> Matrix:
        """The reference's corners in the upload, clockwise from top left, shape (4, 2)."""
        return self.points(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))

    def points(self, points: Matrix) -> Matrix:
        """Take points of the reference, shape (n, 2), to the upload."""
        moved = np.column_stack([points, np.ones(len(points))]) @ self.matrix.T
        depth = np.where(np.abs(moved[:, 2:]) < _NO_DEPTH, _NO_DEPTH, moved[:, 2:])
        taken: Matrix = moved[:, :2] / depth
        return taken

    def distance(self, other: View) -> float:
        """How far apart two views put the corner that they disagree about most, in pictures."""
        return float(np.abs(self.corners - other.corners).max())

    def is_plausible(self) -> bool:
        """Whether somebody may have edited so: neither folded, nor a sliver, nor all but gone."""
        corners = self.corners
        edges = np.roll(corners, -1, axis=0) - corners
        turns = edges[:, 0] * np.roll(edges[:, 1], -1) - edges[:, 1] * np.roll(edges[:, 0], -1)
        if not np.isfinite(corners).all() or not (np.all(turns > 0) or np.all(turns < 0)):
            return False
        lengths = np.hypot(edges[:, 0], edges[:, 1])
        opposite = np.maximum(lengths[:2], lengths[2:]) / np.minimum(lengths[:2], lengths[2:])
        leans = np.abs([edges[0, 1], edges[2, 1], edges[1, 0], edges[3, 0]])
        return bool(
            lengths.min() >= _MIN_EDGE
            and lengths.max() <= _MAX_EDGE
            and opposite.max() <= _MAX_TAPER
            and (leans <= _MAX_LEAN * lengths[[0, 2, 1, 3]]).all()
        )

    @property
    def share(self) -> float:
        """The share of the reference's picture that lies inside the upload's, roughly."""
        steps = (np.arange(_GRID) + 0.5) / _GRID
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        points = self.points(grid)
        return float(((points >= 0) & (points <= 1)).all(axis=1).mean())


_NO_DEPTH = 1e-9
_MIN_EDGE = 0.18
_MAX_EDGE = 4.0
_MAX_TAPER = 1.7
_MAX_LEAN = 0.45
"""An edge may climb by so much of its length: a turn of some 15 degrees in a wide picture."""

_GRID = 12


def window_view(window: Window, *, mirrored: bool = False) -> View:
    """The whole of a reference fills a window of the upload, the other way round if mirrored."""
    left, width = window.left, window.right - window.left
    if mirrored:
        left, width = window.right, -width
    return View(
        matrix=np.array(
            [[width, 0.0, left], [0.0, window.bottom - window.top, window.top], [0.0, 0.0, 1.0]]
        )
    )


def mirrored(view: View) -> View:
    """What a view of a mirrored upload is of the upload itself."""
    return View(matrix=np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) @ view.matrix)
