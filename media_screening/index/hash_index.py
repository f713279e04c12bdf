"""The exact index of reference frames: every hash within a Hamming radius, none missed.

Searching compares with the heads of runs only (``run.py``), and with the hashes of a
run where its head is near enough. What is searched are immutable blocks, merged as they grow
(a log-structured merge): adding and removing never hold up a search.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.fingerprinting.hamming import distances_bits
from media_screening.index.block import Block, Candidates, make_block, merge_blocks
from media_screening.index.run import Runs, find_runs, spread

MAX_RADIUS_BITS = 40
"""How wide a run may be. Wider runs are fewer heads to compare with, and more that are not ruled
out: at 48 + 40 bits about one head in two thousand of another video (measured on seven videos)."""

LEAST_LIVE_SHARE = 0.75
"""With fewer of the heads still in use, those of removed references are cleared out."""

_CHECKED_AT_ONCE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hits:
    """Pairs of a searched hash and an indexed one of one reference; n of them, in no order.

    Attributes:
        query: Row of the hash that was searched, shape (n,).
        row: Row of the hash that was found among its reference's, shape (n,).
        distance_bits: Hamming distance between them, shape (n,).
    """

    query: NDArray[np.int64]
    row: NDArray[np.int64]
    distance_bits: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class IndexedHashes:
    """The hashes of one reference, ready to be searched.

    Attributes:
        hashes: Shape (n, 32); may be mapped from a file: few of them are read in a search.
        runs: Their runs.
        heads: The hashes of the runs' heads, shape (k, 32).
    """

    hashes: NDArray[np.uint8]
    runs: Runs
    heads: NDArray[np.uint8]


def prepare(hashes: NDArray[np.uint8]) -> IndexedHashes:
    """Find the runs of a reference's hashes; shape (n, 32)."""
    hashes = np.ascontiguousarray(hashes, np.uint8)
    runs = find_runs(hashes, max_radius_bits=MAX_RADIUS_BITS)
    return IndexedHashes(hashes=hashes, runs=runs, heads=hashes[runs.head])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Held:
    reference_id: ReferenceId
    hashes: NDArray[np.uint8]
    heads: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _State:
    """What one search sees: blocks, and the references whose heads in them count."""

    blocks: tuple[Block, ...]
    held: Mapping[int, _Held]


