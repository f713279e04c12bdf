"""The notes that are heard in plain samples, at their own speed and at others.

Sound that is played slower has the same spectrum, lower: so one spectrum tells the notes at every
speed, by which bins are summed up for each. What it cannot tell is how a window that is longer or
shorter, as the slowed sound's would be, would have seen it: at most a fortieth of Chromaprint's
bits differ from those of the sound when it is resampled (``tests/unit/media_screening/sound/
test_pitch.py``), and a quarter where the speed is off by one in the grid of speeds.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from media_screening.sound.chromaprint import (
    FIRST_BIN,
    LAST_BIN,
    NOTES,
    WINDOW_SAMPLES,
    hamming,
    note_of_bin,
    values_of,
)
from media_screening.sound.sound_fingerprint import HOP_SAMPLES

_BINS = WINDOW_SAMPLES // 2 + 1

_BETWEEN_SAMPLES = 683
"""How far apart spectra for other speeds begin, half a hop; between them notes are interpolated."""

_AT_ONCE = 64
"""Spectra that are made at once: so many stay in a processor's cache."""


class PitchReader:
    """Takes samples as they come, and tells their values at each speed when they end.

    At a speed of 1.25 the samples are taken to be played 1.25 times slower: an upload that was sped
    up by as much, pitch and all, then sounds as its reference does. The values are those of the
    slowed sound, ``PERIOD_S`` of it apart.

    Args:
        speeds: Up to 1.5 times.
    """

    def __init__(self, speeds: tuple[float, ...] = (1.0,)) -> None:
        self._speeds = speeds
        self._stride = HOP_SAMPLES if speeds == (1.0,) else _BETWEEN_SAMPLES
        self._weights = _weights(speeds)
        self._energies: list[NDArray[np.float32]] = []
        self._rest = np.zeros(0, np.int16)
        self._samples = 0

    def feed(self, samples: NDArray[np.int16]) -> None:
        """Take samples: one channel, 11,025 a second."""
        self._samples += len(samples)
        heard = np.concatenate((self._rest, samples))
        if len(heard) < WINDOW_SAMPLES:
            self._rest = heard
            return
        windows = sliding_window_view(heard, WINDOW_SAMPLES)[:: self._stride]
        self._rest = heard[len(windows) * self._stride :].copy()
        for first in range(0, len(windows), _AT_ONCE):
            spectra = np.fft.rfft(windows[first : first + _AT_ONCE] * hamming(), axis=1)
            spectra = spectra[:, : len(self._weights)]
            power = (spectra.real**2 + spectra.imag**2).astype(np.float32, copy=False)
            with _blas().limit(limits=1):
                self._energies.append(power @ self._weights)

    def finish(self) -> list[NDArray[np.uint32]]:
        """The values at each speed, in the order of the speeds; none of sound that is too short."""
        if not self._energies:
            return [np.zeros(0, np.uint32) for _ in self._speeds]
        energies = np.concatenate(self._energies).reshape(-1, len(self._speeds), NOTES)
        return [
            values_of(self._slowed(energies[:, number], speed))
            for number, speed in enumerate(self._speeds)
        ]

    def _slowed(self, energies: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
        """The notes where the slowed sound's own windows would be, in the middle of each."""
        if speed == 1.0 and self._stride == HOP_SAMPLES:
            return energies
        window = WINDOW_SAMPLES / speed
        count = int((self._samples - window) * speed / HOP_SAMPLES) + 1
        begins = np.arange(max(count, 0)) * (HOP_SAMPLES / speed) + (window - WINDOW_SAMPLES) / 2
        at = np.clip(begins / self._stride, 0, len(energies) - 1)
        before = np.minimum(at.astype(np.int64), max(len(energies) - 2, 0))
        after = np.minimum(before + 1, len(energies) - 1)
        share = (at - before).astype(np.float32)[:, np.newaxis]
        slowed: NDArray[np.float32] = energies[before] * (1 - share) + energies[after] * share
        return slowed


@cache
def _blas() -> ThreadpoolController:
    """What numpy multiplies matrices by, so that it can be kept to one thread.

    Its threads spin while they wait for the next product: that cost as much CPU as all else that is
    done to hear a file.
    """
    controller: ThreadpoolController = ThreadpoolController().select(user_api="blas")
    return controller


@lru_cache(maxsize=8)
def _weights(speeds: tuple[float, ...]) -> NDArray[np.float32]:
    """How much of each bin's power goes into each note at each speed, shape (bins, speeds * 12).

    Power is taken to be spread evenly over a bin. A bin of the slowed sound lies at ``speed`` times
    its own place in the spectrum, ``speed`` times as wide; its share is per width, as the length of
    the window makes it.
    """
    slowed = np.arange(FIRST_BIN, LAST_BIN)
    note = note_of_bin()
    weights = np.zeros((len(speeds), _BINS, NOTES), np.float32)
    for at_speed, speed in zip(weights, speeds, strict=True):
        low, high = (slowed - 0.5) * speed, (slowed + 0.5) * speed
        first = np.floor(low + 0.5).astype(np.int64)
        for later in range(4):
            here = first + later
            overlap = np.minimum(high, here + 0.5) - np.maximum(low, here - 0.5)
            share = np.maximum(overlap, 0.0) / speed
            np.add.at(at_speed, (np.minimum(here, _BINS - 1), note), share)
    used = int(np.flatnonzero(weights.any(axis=(0, 2)))[-1]) + 1
    return np.ascontiguousarray(weights[:, :used].transpose(1, 0, 2)).reshape(used, -1)
