from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.index.word_join import CERTAIN_BITS, WordJoin
from tests.unit.media_screening.hashes import crowd, drift, noisy


@settings(max_examples=20)
@given(seed=st.integers(0, 500), bits=st.integers(0, CERTAIN_BITS), radius=st.integers(0, 60))
def test_near_pairs_are_all_found_and_far_ones_never(seed: int, bits: int, radius: int) -> None:
    wanted = drift(seed, 60)
    hashes = np.concatenate([noisy(seed, wanted[::3], bits), crowd(seed, 20)])
    row, of_wanted = WordJoin(wanted).pairs(hashes, max_hamming_bits=radius)
    pairs = set(zip(row.tolist(), of_wanted.tolist(), strict=True))
    assert len(pairs) == len(row)
    distances = hamming_bits(hashes[:, None], wanted[None])
    near = {tuple(pair) for pair in np.argwhere(distances <= min(radius, CERTAIN_BITS)).tolist()}
    assert near <= pairs <= {tuple(pair) for pair in np.argwhere(distances <= radius).tolist()}


def test_nothing_is_found_among_nothing() -> None:
    for hashes, wanted in ((crowd(1, 0), crowd(2, 5)), (crowd(1, 5), crowd(2, 0))):
        row, _ = WordJoin(wanted).pairs(hashes, max_hamming_bits=48)
        assert len(row) == 0
