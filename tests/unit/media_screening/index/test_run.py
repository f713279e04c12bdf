from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.index.run import MAX_RUN_ROWS, find_runs
from tests.unit.media_screening.hashes import drift


@given(
    seed=st.integers(0, 500),
    count=st.integers(0, 300),
    step_bits=st.floats(0, 60),
    max_radius_bits=st.integers(0, 60),
)
def test_each_row_is_in_one_run_and_near_its_head(
    seed: int, count: int, step_bits: float, max_radius_bits: int
) -> None:
    hashes = drift(seed, count, step_bits=step_bits)
    runs = find_runs(hashes, max_radius_bits=max_radius_bits)
    rows = [
        row
        for first, rows in zip(runs.first, runs.count, strict=True)
        for row in range(first, first + rows)
    ]
    assert rows == list(range(count))
    assert all(runs.count <= MAX_RUN_ROWS)
    assert all(runs.radius_bits <= max_radius_bits)
    for first, size, head, radius in zip(
        runs.first, runs.count, runs.head, runs.radius_bits, strict=True
    ):
        assert first <= head < first + size
        assert hamming_bits(hashes[first : first + size], hashes[head]).max() == radius


def test_a_shot_is_a_run_and_a_cut_ends_it() -> None:
    still = np.repeat(drift(1, 1), 10, axis=0)
    runs = find_runs(np.concatenate([still, ~still]), max_radius_bits=20)
    assert runs.count.tolist() == [10, 10]
