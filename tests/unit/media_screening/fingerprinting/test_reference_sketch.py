from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.reference_sketch import SketchBuilder, Sketches, sketch_of


def pictures(seed: int, count: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    rough = np.random.default_rng(seed).integers(0, 256, (count, 9, 16)).astype(np.uint8)
    return rough.repeat(10, axis=1).repeat(10, axis=2)


def built(seed: int, count: int, period_s: float) -> Sketches:
    builder = SketchBuilder()
    builder.add(np.arange(count, dtype=np.float64) * period_s, pictures(seed, count))
    return builder.build()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(0, 12), period_s=st.floats(0.05, 2))
def test_what_is_packed_is_unpacked(seed: int, count: int, period_s: float) -> None:
    before = built(seed, count, period_s)
    after = Sketches.unpack(before.pack())
    for name in ("times_s", "pixels", "key_times_s", "key", "descriptors"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_allclose(after.xy, before.xy, atol=1e-4)


def test_sketches_are_four_a_second_and_features_one() -> None:
    found = built(1, 33, 0.125)
    np.testing.assert_allclose(found.times_s, np.arange(17) * 0.25)
    np.testing.assert_allclose(found.key_times_s, np.arange(5))
    features = found.features(2)
    assert len(features) == (found.key == 2).sum() > 20
    np.testing.assert_array_equal(features.descriptors, found.descriptors[found.key == 2])
    np.testing.assert_array_equal(found.pixels[4], sketch_of(pictures(1, 33)[8]))


@given(st.binary(max_size=200))
def test_noise_is_no_sketches(raw: bytes) -> None:
    with pytest.raises(InvalidFingerprint):
        Sketches.unpack(raw)


def test_what_is_cut_or_of_another_version_is_refused() -> None:
    packed = built(1, 3, 0.5).pack()
    newer = bytearray(packed)
    newer[4] += 1
    for raw in (packed[:-1], packed[:10], bytes(newer)):
        with pytest.raises(InvalidFingerprint, match="not sketches of version 1"):
            Sketches.unpack(raw)
