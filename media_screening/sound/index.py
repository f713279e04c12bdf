"""The index of the references' sound: every value within a few flipped bits, none missed."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from contracts.ids import ReferenceId

VALUE_BITS = 32
MAX_FLIPS = 2
MAX_HITS_A_PROBE = 256
"""A value that the library has more often than this points nowhere: it is passed over."""

_BATCH_PROBES = 1 << 19


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SoundHits:
    """Pairs of a searched value and an indexed one; n of them, in no order.

    Attributes:
        query: Row among the searched values, shape (n,).
        owner: Number of the reference, a key of ``references``; shape (n,).
        position: Row among the reference's values, shape (n,).
        flips: Bits between them, shape (n,).
        references: Whose the numbers are.
    """

    query: NDArray[np.int64]
    owner: NDArray[np.int64]
    position: NDArray[np.int64]
    flips: NDArray[np.int64]
    references: dict[int, ReferenceId]

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Indexed values in rising order, 12 bytes each."""

    values: NDArray[np.uint32]
    owners: NDArray[np.uint32]
    positions: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> _Run:
        return _Run(self.values[chosen], self.owners[chosen], self.positions[chosen])


class SoundIndex:
    """32-bit values by reference, added and removed while others search.

    Sorted runs that are merged as they grow alike: adding costs a sort of what is added and, over
    time, a logarithm of merges; a search sees one state of the whole, and takes no lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: tuple[tuple[_Run, ...], dict[int, ReferenceId]] = ((), {})
        self._next_number = 0

    def __len__(self) -> int:
        return sum(map(len, self._state[0]))

    def add(
        self, reference_id: ReferenceId, values: NDArray[np.uint32], positions: NDArray[np.int64]
    ) -> None:
        """Put a reference's values in, in place of those it had; ``positions`` says which rows."""
        with self._lock:
            runs, references = self._without(reference_id)
            number, self._next_number = self._next_number, self._next_number + 1
            order = np.argsort(values, kind="stable")
            runs.append(
                _Run(
                    values[order],
                    np.full(len(values), number, np.uint32),
                    positions[order].astype(np.uint32),
                )
            )
            while len(runs) > 1 and len(runs[-2]) < 2 * len(runs[-1]):
                runs[-2:] = [_merged(*runs[-2:])]
            references[number] = reference_id
            self._state = (tuple(runs), references)

    def remove(self, reference_id: ReferenceId) -> None:
        """Take a reference's values out; no harm if there are none."""
        with self._lock:
            runs, references = self._without(reference_id)
            self._state = (tuple(runs), references)

    def search(self, values: NDArray[np.uint32], *, max_flips: int) -> SoundHits:
        """Find every pair at most ``max_flips`` bits apart, values that all have apart."""
        runs, references = self._state
        masks, flips = _masks(max_flips)
        found: list[tuple[NDArray[np.int64], ...]] = []
        step = max(1, _BATCH_PROBES // len(masks))
        for first in range(0, len(values), step):
            probes = (values[first : first + step, None] ^ masks).ravel()
            order = np.argsort(probes)
            probes = probes[order]
            for run in runs:
                low = np.searchsorted(run.values, probes, side="left")
                counts = np.searchsorted(run.values, probes, side="right") - low
                hit = np.flatnonzero((counts > 0) & (counts <= MAX_HITS_A_PROBE))
                if not len(hit):
                    continue
                times = counts[hit]
                within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
                rows = np.repeat(low[hit], times) + within
                probe = np.repeat(order[hit], times)
                found.append(
                    (
                        first + probe // len(masks),
                        run.owners[rows].astype(np.int64),
                        run.positions[rows].astype(np.int64),
                        flips[probe % len(masks)],
                    )
                )
        columns = [np.concatenate(column) for column in zip(*found, strict=True)] if found else []
        query, owner, position, bits = columns or [np.zeros(0, np.int64)] * 4
        return SoundHits(
            query=query, owner=owner, position=position, flips=bits, references=references
        )

    def _without(self, reference_id: ReferenceId) -> tuple[list[_Run], dict[int, ReferenceId]]:
        runs, references = self._state
        kept = {number: one for number, one in references.items() if one != reference_id}
        gone = [number for number, one in references.items() if one == reference_id]
        if gone:
            runs = tuple(run.rows(run.owners != gone[0]) for run in runs)
        return [run for run in runs if len(run)], kept


def _merged(left: _Run, right: _Run) -> _Run:
    both = _Run(
        np.concatenate((left.values, right.values)),
        np.concatenate((left.owners, right.owners)),
        np.concatenate((left.positions, right.positions)),
    )
    return both.rows(np.argsort(both.values, kind="stable"))


@cache
def _masks(max_flips: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """What to turn a value by to reach all within so many bits, and by how many bits each is."""
    masks = [
        sum(1 << bit for bit in bits)
        for flips in range(max_flips + 1)
        for bits in itertools.combinations(range(VALUE_BITS), flips)
    ]
    return np.array(masks, np.uint32), np.array([mask.bit_count() for mask in masks], np.int64)
