from __future__ import annotations

import cv2
import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from media_screening.decoding.frame import FrameBatch
from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.fingerprint import (
    Fingerprint,
    FingerprintBuilder,
    is_flat,
    phash_of,
)
from tests.unit.media_screening.footage import random_fingerprint


def pictures() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    found = []
    for side in (32, 64, 200):
        for _ in range(40):
            noise = rng.integers(0, 256, (side, side)).astype(np.uint8)
            found += [noise, cv2.GaussianBlur(noise, (0, 0), side / 12).astype(np.uint8)]
        found += [np.full((side, side), level, np.uint8) for level in (0, 17, 255)]
        found.append(np.tile(np.arange(side, dtype=np.uint8), (side, 1)))
    return found


def test_phash_is_bit_equal_to_imagehash() -> None:
    for picture in pictures():
        theirs = imagehash.phash(Image.fromarray(picture))
        assert phash_of(picture).tobytes().hex() == str(theirs)


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_flat_frames_are_left_out(level: int) -> None:
    rng = np.random.default_rng(level)
    noise = rng.integers(-3, 4, (8, 64, 64))
    flat = np.clip(noise + level, 0, 255).astype(np.uint8)
    builder = FingerprintBuilder()
    builder.add(FrameBatch(times_s=np.arange(8.0), pixels=flat))
    assert is_flat(flat[0])
    assert len(builder.build(duration_s=8.0)) == 0
    assert (builder.frames_seen, builder.end_s) == (8, 7.0)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 50), period_s=st.floats(0.01, 10))
def test_what_is_packed_is_unpacked(seed: int, count: int, period_s: float) -> None:
    before = random_fingerprint(seed, count=count, period_s=period_s)
    after = Fingerprint.unpack(before.pack())
    assert after.duration_s == before.duration_s
    for name in ("times_s", "pdq", "phash", "quality"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


@given(st.binary(max_size=200))
def test_noise_is_no_fingerprint(raw: bytes) -> None:
    with pytest.raises(InvalidFingerprint):
        Fingerprint.unpack(raw)


def test_a_cut_fingerprint_is_refused() -> None:
    packed = random_fingerprint(1, count=3, period_s=0.5).pack()
    with pytest.raises(InvalidFingerprint, match="3 frames do not take"):
        Fingerprint.unpack(packed[:-1])
