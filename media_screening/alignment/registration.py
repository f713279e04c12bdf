"""Moving a view to where it fits: an upload's pictures are laid exactly over a reference's.

Lucas and Kanade's registration (1981) of many pairs of pictures at once, in Gauss-Newton steps: all
are seen through one view, so together they say where it is, also where each is coarse. What agrees
badly, a logo or a line of text, counts for little.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.likeness import Floats, likeness_of, warp
from media_screening.alignment.view import View
from media_screening.fingerprinting.reference_sketch import SKETCH_SIDE_PIXELS

MAX_PAIRS = 14
"""Pairs of pictures that are asked: more say little more."""

_STEPS = 10
_SMOOTH_STEPS = 5
"""The first steps see less detail, and further."""

_MAX_MOVE = 0.12
"""A step moves no corner further than this, in pictures."""

_DONE = 0.0008
_RESIDUAL = 0.6
"""Normalised grey levels at which a place counts for half."""


def refine_view(
    pictures: NDArray[np.uint8], sketches: NDArray[np.uint8], view: View
) -> tuple[View, float]:
    """Move a view so that an upload's pictures lie on a reference's sketches, pair by pair.

    ``pictures`` have shape (n, height, width), ``sketches`` (n, 24, 24).

    Returns:
        The best view seen, the given one included, and the mean likeness of the pairs through it.
    """
    chosen = np.unique(np.linspace(0, len(pictures) - 1, MAX_PAIRS).astype(int))
    pictures, sketches = pictures[chosen], sketches[chosen]
    best, best_fit = view, mean_likeness(pictures, sketches, view)
    for step in range(_STEPS):
        delta = _step(pictures, sketches, view, smooth=step < _SMOOTH_STEPS)
        if delta is None:
            break
        view = View(matrix=view.matrix @ delta)
        if not view.is_plausible():
            break
        fit = mean_likeness(pictures, sketches, view)
        if fit > best_fit:
            best, best_fit = view, fit
        if np.abs(delta - np.eye(3)).max() < _DONE and step >= _SMOOTH_STEPS:
            break
    return best, best_fit


def mean_likeness(pictures: NDArray[np.uint8], sketches: NDArray[np.uint8], view: View) -> float:
    """How alike pairs of pictures are through a view, on average; -1 if it shows too little."""
    likeness = likeness_of(view)
    if likeness.places < _MIN_PLACES:
        return -1.0
    ours, _ = likeness.normalise(np.array([warp(picture, view) for picture in pictures]))
    theirs, _ = likeness.normalise(sketches)
    return float((ours * theirs).sum(axis=1).mean())


_MIN_PLACES = 60


def _step(
    pictures: NDArray[np.uint8], sketches: NDArray[np.uint8], view: View, *, smooth: bool
) -> NDArray[np.float64] | None:
    """A homography of the reference's picture that takes the view nearer; None if none is told."""
    likeness = likeness_of(view)
    if likeness.places < _MIN_PLACES:
        return None
    ours = likeness.localise(np.array([warp(picture, view) for picture in pictures]))
    theirs = likeness.localise(sketches)
    if smooth:
        ours = np.array([cv2.blur(one, (3, 3)) for one in ours])
        theirs = np.array([cv2.blur(one, (3, 3)) for one in theirs])
    slopes = np.array(np.gradient(ours, 1 / SKETCH_SIDE_PIXELS, axis=(1, 2)))
    inside = np.asarray(cv2.erode(likeness.mask, np.ones((3, 3), np.uint8))) > 0
    wanted = (theirs - ours)[:, inside].ravel()
    down, across = (slope[:, inside].ravel() for slope in slopes)
    x, y = (np.tile(axis[inside], len(ours)) for axis in _CENTRES)
    columns = [across * x, across * y, across, down * x, down * y, down]
    if not smooth:
        lean = across * x + down * y
        columns += [-lean * x, -lean * y]
    jacobian = np.stack(columns, axis=1)
    weight = 1 / (1 + (wanted / _RESIDUAL) ** 2)
    weighted = jacobian * weight[:, None]
    normal = weighted.T @ jacobian
    normal += np.eye(len(normal)) * (1e-3 * np.trace(normal) / len(normal) + 1e-9)
    move = np.linalg.solve(normal, weighted.T @ wanted)
    # Coordinates are taken from the middle of the picture, where a turn moves nothing.
    delta: NDArray[np.float64] = np.eye(3)
    delta[:2] += move[:6].reshape(2, 3)
    delta[2, : len(move) - 6] += move[6:]
    delta = _FROM_MIDDLE @ delta @ _TO_MIDDLE
    size = float(np.abs(delta - np.eye(3)).max())
    if not np.isfinite(size):
        return None
    if size > _MAX_MOVE:
        delta = np.eye(3) + (delta - np.eye(3)) * (_MAX_MOVE / size)
    return delta


def _centres() -> tuple[Floats, Floats]:
    at = (np.arange(SKETCH_SIDE_PIXELS, dtype=np.float32) + 0.5) / SKETCH_SIDE_PIXELS - 0.5
    x, y = np.meshgrid(at, at)
    return x.astype(np.float32), y.astype(np.float32)


_CENTRES = _centres()
_TO_MIDDLE = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])
_FROM_MIDDLE = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
