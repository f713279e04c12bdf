"""``pdq_vectors.json`` holds what pdqhash 0.2.8 (Meta's C++) gave for the pictures made here.

Where pdqhash is installed it is asked live too, and
``python -m tests.unit.media_screening.test_pdq`` writes the file anew.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.fingerprinting.pdq import pdq_of

Picture = NDArray[np.uint8]

VECTORS = Path(__file__).with_name("pdq_vectors.json")
SEEDS = 16
SIDE = 64


def noise(seed: int) -> Picture:
    # Of a hash function, because numpy may change what its generators give.
    raw = hashlib.shake_256(f"noise {seed}".encode()).digest(SIDE * SIDE)
    return np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE)


def soft(seed: int) -> Picture:
    """Blurred in whole numbers, from not at all to much, and stretched to full contrast."""
    levels = noise(seed).astype(np.int64)
    for axis in (0, 1) * 3:
        levels = np.sum([np.roll(levels, by, axis) for by in range(1 + seed)], axis=0)
    low, high = int(levels.min()), int(levels.max())
    stretched: Picture = ((levels - low) * 255 // (high - low)).astype(np.uint8)
    return stretched


def blocks(seed: int) -> Picture:
    picture = np.full((SIDE, SIDE), seed * 16, np.uint8)
    for top, left, height, width, level in noise(seed).ravel()[: 5 * (seed + 1)].reshape(-1, 5):
        top, left = top % SIDE, left % SIDE  # noqa: PLW2901
        picture[top : top + height % 40 + 1, left : left + width % 40 + 1] = level
    return picture


def columns(seed: int) -> Picture:
    return np.tile(noise(seed)[0], (SIDE, 1))


def rows(seed: int) -> Picture:
    return np.ascontiguousarray(columns(seed).T)


def mirrored(seed: int) -> Picture:
    quarter = soft(seed)[:32, :32]
    half = np.hstack([quarter, quarter[:, ::-1]])
    return np.vstack([half, half[::-1]])


def board(seed: int) -> Picture:
    at = np.arange(SIDE) // (seed + 1)
    squares: Picture = np.where((at[:, None] + at) % 2, 255 - seed, 0).astype(np.uint8)
    return squares


def ramp(seed: int) -> Picture:
    at = np.arange(SIDE)
    levels: Picture = np.clip(at * (seed % 4) + at[:, None] * (seed // 4), 0, 255).astype(np.uint8)
    return levels


def nearly_flat(seed: int) -> Picture:
    return (noise(seed) % 7 + seed * 15).astype(np.uint8)


def flat(seed: int) -> Picture:
    return np.full((SIDE, SIDE), seed * 17, np.uint8)


KINDS: tuple[Callable[[int], Picture], ...] = (
    noise,
    soft,
    blocks,
    columns,
    rows,
    mirrored,
    board,
    ramp,
    nearly_flat,
    flat,
)


def pictures(kind: Callable[[int], Picture]) -> Picture:
    return np.stack([kind(seed) for seed in range(SEEDS)])


def by_pdqhash(pdqhash: Any, picture: Picture) -> tuple[Picture, int]:
    bits, quality = pdqhash.compute(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB))
    return np.packbits(bits.astype(np.uint8)), int(quality)


@pytest.fixture
def pdqhash() -> Any:
    return pytest.importorskip("pdqhash", reason="compared by its vectors", exc_type=ImportError)


@pytest.mark.parametrize("kind", KINDS)
def test_hashes_and_qualities_are_those_of_pdqhash(kind: Callable[[int], Picture]) -> None:
    vectors = json.loads(VECTORS.read_text())["vectors"][kind.__name__]
    hashes, qualities = pdq_of(pictures(kind))
    assert [
        [row.tobytes().hex(), quality]
        for row, quality in zip(hashes, qualities.tolist(), strict=True)
    ] == vectors


def test_pdqhash_agrees_live(pdqhash: Any) -> None:
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 256, (400, SIDE, SIDE)).astype(np.uint8)
    for at, sigma in enumerate(rng.uniform(0.3, 12, 300)):
        frames[at] = cv2.GaussianBlur(frames[at], (0, 0), sigma)
    frames = np.concatenate([frames, *(pictures(kind) for kind in KINDS)])
    hashes, qualities = pdq_of(frames)
    for frame, pdq, quality in zip(frames, hashes, qualities.tolist(), strict=True):
        theirs, their_quality = by_pdqhash(pdqhash, frame)
        assert pdq.tobytes().hex() == theirs.tobytes().hex()
        assert quality == their_quality


def test_a_frame_is_near_the_large_picture_it_was_scaled_from(pdqhash: Any) -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        large = cv2.GaussianBlur(rng.integers(0, 256, (512, 512)).astype(np.uint8), (0, 0), 30)
        large = cv2.equalizeHist(large)
        small = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        ours, _ = pdq_of(small[None].astype(np.uint8))
        theirs, _ = by_pdqhash(pdqhash, large.astype(np.uint8))
        assert hamming_bits(ours[0], theirs) <= 31  # PDQ's own radius


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 160])
def test_a_frame_is_hashed_alike_in_any_company(count: int) -> None:
    frames = np.concatenate([pictures(kind) for kind in KINDS])
    hashes, qualities = pdq_of(frames)
    part_hashes, part_qualities = pdq_of(frames[:count])
    assert part_hashes.shape == (count, 32)
    assert {str(part_hashes.dtype), str(part_qualities.dtype)} == {"uint8"}
    np.testing.assert_array_equal(part_hashes, hashes[:count])
    np.testing.assert_array_equal(part_qualities, qualities[:count])


@pytest.mark.parametrize("shape", [(64, 64), (2, 32, 32), (2, 64, 64, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"frames of shape \(n, 64, 64\)"):
        pdq_of(np.zeros(shape, np.uint8))


def _write_vectors() -> None:
    pdqhash = importlib.import_module("pdqhash")
    kinds = []
    for kind in KINDS:
        lines = []
        for picture in pictures(kind):
            pdq, quality = by_pdqhash(pdqhash, picture)
            lines.append(json.dumps([pdq.tobytes().hex(), quality]))
        kinds.append(f'    "{kind.__name__}": [\n      ' + ",\n      ".join(lines) + "\n    ]")
    made_by = json.dumps(f"pdqhash {pdqhash.__version__}")
    VECTORS.write_text(
        f'{{\n  "made_by": {made_by},\n  "vectors": {{\n' + ",\n".join(kinds) + "\n  }\n}\n"
    )


if __name__ == "__main__":
    _write_vectors()
