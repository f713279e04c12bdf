from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.index.hash_index import HashIndex, prepare
from tests.unit.media_screening.hashes import crowd, drift, noisy

Found = set[tuple[str, int, int, int]]


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


@settings(max_examples=40)
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
            kept[owner] = crowd(seed + number, count)
            index.add(owner, kept[owner])
    queries = crowd(seed, 10)
    assert len(index) == sum(map(len, kept.values()))
    assert set(kept) == {owner for owner in map(ReferenceId, "abcd") if owner in index}
    assert found(index, queries, bits) == by_brute_force(kept, queries, bits)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1000),
    bits=st.sampled_from([0, 15, 31, 40, 48, 60, 96]),
    step_bits=st.sampled_from([0, 2, 6, 15, 40]),
)
def test_it_finds_all_of_films_whose_pictures_drift(seed: int, bits: int, step_bits: int) -> None:
    kept = {
        ReferenceId(f"film-{number}"): drift(seed + number, 400, step_bits=step_bits)
        for number in range(3)
    }
    index = HashIndex()
    index.add_all({owner: prepare(hashes) for owner, hashes in kept.items()})
    queries = noisy(seed, kept[ReferenceId("film-1")][50:120:2], 12)
    assert found(index, queries, bits) == by_brute_force(kept, queries, bits)


def test_an_empty_index_finds_nothing() -> None:
    assert HashIndex().search(crowd(1, 5), max_hamming_bits=256) == {}


@pytest.mark.parametrize("count", [0, 1])
def test_no_query_and_no_hash_are_no_error(count: int) -> None:
    index = HashIndex()
    index.add(ReferenceId("a"), crowd(1, count))
    assert index.search(crowd(1, 0), max_hamming_bits=48) == {}
    assert len(found(index, crowd(1, count), 0)) == count


def test_what_was_removed_is_cleared_out() -> None:
    index = HashIndex()
    names = [ReferenceId(str(number)) for number in range(40)]
    for name in names:
        index.add(name, drift(int(name), 100))
    before = index.heads
    for name in names[4:]:
        index.remove(name)
    assert index.heads < before / 5
    assert len(index) == 400


def test_a_search_sees_a_reference_as_it_was_or_as_it_is_while_it_is_replaced() -> None:
    index, owner = HashIndex(), ReferenceId("film")
    versions = [drift(number, 300) for number in range(2)]
    index.add(owner, versions[0])
    stop = threading.Event()

    def change() -> None:
        for number in range(200):
            index.add(owner, versions[number % 2])
            index.add(ReferenceId(f"other-{number % 7}"), drift(number, 50))
            index.remove(ReferenceId(f"other-{(number + 3) % 7}"))
        stop.set()

    expected = [by_brute_force({owner: rows}, versions[0][:40], 20) for rows in versions]
    thread = threading.Thread(target=change)
    thread.start()
    while not stop.is_set():
        seen = {hit for hit in found(index, versions[0][:40], 20) if hit[0] == owner}
        assert seen in expected
    thread.join()
