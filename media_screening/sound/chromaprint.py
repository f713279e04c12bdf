"""Chromaprint's values, from the notes that are heard in plain samples.

The algorithm is Chromaprint's default (``CHROMAPRINT_ALGORITHM_TEST2``; acoustid.org/chromaprint,
MIT): its windows, notes, filters and thresholds, so that the values are those that ``fpcalc`` and
ffmpeg's muxer tell, bit for bit but for rounding at a threshold. Why it stands here and is not
asked of ffmpeg: ``docs/decisions/0090``.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from media_screening.sound.sound_fingerprint import SAMPLE_RATE_HZ

WINDOW_SAMPLES = 4_096
"""Samples of one spectrum."""

NOTES = 12

FIRST_BIN = round(28 / SAMPLE_RATE_HZ * WINDOW_SAMPLES)
LAST_BIN = round(3_520 / SAMPLE_RATE_HZ * WINDOW_SAMPLES)
"""Bins of a spectrum that are listened to: from 28 Hz up to, but not with, 3,520 Hz."""

_LOWEST_A_HZ = 27.5

_SMOOTHING = (0.25, 0.75, 1.0, 0.75, 0.25)
"""How much of each of five spectra in a row goes into one."""

_QUIET = 0.01
"""Length of the vector of notes below which all of them are taken as none."""

VALUE_ROWS = 16 + len(_SMOOTHING) - 1
"""Spectra that one value sums up."""

_ALL = ("+",)
_NOTES_HALVED = ("-+",)
_TIME_HALVED = ("-", "+")
_CHEQUERED = ("-+", "+-")
_NOTES_IN_THREE = ("-+-",)
_TIME_IN_THREE = ("-", "+", "-")
"""A filter's shape: a string is a part of its time, a sign a part of its notes from the lowest."""

_FILTERS = (
    (_ALL, 4, 3, 15, 1.98215, 2.35817, 2.63523),
    (_NOTES_IN_THREE, 4, 6, 15, -1.03809, -0.651211, -0.282167),
    (_NOTES_HALVED, 0, 4, 16, -0.298702, 0.119262, 0.558497),
    (_CHEQUERED, 8, 2, 12, -0.105439, 0.0153946, 0.135898),
    (_CHEQUERED, 4, 4, 8, -0.142891, 0.0258736, 0.200632),
    (_NOTES_IN_THREE, 0, 3, 5, -0.826319, -0.590612, -0.368214),
    (_NOTES_HALVED, 2, 2, 9, -0.557409, -0.233035, 0.0534525),
    (_TIME_HALVED, 7, 3, 4, -0.0646826, 0.00620476, 0.0784847),
    (_TIME_HALVED, 6, 2, 16, -0.192387, -0.029699, 0.215855),
    (_TIME_HALVED, 1, 3, 2, -0.0397818, -0.00568076, 0.0292026),
    (_TIME_IN_THREE, 10, 1, 15, -0.53823, -0.369934, -0.190235),
    (_CHEQUERED, 6, 2, 10, -0.124877, 0.0296483, 0.139239),
    (_TIME_HALVED, 1, 1, 14, -0.101475, 0.0225617, 0.231971),
    (_CHEQUERED, 5, 6, 4, -0.0799915, -0.00729616, 0.063262),
    (_NOTES_HALVED, 9, 2, 12, -0.272556, 0.019424, 0.302559),
    (_CHEQUERED, 4, 2, 14, -0.164292, -0.0321188, 0.08463),
)
"""Chromaprint's sixteen: shape, first note, notes, spectra, and three thresholds of two bits."""

_GRAY = np.array([0, 1, 3, 2], np.uint32)


def note_of_bin() -> NDArray[np.int64]:
    """Which of the twelve notes each bin from ``FIRST_BIN`` up to ``LAST_BIN`` belongs to."""
    hertz = np.arange(FIRST_BIN, LAST_BIN) * (SAMPLE_RATE_HZ / WINDOW_SAMPLES)
    octave = np.log2(hertz / _LOWEST_A_HZ)
    note: NDArray[np.int64] = (NOTES * (octave - np.floor(octave))).astype(np.int64)
    return note


def hamming() -> NDArray[np.float32]:
    """The window that a spectrum is seen through, full scale of 16 bits being 1."""
    return (np.hamming(WINDOW_SAMPLES) / 32_767).astype(np.float32)


def values_of(energies: NDArray[np.floating]) -> NDArray[np.uint32]:
    """The values of a sound.

    Args:
        energies: Of the twelve notes, in spectra that begin ``HOP_SAMPLES`` apart, shape (n, 12).

    Returns:
        Shape (n - VALUE_ROWS + 1,); empty where there are too few.
    """
    count = len(energies) - VALUE_ROWS + 1
    if count <= 0:
        return np.zeros(0, np.uint32)
    rows = len(energies) - len(_SMOOTHING) + 1
    smooth = np.zeros((rows, NOTES))
    for late, share in enumerate(_SMOOTHING):
        smooth += share * energies[late : late + rows]
    length = np.sqrt((smooth**2).sum(axis=1, keepdims=True))
    smooth = np.where(length < _QUIET, 0.0, smooth / np.maximum(length, _QUIET))
    values = np.zeros(count, np.uint32)
    image = _Image(smooth, count)
    for shape, note, notes, spectra, *thresholds in _FILTERS:
        told = image.filtered(shape, note, notes, spectra)
        level = sum((told >= threshold).astype(np.int64) for threshold in thresholds)
        values = (values << np.uint32(2)) | _GRAY[level]
    return values


class _Image:
    """Notes over time, of which any rectangle's sum is four look-ups (an integral image)."""

    def __init__(self, smooth: NDArray[np.float64], count: int) -> None:
        self._count = count
        self._sums = np.zeros((len(smooth) + 1, NOTES + 1))
        self._sums[1:, 1:] = smooth.cumsum(axis=0).cumsum(axis=1)

    def filtered(
        self, shape: tuple[str, ...], note: int, notes: int, spectra: int
    ) -> NDArray[np.float64]:
        """How much more there is in one part of a rectangle than in the other, at each time."""
        sums = {"+": np.zeros(self._count), "-": np.zeros(self._count)}
        for (begin, end), signs in zip(_cut(spectra, len(shape)), shape, strict=True):
            for (low, top), sign in zip(_cut(notes, len(signs)), signs, strict=True):
                sums[sign] += self._area(begin, note + low, end, note + top)
        told: NDArray[np.float64] = np.log((1 + sums["+"]) / (1 + sums["-"]))
        return told

    def _area(self, begin: int, low: int, end: int, top: int) -> NDArray[np.float64]:
        first, last = slice(begin, begin + self._count), slice(end, end + self._count)
        sums = self._sums
        area: NDArray[np.float64] = (
            sums[last, top] - sums[first, top] - sums[last, low] + sums[first, low]
        )
        return area


def _cut(length: int, parts: int) -> list[tuple[int, int]]:
    """Cut a side into as many whole parts; what is left over goes to the last."""
    cuts = [length // parts * part for part in range(parts)]
    return list(pairwise([*cuts, length]))
