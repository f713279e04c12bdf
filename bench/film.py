"""Hashes of made-up films, as skewed as those of real ones.

A film is a row of shots; a picture of a shot is the one before with some bits flipped, few in a
still shot, many in a moving one. Shots come back (the same room from the same side), and a few
pictures (logos, slates, a desk with a newsreader) are common to many films. What came out, beside
seven real videos at 8 frames a second (`tests/unit/bench` holds the first to it):

| | real | made |
|---|---|---|
| stills a run of radius 40 | 2.6 | 2.6 |
| distance of pictures of different films: mean and deviation, bits | 127, 8.3 | 128, 8.2 |
| of these at most 104 bits apart | 1 in 210 | 1 in 270 |
| at most 96 | 1 in 940 | 1 in 1,500 |
| at most 88 | 1 in 1,580 | 1 in 6,400 |
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
FAMILIES = 40
FAMILY_SHARE = 0.7
NEAR_SHARE = 0.15
SAME_STILL_BITS = 8
WANDER_FRAMES = 4
"""Flips last so many frames: a shot wanders about its first picture, and does not leave it."""

_MOTIONS = (3, 4, 5, 6)
"""A frame of such a shot flips 256 / 2**n bits of the one before, 32 to 4, and lets go of some."""
_MOTION_SHARES = (0.12, 0.27, 0.36, 0.25)


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
    back = np.maximum(begins[shot], np.arange(frames) - WANDER_FRAMES)
    pictures = drift ^ drift[back] ^ _first_pictures(rng, len(begins))[shot]
    apart = np.bitwise_count(pictures[1:] ^ pictures[:-1]).sum(axis=1)
    kept = np.concatenate([[True], apart > SAME_STILL_BITS])
    return np.ascontiguousarray(pictures[kept]).view(np.uint8)


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
    away &= np.where((rng.random(shots) < NEAR_SHARE)[:, None], _words(rng, shots), ~np.uint64(0))
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
