"""Heads of runs, and blocks of them that are searched. Never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.hamming import pairs_within
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.index.run import find_runs

MAX_RADIUS_BITS = 40
"""How wide a run may be. Wider runs are fewer heads to compare with, and more that are not ruled
out: at 48 + 40 bits about one head in two thousand of another video (measured on seven videos)."""

_GATHERED = 1 << 18
"""Candidates that are looked at together."""


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
class Heads:
    """Heads of runs, k of them: 38 bytes each.

    Attributes:
        hash: Shape (k, 32).
        first: First row of the run among its reference's.
        count: How many rows it has.
        radius_bits: How far its furthest row is from the head.
    """

    hash: NDArray[np.uint8]
    first: NDArray[np.int32]
    count: NDArray[np.uint8]
    radius_bits: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All heads of several, one after another."""
        return cls._of(lambda name: np.concatenate([getattr(part, name) for part in parts]))

    def where(self, kept: NDArray[np.bool_]) -> Self:
        """The heads where a mask is true."""
        return self._of(lambda name: getattr(self, name)[kept])

    @classmethod
    def _of(cls, column: Callable[[str], NDArray[Any]]) -> Self:
        return cls(**{field.name: column(field.name) for field in fields(cls)})


def find_heads(hashes: NDArray[np.uint8]) -> Heads:
    """The heads of the runs that a reference's hashes, of shape (n, 32), part into."""
    runs = find_runs(hashes, max_radius_bits=MAX_RADIUS_BITS)
    return Heads(
        hash=hashes[runs.head].reshape(-1, PDQ_BYTES),
        first=runs.first.astype(np.int32),
        count=runs.count.astype(np.uint8),
        radius_bits=runs.radius_bits.astype(np.uint8),
    )


class Block:
    """Heads of one reference or of several.

    Args:
        heads: May be mapped from a file.
        owner: The number of the reference for each of them, shape (k,).
    """

    def __init__(self, heads: Heads, owner: NDArray[np.int32]) -> None:
        self._heads = heads
        self._owner = owner

    def __len__(self) -> int:
        return len(self._owner)

    @classmethod
    def of(cls, number: int, heads: Heads) -> Self:
        """The heads of one reference, as they lie."""
        return cls(heads, np.broadcast_to(np.int32(number), len(heads)))

    @classmethod
    def merged(cls, blocks: Sequence[Self], *, keep: NDArray[np.bool_]) -> Self:
        """What belongs to the references whose numbers ``keep`` is true at."""
        heads = Heads.joined([block._heads for block in blocks])
        owner = np.concatenate([block._owner for block in blocks])
        kept = keep[owner]
        return cls(heads, owner) if kept.all() else cls(heads.where(kept), owner[kept])

    def candidates(
        self, queries: NDArray[np.uint8], *, max_hamming_bits: int
    ) -> Iterator[Candidates]:
        """Runs that may hold hashes within the radius: all that do, and few others."""
        heads = self._heads
        pairs = pairs_within(
            queries, heads.hash, max_hamming_bits=max_hamming_bits, wider_bits=heads.radius_bits
        )
        for query, head in _gathered(pairs):
            yield Candidates(
                query=query,
                owner=self._owner[head].astype(np.int64),
                first=heads.first[head].astype(np.int64),
                count=heads.count[head].astype(np.int64),
            )


def _gathered(
    pairs: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Pairs in parts that are worth looking at: there are few in each block of hashes."""
    held: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    count = 0
    for pair in pairs:
        held.append(pair)
        count += len(pair[0])
        if count >= _GATHERED:
            yield tuple(map(np.concatenate, zip(*held, strict=True)))
            held, count = [], 0
    if held:
        yield tuple(map(np.concatenate, zip(*held, strict=True)))
