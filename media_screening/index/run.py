"""Runs of neighbouring hashes that lie near one of their own: what makes an exact search fast.

By the triangle inequality a hash within ``r`` of a query lies in a run whose head is within
``r + radius`` of that query. So one comparison with a head rules out the whole run, and nothing
is missed. Neighbours in a video look alike: ten frames of a shot cost one comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import hamming_bits

MAX_RUN_ROWS = 64

_TAKEN_AT_ONCE = 1 << 18
"""Rows whose distances are worked out at once: tens of megabytes at most."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runs:
    """Runs over rows of hashes, each row in exactly one; k of them, in the order of the rows.

    Attributes:
        first: The first row of each, shape (k,).
        count: How many rows it has, shape (k,).
        head: The row that stands for it, shape (k,).
        radius_bits: How far its furthest row is from the head, shape (k,).
    """

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    head: NDArray[np.int64]
    radius_bits: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)


def find_runs(hashes: NDArray[np.uint8], *, max_radius_bits: int) -> Runs:
    """Part rows into runs of at most ``MAX_RUN_ROWS`` whose radius is at most ``max_radius_bits``.

    Rows part where neighbours are further apart than that. A run that is too wide is halved until
    it is not, so the time is linear in the rows, whatever they are. Joining neighbours again that
    fit into one run would save 1 to 2 % of the runs of films, and takes as long again.
    """
    first, count = _cut(hashes, max_radius_bits)
    done: list[tuple[NDArray[np.int64], ...]] = []
    while len(first):
        head = first + count // 2
        radius = _radius(hashes, first, count, head)
        fits = radius <= max_radius_bits
        done.append((first[fits], count[fits], head[fits], radius[fits]))
        first, count = first[~fits], count[~fits]
        left = count // 2
        first = np.concatenate([first, first + left])
        count = np.concatenate([left, count - left])
    columns = [np.concatenate(column) for column in zip(*done, strict=True)] or [_NONE] * 4
    order = np.argsort(columns[0], kind="stable")
    first, count, head, radius = (column[order] for column in columns)
    return Runs(first=first, count=count, head=head, radius_bits=radius)


def spread(first: NDArray[np.int64], count: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Lay out stretches row by row.

    Returns:
        For each row the number of its stretch, and the row.
    """
    stretch = np.repeat(np.arange(len(count), dtype=np.int64), count)
    begins = np.cumsum(count) - count
    return stretch, np.arange(len(stretch), dtype=np.int64) + (first - begins)[stretch]


_NONE = np.empty(0, np.int64)


def _cut(
    hashes: NDArray[np.uint8], max_radius_bits: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretches between cuts, none of them longer than a run may be."""
    if not len(hashes):
        return _NONE, _NONE
    apart = _in_turn(lambda rows: hamming_bits(hashes[rows], hashes[rows + 1]), len(hashes) - 1)
    begins = np.concatenate([[0], np.flatnonzero(apart > max_radius_bits) + 1])
    lengths = np.diff(np.append(begins, len(hashes)))
    shot, piece = spread(np.zeros_like(begins), -(-lengths // MAX_RUN_ROWS))
    first = begins[shot] + piece * MAX_RUN_ROWS
    return first, np.minimum(MAX_RUN_ROWS, (begins + lengths)[shot] - first)


def _radius(
    hashes: NDArray[np.uint8],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    head: NDArray[np.int64],
) -> NDArray[np.int64]:
    stretch, row = spread(first, count)
    bits = _in_turn(lambda at: hamming_bits(hashes[row[at]], hashes[head[stretch[at]]]), len(row))
    begins = np.cumsum(count) - count
    return np.maximum.reduceat(bits, begins) if len(bits) else bits


def _in_turn(
    measure: Callable[[NDArray[np.int64]], NDArray[np.int64]], rows: int
) -> NDArray[np.int64]:
    parts = [
        measure(np.arange(at, min(rows, at + _TAKEN_AT_ONCE)))
        for at in range(0, rows, _TAKEN_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else _NONE
