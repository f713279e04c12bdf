"""A block of the index: the heads of runs, sorted by how wide the runs are. Never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.hamming import distances_bits, pairs_within
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.index.run import find_runs, spread

if TYPE_CHECKING:
    from media_screening.index.hash_index import IndexedHashes

_WIDTHS_BITS = (0, 8, 16, 24, 32, 40)
"""Runs are searched by these classes of their radius, each no further than it needs."""

_TELLING_BITS = 96
"""A distance that still tells apart: one in a thousand pairs of frames of different videos is
nearer (measured on seven videos; the median is 128). Queries are grouped as widely as this
allows."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidates:
    """Pairs of a query and a run that may hold hits for it; n of them, in no order.

    Attributes:
        query: Row of the query, shape (n,).
        owner: Number of the reference, shape (n,).
        first: First row of the run among its reference's, shape (n,).
        count: How many rows it has, shape (n,).
    """

    query: NDArray[np.int64]
    owner: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Heads:
    """Heads of runs of one class of widths: 42 bytes a run.

    Attributes:
        hash: Shape (n, 32).
        owner: Number of the reference.
        first: First row of the run among its reference's.
        count: How many rows it has.
        radius_bits: How far its furthest row is from the head.
    """

    hash: NDArray[np.uint8]
    owner: NDArray[np.int32]
    first: NDArray[np.int32]
    count: NDArray[np.uint8]
    radius_bits: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.owner)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All heads of several, one after another."""
        return cls._of(lambda name: np.concatenate([getattr(part, name) for part in parts]))

    def where(self, kept: NDArray[Any]) -> Self:
        """The heads of these rows, or of those where a mask is true."""
        return self._of(lambda name: getattr(self, name)[kept])

    @classmethod
    def _of(cls, column: Callable[[str], NDArray[Any]]) -> Self:
        return cls(**{field.name: column(field.name) for field in fields(cls)})


class Block:
    """Heads by the class of their runs' widths."""

    def __init__(self, classes: tuple[_Heads, ...]) -> None:
        self._classes = classes

    def __len__(self) -> int:
        return sum(map(len, self._classes))

    @property
    def classes(self) -> tuple[_Heads, ...]:
        """One for each of ``_WIDTHS_BITS``."""
        return self._classes

    def candidates(
        self, queries: NDArray[np.uint8], *, max_hamming_bits: int
    ) -> Iterator[Candidates]:
        """Runs that may hold hashes within the radius: all that do, and few others."""
        if not len(queries):
            return
        for width, heads in zip(_WIDTHS_BITS, self._classes, strict=True):
            reach = max_hamming_bits + width
            groups = find_runs(queries, max_radius_bits=max(0, _TELLING_BITS - reach))
            widest = int(groups.radius_bits.max())
            for group, head in pairs_within(
                queries[groups.head], heads.hash, max_hamming_bits=reach + widest
            ):
                pair, query = spread(groups.first[group], groups.count[group])
                found = heads.where(head[pair])
                bits = distances_bits(queries[query], found.hash)
                near = bits <= max_hamming_bits + found.radius_bits.astype(np.int64)
                if not near.any():
                    continue
                found = found.where(near)
                yield Candidates(
                    query=query[near],
                    owner=found.owner.astype(np.int64),
                    first=found.first.astype(np.int64),
                    count=found.count.astype(np.int64),
                )


def make_block(references: Iterable[tuple[int, IndexedHashes]]) -> Block:
    """Sort the runs of references, by their numbers, into classes."""
    parts: list[list[_Heads]] = [[_NONE] for _ in _WIDTHS_BITS]
    for number, indexed in references:
        runs = indexed.runs
        heads = _Heads(
            hash=indexed.heads,
            owner=np.full(len(runs), number, np.int32),
            first=runs.first.astype(np.int32),
            count=runs.count.astype(np.uint8),
            radius_bits=runs.radius_bits.astype(np.uint8),
        )
        wide = np.searchsorted(_WIDTHS_BITS, runs.radius_bits)
        for place, part in enumerate(parts):
            part.append(heads.where(wide == place))
    return Block(tuple(_Heads.joined(part) for part in parts))


def merge_blocks(blocks: Sequence[Block], *, keep: NDArray[np.bool_]) -> Block:
    """One block of what belongs to the references whose numbers ``keep`` is true at."""
    merged = []
    for heads in zip(*(block.classes for block in blocks), strict=True):
        whole = _Heads.joined(heads)
        kept = keep[whole.owner]
        merged.append(whole if kept.all() else whole.where(kept))
    return Block(tuple(merged))


_NONE = _Heads(
    hash=np.empty((0, PDQ_BYTES), np.uint8),
    owner=np.empty(0, np.int32),
    first=np.empty(0, np.int32),
    count=np.empty(0, np.uint8),
    radius_bits=np.empty(0, np.uint8),
)
