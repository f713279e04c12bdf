from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.index.word_join import WordJoin
from tests.unit.media_screening.hashes import crowd, drift, noisy


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 500),
    bits=st.integers(0, 15),
    radius=st.integers(0, 60),
    width=st.sampled_from([4, 8, 32]),
    flips=st.sampled_from([0, 1, 2]),
)
def test_near_pairs_are_all_found_and_far_ones_never(
    seed: int, bits: int, radius: int, width: int, flips: int
) -> None:
    wanted = drift(seed, 60)
    hashes = np.concatenate([noisy(seed, wanted[::3], bits), crowd(seed, 20)])
    wanted, hashes = wanted[:, :width], hashes[:, :width]
    join = WordJoin(wanted, max_flips=flips)
    row, of_wanted = join.pairs(hashes, max_hamming_bits=radius)
    pairs = set(zip(row.tolist(), of_wanted.tolist(), strict=True))
    assert len(pairs) == len(row)
    assert join.certain_bits == width // 4 * (flips + 1) - 1
    distances = hamming_bits(hashes[:, None], wanted[None])
    certain = np.argwhere(distances <= min(radius, join.certain_bits))
    near = {tuple(pair) for pair in certain.tolist()}
    assert near <= pairs <= {tuple(pair) for pair in np.argwhere(distances <= radius).tolist()}


def test_nothing_is_found_among_nothing() -> None:
    for hashes, wanted in ((crowd(1, 0), crowd(2, 5)), (crowd(1, 5), crowd(2, 0))):
        row, _ = WordJoin(wanted).pairs(hashes, max_hamming_bits=48)
        assert len(row) == 0
