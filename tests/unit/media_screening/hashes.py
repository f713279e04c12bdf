"""Hashes that lie as those of videos do: in crowds, and in runs that drift."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import Fingerprint


def crowd(seed: int, count: int) -> NDArray[np.uint8]:
    """A few centres, and others a few bits away from them."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).integers(0, 256, (3, 32), dtype=np.uint8)
    flips = np.packbits(rng.random((count, 256)) < rng.uniform(0, 0.25, (count, 1)), axis=1)
    return centres[rng.integers(0, 3, count)] ^ flips


def drift(seed: int, count: int, *, step_bits: float = 6, cut: float = 0.05) -> NDArray[np.uint8]:
    """Each differs from the one before by some bits; now and then comes a cut."""
    rng = np.random.default_rng((seed, 5))
    step = np.where(rng.random((count, 1)) < cut, 0.5, step_bits / 256)
    flips = np.packbits(rng.random((count, 256)) < step, axis=1)
    flips[:1] = rng.integers(0, 256, (min(1, count), 32), dtype=np.uint8)
    return np.bitwise_xor.accumulate(flips)


def noisy(seed: int, hashes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Exactly so many bits of each flipped."""
    rng = np.random.default_rng((seed, 6))
    flips = np.zeros((len(hashes), 256), np.uint8)
    for row in flips:
        row[rng.choice(256, bits, replace=False)] = 1
    return hashes ^ np.packbits(flips, axis=1)


def fingerprint(
    pdq: NDArray[np.uint8], *, step_s: float = 0.25, phash: NDArray[np.uint8] | None = None
) -> Fingerprint:
    """Frames so many seconds apart, all of them detailed."""
    count = len(pdq)
    return Fingerprint(
        duration_s=count * step_s,
        times_s=np.arange(count, dtype=np.float64) * step_s,
        pdq=pdq,
        phash=np.zeros((count, 8), np.uint8) if phash is None else phash,
        quality=np.full(count, 100, np.uint8),
    )
