"""Hashes of made-up films, as skewed as those of real ones.

A film is a row of shots; a picture of a shot is the one before with some bits flipped, few in a
still shot, many in a moving one. Shots come back (the same room from the same side), and a few
pictures (logos, slates, a desk with a newsreader) are common to many films. What came out, beside
seven real videos at 8 frames a second (`tests/unit/bench` holds the first to it):

| | real | made |
|---|---|---|
| stills a run of radius 40 | 2.6 | 2.7 |
| distance of pictures of different films: mean and deviation, bits | 127, 8.3 | 128, 8.0 |
| of these at most 96 bits apart | 1 in 900 | 1 in 20,000 |
| at most 104 | 1 in 210 | 1 in 600 |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORDS = 4
FRAMES_PER_SECOND = 8
MEAN_SHOT_FRAMES = 4 * FRAMES_PER_SECOND
COMMON_PICTURES = 500
COMMON_SHARE = 0.02
BACK_SHARE = 0.3
FAMILIES = 150
FAMILY_SHARE = 0.6
SAME_STILL_BITS = 8

_MOTIONS = (2, 3, 4, 5)
"""A frame of such a shot differs from the one before by 256 / 2**n bits: 64, 32, 16, 8."""
_MOTION_SHARES = (0.06, 0.24, 0.4, 0.3)


def film_hashes(seed: int, frames: int) -> NDArray[np.uint8]:
    """The stills of one film of so many frames; shape (n, 32)."""
    rng = np.random.default_rng((seed, 1))
    lengths = np.maximum(4, rng.exponential(MEAN_SHOT_FRAMES, 2 * frames // MEAN_SHOT_FRAMES + 9))
    begins = np.cumsum(lengths.astype(np.int64))
    begins = np.concatenate([[0], begins[begins < frames]])
    shot = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, frames)))
    motion = rng.choice(_MOTIONS, len(begins), p=_MOTION_SHARES)[shot]
    flips = _words(rng, frames)
    for more in range(1, max(_MOTIONS)):
        flips &= np.where((motion > more)[:, None], _words(rng, frames), ~np.uint64(0))
    flips[begins] = 0
    drift = np.bitwise_xor.accumulate(flips)
    pictures = (drift ^ drift[begins][shot]) ^ _first_pictures(rng, len(begins))[shot]
    apart = np.bitwise_count(flips).sum(axis=1)
    apart[begins] = 256
    return np.ascontiguousarray(pictures[apart > SAME_STILL_BITS]).view(np.uint8)


def edited(seed: int, hashes: NDArray[np.uint8], *, bits: float) -> NDArray[np.uint8]:
    """The same pictures encoded anew: so many bits of each are flipped on average."""
    rng = np.random.default_rng((seed, 2))
    noise = np.packbits(rng.random((len(hashes), 256)) < bits / 256, axis=1)
    return hashes ^ noise


def _first_pictures(rng: np.random.Generator, shots: int) -> NDArray[np.uint64]:
    pictures = _words(rng, shots)
    related = rng.random(shots) < FAMILY_SHARE
    family = _words(np.random.default_rng(7), FAMILIES)[rng.integers(0, FAMILIES, shots)]
    away = _words(rng, shots) & _words(rng, shots)  # a quarter of the bits, 64 on average
    pictures = np.where(related[:, None], family ^ away, pictures)
    common = rng.random(shots) < COMMON_SHARE
    known = _words(np.random.default_rng(8), COMMON_PICTURES)
    pictures[common] = known[rng.integers(0, COMMON_PICTURES, common.sum())]
    back = np.flatnonzero(rng.random(shots) < BACK_SHARE)[1:]
    near = _words(rng, len(back)) & _words(rng, len(back)) & _words(rng, len(back))
    pictures[back] = pictures[(rng.random(len(back)) * back).astype(np.int64)] ^ near
    return pictures


def _words(rng: np.random.Generator, rows: int) -> NDArray[np.uint64]:
    return rng.integers(0, 2**64, (rows, WORDS), dtype=np.uint64)
