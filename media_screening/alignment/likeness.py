"""How alike pictures are where an upload shows a reference's picture, whatever was done to it.

Sketches are normalised before they are compared: of each place the mean of its neighbourhood is
taken away, and what is left is divided by the neighbourhood's deviation. What is compared is where
a picture is lighter or darker than around there, so brightness, contrast, gamma and a vignette
change little; and it is the detail that decides, not that most pictures are lighter on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.view import View
from media_screening.fingerprinting.reference_sketch import SKETCH_SIDE_PIXELS

Floats = NDArray[np.float32]

_SIDE = SKETCH_SIDE_PIXELS
_WARPED = 4 * _SIDE
_RADIUS = 3
"""A place's neighbourhood is 7x7: a third of the picture."""

_NOISE_LEVELS = 3.0
"""Grey levels, 0 to 255, that coding changes where nothing is: they are not blown up."""

_MIN_PLACE = 0.99
"""Share of a place's pixels that must be inside the upload's picture."""

MIN_PLACES = 40
"""Of 576: with fewer in common two pictures cannot be told apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """Compares an upload's pictures with a reference's sketches, through one view.

    Attributes:
        mask: Which places of the reference's picture the upload shows, shape (24, 24), 0 or 1.
    """

    mask: Floats

    @property
    def places(self) -> int:
        """How many places are compared."""
        return int(self.mask.sum())

    def normalise(self, sketches: NDArray[np.uint8] | Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Make unit vectors of sketches, shape (n, 24, 24); the dot product of two is -1 to 1.

        Returns:
            The vectors, shape (n, places), and which of them have any detail, shape (n,).
        """
        vectors = self.localise(sketches)[:, self.mask > 0]
        lengths = np.linalg.norm(vectors, axis=1)
        detailed = lengths >= _MIN_DETAIL * np.sqrt(max(1, self.places))
        return vectors / np.maximum(lengths, 1e-6)[:, None], detailed

    def localise(self, sketches: NDArray[np.uint8] | Floats) -> Floats:
        """Set each place against its neighbourhood, shape (n, 24, 24); 0 where nothing is shown."""
        values = np.asarray(sketches, np.float32) * self.mask
        weight = np.maximum(_blur(self.mask[None])[0], 1e-6)
        mean = _blur(values) / weight
        variance = np.maximum(_blur(values**2) / weight - mean**2, 0.0)
        local: Floats = (values - mean) / np.sqrt(variance + _NOISE_LEVELS**2) * self.mask
        return local


_MIN_DETAIL = 0.25


def likeness_of(view: View) -> Likeness:
    """The comparison that a view allows: of the places that the upload shows."""
    inside = np.full((_WARPED, _WARPED), 255, np.uint8)
    shown = warp(inside, view)
    return Likeness(mask=(shown >= _MIN_PLACE * 255).astype(np.float32))


def warp(picture: NDArray[np.uint8], view: View) -> Floats:
    """Cut the reference's picture out of an upload's, as small as sketches are: shape (24, 24)."""
    height, width = picture.shape
    # From pixels of the warped picture to shares of the reference's, and on to the upload's pixels.
    to_share = np.array(
        [[1 / _WARPED, 0, 0.5 / _WARPED], [0, 1 / _WARPED, 0.5 / _WARPED], [0, 0, 1.0]]
    )
    to_pixel = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1.0]])
    matrix = to_pixel @ view.matrix @ to_share
    warped = cv2.warpPerspective(
        picture, matrix, (_WARPED, _WARPED), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT, borderValue=0,
    )  # fmt: skip
    return cv2.resize(warped, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _band() -> Floats:
    rows = np.arange(_SIDE)
    band: Floats = (np.abs(rows[:, None] - rows[None]) <= _RADIUS).astype(np.float32)
    return band


_BAND = _band()


def _blur(values: Floats) -> Floats:
    """Sum up each place's neighbourhood, shape (n, 24, 24)."""
    summed: Floats = (_BAND @ values @ _BAND).astype(np.float32, copy=False)
    return summed
