"""Local features of a picture: corners with a description each, and where two pictures share them.

ORB (Rublee and others, 2011) as OpenCV has it. Features survive what moves a picture about: crops,
turns, frames, a place in a larger picture. They are weak where there is little detail, and where a
picture is very coarse or blurred; that is what the hashes of whole pictures are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.view import View

DESCRIPTOR_BYTES = 32
MAX_QUERY_FEATURES = 320
MAX_REFERENCE_FEATURES = 200

SAME_FEATURE_BITS = 64
"""Furthest descriptions that may be of one corner: of 256 bits, what coding, blur and scaling
change of a corner that is the same."""

_DETECTED = 900
_CELLS = 6
"""Features are spread: of each cell of a grid the strongest are kept."""

_MIN_INLIERS = 9
_MIN_SPREAD = 0.12
_REACH = 0.022
"""How far from where the view puts it a feature may lie, in pictures."""

_RANSAC_ROUNDS = 600
_RANSAC_CONFIDENCE = 0.995


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Corners of one picture; n of them.

    Attributes:
        xy: Where they are, in shares of width and height, float32, shape (n, 2).
        descriptors: What they look like, packed bits, uint8, shape (n, 32).
    """

    xy: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sighting:
    """A reference's picture found in an upload's.

    Attributes:
        view: Where it is.
        inliers: How many features say so.
    """

    view: View
    inliers: int


def find_features(pixels: NDArray[np.uint8], *, at_most: int) -> Features:
    """Find the corners of a grey picture, shape (height, width)."""
    height, width = pixels.shape
    orb = cv2.ORB.create(
        nfeatures=_DETECTED, scaleFactor=1.2, nlevels=8, edgeThreshold=12, fastThreshold=6
    )
    chosen = _spread(orb.detect(pixels, None), width, height, at_most)
    corners, descriptors = orb.compute(pixels, chosen)
    if not corners:
        return no_features()
    xy = np.array([(corner.pt[0] / width, corner.pt[1] / height) for corner in corners], np.float32)
    return Features(xy=xy, descriptors=descriptors.astype(np.uint8))


def no_features() -> Features:
    """What a flat picture has."""
    return Features(
        xy=np.empty((0, 2), np.float32), descriptors=np.empty((0, DESCRIPTOR_BYTES), np.uint8)
    )


def sight(upload: Features, reference: Features) -> Sighting | None:
    """Find the reference's picture in the upload's by the features that they share (RANSAC).

    None if too few agree, if they lie in one spot, or if the view is none that an edit makes.
    """
    if min(len(upload), len(reference)) < _MIN_INLIERS:
        return None
    ours, theirs = pair(upload, reference)
    if len(ours) < _MIN_INLIERS:
        return None
    from_xy, to_xy = reference.xy[theirs], upload.xy[ours]
    cv2.setRNGSeed(1)  # RANSAC draws by chance: the same file has the same outcome
    affine, kept = cv2.estimateAffine2D(
        from_xy, to_xy, method=cv2.RANSAC, ransacReprojThreshold=_REACH,
        maxIters=_RANSAC_ROUNDS, confidence=_RANSAC_CONFIDENCE,
    )  # fmt: skip
    if not np.any(kept):  # then there is no affine either
        return None
    inside = kept.ravel().astype(bool)
    inliers = count_places(to_xy[inside], from_xy[inside])
    if inliers < _MIN_INLIERS or float(from_xy[inside].std(axis=0).min()) < _MIN_SPREAD / 2:
        return None
    view = View(matrix=np.vstack([affine, [0.0, 0.0, 1.0]]))
    if not view.is_plausible():
        return None
    return Sighting(view=view, inliers=inliers)


def pair(upload: Features, reference: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Features that are each other's nearest: rows of the upload's, and of the reference's."""
    matches = _MATCHER.match(upload.descriptors, reference.descriptors)
    near = [match for match in matches if match.distance <= SAME_FEATURE_BITS]
    return (
        np.array([match.queryIdx for match in near], np.int64),
        np.array([match.trainIdx for match in near], np.int64),
    )


_MATCHER = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)


def count_places(*sides: NDArray[np.float32]) -> int:
    """Count features in different places: one corner is often found at several sizes."""
    return min(len(np.unique((xy * 40).astype(int), axis=0)) for xy in sides)


def _spread(
    corners: Sequence[cv2.KeyPoint], width: int, height: int, at_most: int
) -> list[cv2.KeyPoint]:
    """Keep the strongest of each cell, as evenly as there are."""
    ranks: dict[tuple[int, int], int] = {}
    ranked: list[tuple[int, float, cv2.KeyPoint]] = []
    for corner in sorted(corners, key=lambda corner: -corner.response):
        cell = (int(corner.pt[0] * _CELLS / width), int(corner.pt[1] * _CELLS / height))
        rank = ranks[cell] = ranks.get(cell, -1) + 1
        ranked.append((rank, -corner.response, corner))
    ranked.sort(key=lambda entry: entry[:2])
    return [corner for _, _, corner in ranked[:at_most]]