class HashIndex:
    """256-bit hashes by reference, added and removed while others search.

    Safe to use from several threads. A search sees all references as they were when it began.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of those who change it
        self._numbers: dict[ReferenceId, int] = {}
        self._next_number = 0
        self._state = _State(blocks=(), held={})

    def __len__(self) -> int:
        return sum(len(held.hashes) for held in self._state.held.values())

    def __contains__(self, reference_id: ReferenceId) -> bool:
        return reference_id in self._numbers

    @property
    def heads(self) -> int:
        """How many hashes every search compares with."""
        return sum(map(len, self._state.blocks))

    def add(self, reference_id: ReferenceId, hashes: NDArray[np.uint8]) -> None:
        """Put a reference's hashes in, in place of those it had; shape (n, 32)."""
        self.add_all({reference_id: prepare(hashes)})

    def add_all(self, references: Mapping[ReferenceId, IndexedHashes]) -> None:
        """Put several references in at once, each in place of what it had."""
        with self._lock:
            first, self._next_number = self._next_number, self._next_number + len(references)
            numbered = list(enumerate(references.items(), first))
            held = self._held_without(references)
            for number, (reference_id, indexed) in numbered:
                self._numbers[reference_id] = number
                held[number] = _Held(
                    reference_id=reference_id, hashes=indexed.hashes, heads=len(indexed.heads)
                )
            fresh = make_block((number, indexed) for number, (_, indexed) in numbered)
            self._change((*self._state.blocks, fresh), held)

    def remove(self, reference_id: ReferenceId) -> None:
        """Take a reference's hashes out; no harm if there are none."""
        with self._lock:
            self._change(self._state.blocks, self._held_without([reference_id]))

    def search(
        self, hashes: NDArray[np.uint8], *, max_hamming_bits: int
    ) -> dict[ReferenceId, Hits]:
        """Find every pair at most ``max_hamming_bits`` apart; hashes of shape (n, 32).

        Searched together, hashes cost least: neighbours that look alike are compared as one, and
        what is in the processor's cache serves them all.
        """
        queries = np.ascontiguousarray(hashes, np.uint8)
        parts: dict[ReferenceId, list[Hits]] = {}
        state = self._state
        for block in state.blocks:
            for near in block.candidates(queries, max_hamming_bits=max_hamming_bits):
                for number, one in _by_owner(near):
                    held = state.held.get(number)
                    if held is None:
                        continue
                    hits = _checked(one, queries, held.hashes, max_hamming_bits)
                    if len(hits):
                        parts.setdefault(held.reference_id, []).append(hits)
        return {reference_id: _joined(hits) for reference_id, hits in parts.items()}

    def _held_without(self, reference_ids: Iterable[ReferenceId]) -> dict[int, _Held]:
        held = dict(self._state.held)
        for reference_id in reference_ids:
            held.pop(self._numbers.pop(reference_id, -1), None)
        return held

    def _change(self, blocks: tuple[Block, ...], held: dict[int, _Held]) -> None:
        """Take over a new state, after joining blocks so that they stay few and mostly live.

        The last blocks are joined while the one before is not far larger, so that a head is copied
        a logarithmic number of times.
        """
        kept = np.zeros(self._next_number, bool)
        kept[list(held)] = True
        while len(blocks) > 1 and len(blocks[-2]) < 2 * len(blocks[-1]):
            blocks = (*blocks[:-2], merge_blocks(blocks[-2:], keep=kept))
        live = sum(one.heads for one in held.values())
        if live < LEAST_LIVE_SHARE * sum(map(len, blocks)):
            blocks = (merge_blocks(blocks, keep=kept),)
        self._state = _State(blocks=blocks, held=held)


def _by_owner(near: Candidates) -> Iterator[tuple[int, Candidates]]:
    order = np.argsort(near.owner, kind="stable")
    owner = near.owner[order]
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    for at, mine in zip(begins, np.split(order, begins[1:]), strict=True):
        yield (
            int(owner[at]),
            Candidates(
                query=near.query[mine],
                owner=near.owner[mine],
                first=near.first[mine],
                count=near.count[mine],
            ),
        )


def _checked(
    near: Candidates, queries: NDArray[np.uint8], hashes: NDArray[np.uint8], max_hamming_bits: int
) -> Hits:
    """The pairs that are near enough, among those of the candidates' runs."""
    parts = []
    for some in _in_slices(near.count):
        pair, row = spread(near.first[some], near.count[some])
        query = near.query[some][pair]
        bits = distances_bits(queries[query], hashes[row])
        hit = bits <= max_hamming_bits
        parts.append(Hits(query=query[hit], row=row[hit], distance_bits=bits[hit]))
    return _joined(parts)


def _in_slices(count: NDArray[np.int64]) -> Iterable[slice]:
    """Parts with so many rows that they fit into memory however many there are in all."""
    ends = np.cumsum(count)
    at = 0
    while at < len(count):
        limit = (ends[at - 1] if at else 0) + _CHECKED_AT_ONCE
        end = max(at + 1, int(np.searchsorted(ends, limit, side="right")))
        yield slice(at, end)
        at = end


def _joined(parts: list[Hits]) -> Hits:
    if len(parts) == 1:
        return parts[0]
    return Hits(
        query=np.concatenate([hits.query for hits in parts]),
        row=np.concatenate([hits.row for hits in parts]),
        distance_bits=np.concatenate([hits.distance_bits for hits in parts]),
    )
