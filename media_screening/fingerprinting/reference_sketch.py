"""What is kept of a reference's pictures beside their hashes: small pictures, and local features.

A sketch is the picture at 24x24, four a second. An upload's pictures are laid over them, wherever
in the upload they are shown, and compared where the upload shows them: a hash of a whole picture
cannot be asked about a part of it. Local features are kept of one picture in every second or two.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.feature import (
    DESCRIPTOR_BYTES,
    MAX_REFERENCE_FEATURES,
    Features,
    find_features,
)

SKETCH_ALGORITHM = "sketch-1"
"""The name under which packed ``Sketches`` are kept in SQL."""

SKETCH_SIDE_PIXELS = 24
SKETCH_PERIOD_SECONDS = 0.25
KEY_PICTURE_SECONDS = 1.0
"""Features are taken of a picture so long after the last one they were taken of, or longer."""

_HEADER = struct.Struct("<4sHHII")
_MAGIC = b"DSSK"
_VERSION = 1
_XY_STEPS = 65_535


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sketches:
    """The small pictures of one reference, n of them, and the features of m features' pictures.

    Attributes:
        times_s: Rising, shape (n,).
        pixels: Grey, uint8, shape (n, 24, 24).
        key_times_s: When the pictures are whose features are kept, shape (k,).
        key: For each feature which of those it is of, shape (m,).
        xy: Where each feature is, shape (m, 2).
        descriptors: What each looks like, shape (m, 32).
    """

    times_s: NDArray[np.float64]
    pixels: NDArray[np.uint8]
    key_times_s: NDArray[np.float64]
    key: NDArray[np.int64]
    xy: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.times_s)

    def features(self, key: int) -> Features:
        """The features of one picture."""
        rows = slice(*np.searchsorted(self.key, (key, key + 1)))
        return Features(xy=self.xy[rows], descriptors=self.descriptors[rows])

    def pack(self) -> bytes:
        """Write to bytes: a header with a version, then each column, compressed, little-endian."""
        header = _HEADER.pack(
            _MAGIC, _VERSION, SKETCH_SIDE_PIXELS, len(self), len(self.key_times_s)
        )
        # What changes from one picture to the next is little, and compresses well.
        steps = np.diff(self.pixels, axis=0, prepend=np.zeros_like(self.pixels[:1]))
        counts = np.bincount(self.key, minlength=len(self.key_times_s))
        columns = (
            self.times_s.astype("<f8"),
            steps,
            self.key_times_s.astype("<f8"),
            counts.astype("<u2"),
            np.round(np.clip(self.xy, 0, 1) * _XY_STEPS).astype("<u2"),
            self.descriptors,
        )
        return header + zlib.compress(b"".join(column.tobytes() for column in columns), 6)

    @classmethod
    def unpack(cls, raw: bytes) -> Self:
        """Read what ``pack`` wrote.

        Raises:
            InvalidFingerprint: It is something else, or of another version.
        """
        try:
            magic, version, side, count, keys = _HEADER.unpack_from(raw)
            body = zlib.decompress(raw[_HEADER.size :])
        except (struct.error, zlib.error):
            raise InvalidFingerprint(_NOT_SKETCHES) from None
        if magic != _MAGIC or version != _VERSION or side != SKETCH_SIDE_PIXELS:
            raise InvalidFingerprint(_NOT_SKETCHES)
        area = SKETCH_SIDE_PIXELS**2
        fixed = count * (8 + area) + keys * 10
        if len(body) < fixed:
            raise InvalidFingerprint(_NOT_SKETCHES)
        at = count * 8
        times = np.frombuffer(body, "<f8", count)
        steps = np.frombuffer(body, np.uint8, count * area, at)
        at += count * area
        key_times = np.frombuffer(body, "<f8", keys, at)
        counts = np.frombuffer(body, "<u2", keys, at + keys * 8).astype(np.int64)
        total = int(counts.sum())
        if len(body) != fixed + total * (4 + DESCRIPTOR_BYTES):
            raise InvalidFingerprint(_NOT_SKETCHES)
        xy = np.frombuffer(body, "<u2", total * 2, fixed).reshape(total, 2)
        descriptors = np.frombuffer(body, np.uint8, -1, fixed + total * 4)
        pixels = np.cumsum(
            steps.reshape(count, SKETCH_SIDE_PIXELS, SKETCH_SIDE_PIXELS), axis=0, dtype=np.uint8
        )
        return cls(
            times_s=times.astype(np.float64),
            pixels=pixels,
            key_times_s=key_times.astype(np.float64),
            key=np.repeat(np.arange(keys), counts),
            xy=(xy / _XY_STEPS).astype(np.float32),
            descriptors=descriptors.reshape(total, DESCRIPTOR_BYTES),
        )


_NOT_SKETCHES = f"not sketches of version {_VERSION}"


class SketchBuilder:
    """Takes pictures as they come, and keeps their sketches and some of their features."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._pixels: list[NDArray[np.uint8]] = []
        self._key_times: list[float] = []
        self._features: list[Features] = []
        self._key_sketch = np.zeros(0, np.int16)

    def add(self, times_s: NDArray[np.float64], pixels: NDArray[np.uint8]) -> None:
        """Take pictures in the order of their times, grey, shape (n, height, width)."""
        for at_s, picture in zip(times_s.tolist(), pixels, strict=True):
            if self._times and at_s < self._times[-1] + SKETCH_PERIOD_SECONDS - _GRACE_SECONDS:
                continue
            self._times.append(at_s)
            self._pixels.append(sketch_of(picture))
            if self._is_new(at_s):
                features = find_features(picture, at_most=MAX_REFERENCE_FEATURES)
                if len(features):
                    self._key_times.append(at_s)
                    self._features.append(features)
                    self._key_sketch = self._pixels[-1].astype(np.int16)

    def _is_new(self, at_s: float) -> bool:
        """Whether the last picture is worth its features: some time on, and something moved."""
        if not self._key_times:
            return True
        moved = float(np.abs(self._pixels[-1] - self._key_sketch).mean())
        return at_s >= self._key_times[-1] + KEY_PICTURE_SECONDS and moved >= _MOVED_LEVELS

    def build(self) -> Sketches:
        """Put together what was kept."""
        side = SKETCH_SIDE_PIXELS
        return Sketches(
            times_s=np.array(self._times, np.float64),
            pixels=np.array(self._pixels, np.uint8).reshape(-1, side, side),
            key_times_s=np.array(self._key_times, np.float64),
            key=np.repeat(np.arange(len(self._features)), [len(one) for one in self._features]),
            xy=np.concatenate([np.empty((0, 2), np.float32), *(one.xy for one in self._features)]),
            descriptors=np.concatenate(
                [
                    np.empty((0, DESCRIPTOR_BYTES), np.uint8),
                    *(one.descriptors for one in self._features),
                ]
            ),
        )


_GRACE_SECONDS = 0.02
_MOVED_LEVELS = 1.5
"""Mean change of a sketch in grey levels, 0 to 255, under which it shows what the last did."""


def sketch_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a picture as small as sketches are."""
    side = SKETCH_SIDE_PIXELS
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
