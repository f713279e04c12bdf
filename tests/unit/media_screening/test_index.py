from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.fingerprint import hamming_bits
from media_screening.index import HashIndex

Found = set[tuple[str, int, int, int]]


def hashes(seed: int, count: int) -> NDArray[np.uint8]:
    """Hashes in crowds: a few centres, and others a few bits away from them."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).integers(0, 256, (3, 32), dtype=np.uint8)
    flips = np.packbits(rng.random((count, 256)) < rng.uniform(0, 0.25, (count, 1)), axis=1)
    return centres[rng.integers(0, 3, count)] ^ flips


def found(index: HashIndex, queries: NDArray[np.uint8], bits: int) -> Found:
    return {
        (owner, int(query), int(row), int(distance))
        for owner, hits in index.search(queries, max_hamming_bits=bits).items()
        for query, row, distance in zip(hits.query, hits.row, hits.distance_bits, strict=True)
    }


def by_brute_force(
    kept: dict[ReferenceId, NDArray[np.uint8]], queries: NDArray[np.uint8], bits: int
) -> Found:
    return {
        (owner, int(query), int(row), int(distances[query, row]))
        for owner, rows in kept.items()
        for distances in [hamming_bits(queries[:, None], rows[None])]
        for query, row in np.argwhere(distances <= bits)
    }


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    bits=st.integers(0, 120),
    steps=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-1, 40)), max_size=12),
)
def test_it_finds_what_brute_force_finds_whatever_was_added_and_removed(
    seed: int, bits: int, steps: list[tuple[str, int]]
) -> None:
    index = HashIndex()
    kept: dict[ReferenceId, NDArray[np.uint8]] = {}
    for number, (name, count) in enumerate(steps):
        owner = ReferenceId(name)
        if count < 0:
            index.remove(owner)
            kept.pop(owner, None)
        else:
            kept[owner] = hashes(seed + number, count)
            index.add(owner, kept[owner])
    queries = hashes(seed, 10)
    assert len(index) == sum(map(len, kept.values()))
    assert found(index, queries, bits) == by_brute_force(kept, queries, bits)


def test_an_empty_index_finds_nothing() -> None:
    assert HashIndex().search(hashes(1, 5), max_hamming_bits=256) == {}
