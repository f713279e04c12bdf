"""PDQ of small grey frames, many at a time.

After Facebook (now Meta), "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
Algorithm", 2019. A picture of 64x64 is the size PDQ works at: it is neither blurred nor scaled
before the transform. The arithmetic is single precision in the order of the authors' C++, one
product and one sum after the other, so that the bits are theirs also where coefficients are all
but equal; a matrix product in BLAS is faster and flips some of them
(``docs/decisions/0023-a-pdq-of-our-own.md``).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

PDQ_SIDE_PIXELS: Final = 64
PDQ_BITS: Final = 256
PDQ_BYTES: Final = PDQ_BITS // 8

_FREQUENCIES = 16
_LOWER_MEDIAN = PDQ_BITS // 2 - 1
_GRADIENT_SCALE = 90
_MAX_QUALITY = 100
_CHUNK_FRAMES = 64
"""Frames hashed in one go: enough that numpy's calls do not count, and half a megabyte of sums."""


def _cosines() -> NDArray[np.float32]:
    """Give the rows 1 to 16 of the DCT-II of 64 samples; row 0, the mean, is not asked."""
    # The scale is rounded to single precision before it is multiplied, as it is there.
    scale = float(np.float32(math.sqrt(2 / PDQ_SIDE_PIXELS)))
    step = math.pi / 2 / PDQ_SIDE_PIXELS
    return np.array(
        [
            [scale * math.cos(step * row * (2 * at + 1)) for at in range(PDQ_SIDE_PIXELS)]
            for row in range(1, _FREQUENCIES + 1)
        ],
        np.float32,
    )


_COSINES = _cosines()


def pdq_of(frames: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Hash grey frames, uint8, shape (n, 64, 64).

    Returns:
        The hashes, packed bits, uint8, shape (n, 32): the highest frequencies first, as PDQ's
        hexadecimal form has them. And their qualities, 0 to 100, uint8, shape (n,).

    Raises:
        ValueError: The frames have another shape.
    """
    if frames.ndim != 3 or frames.shape[1:] != (PDQ_SIDE_PIXELS, PDQ_SIDE_PIXELS):  # noqa: PLR2004
        reason = f"PDQ takes frames of shape (n, 64, 64), not {frames.shape}"
        raise ValueError(reason)
    hashes = np.empty((len(frames), PDQ_BYTES), np.uint8)
    qualities = np.empty(len(frames), np.uint8)
    for start in range(0, len(frames), _CHUNK_FRAMES):
        chunk = slice(start, start + _CHUNK_FRAMES)
        hashes[chunk] = _hashes(frames[chunk])
        qualities[chunk] = _qualities(frames[chunk])
    return hashes, qualities


def _hashes(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Axes: the pixel that is summed over comes first, and of what is left the longest run last.
    rows = frames.transpose(1, 0, 2).astype(np.float32)
    by_row = _transform(rows)  # vertical frequency, frame, column
    columns = np.ascontiguousarray(by_row.transpose(2, 0, 1))
    both = _transform(columns)  # horizontal frequency, vertical frequency, frame
    coefficients = both.transpose(2, 1, 0).reshape(len(frames), PDQ_BITS)
    # Of 256 values the authors' median is the lower of the two in the middle.
    median = np.partition(coefficients, _LOWER_MEDIAN, axis=1)[:, _LOWER_MEDIAN, None]
    return np.packbits((coefficients > median)[:, ::-1], axis=1)


def _transform(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the 16 frequencies along the first axis: (64, a, b) becomes (16, a, b)."""
    total = np.zeros((_FREQUENCIES, *pixels.shape[1:]), np.float32)
    product = np.empty_like(total)
    for at in range(PDQ_SIDE_PIXELS):
        np.multiply(_COSINES[:, at, None, None], pixels[at], out=product)
        np.add(total, product, out=total)
    return total


def _qualities(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sum up the steps between neighbours in whole percents of black to white."""
    levels = frames.astype(np.int16)
    total = np.zeros(len(frames), np.int64)
    for axis in (1, 2):
        percents = np.abs(np.diff(levels, axis=axis)) * 100 // 255
        total += percents.sum(axis=(1, 2), dtype=np.int64)
    return np.minimum(total // _GRADIENT_SCALE, _MAX_QUALITY).astype(np.uint8)
