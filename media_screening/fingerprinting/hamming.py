"""Hamming distances of many hashes: all pairs within a radius, and pairs that are named."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.pdq import PDQ_BYTES

_BLOCK_ROWS = 1 << 15
"""Hashes that all queries are held against before the next ones: a megabyte, which stays in the
cache of one core. One query after another over all of them is bound by memory instead."""


def distances_bits(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Distances of hashes row by row; both of shape (n, 32), the result of shape (n,)."""
    words = np.ascontiguousarray(left).view(np.uint64) ^ np.ascontiguousarray(right).view(np.uint64)
    bits: NDArray[np.int64] = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return bits


def pairs_within(
    queries: NDArray[np.uint8], hashes: NDArray[np.uint8], *, max_hamming_bits: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every pair at most ``max_hamming_bits`` apart, block by block, none missed.

    Both are C-contiguous, of shape (n, 32); ``hashes`` may be mapped from a file. faiss's plain
    comparison does the work, on as many threads as OpenMP has.

    Yields:
        The rows of the queries and the rows of the hashes.
    """
    for at in range(0, len(hashes), _BLOCK_ROWS):
        block = hashes[at : at + _BLOCK_ROWS]
        found = faiss.RangeSearchResult(len(queries))
        # faiss takes what is strictly below its radius.
        faiss.hamming_range_search(  # type: ignore[attr-defined] # made by its loader
            faiss.swig_ptr(queries),
            faiss.swig_ptr(block),
            len(queries),
            len(block),
            max_hamming_bits + 1,
            PDQ_BYTES,
            found,
        )
        limits = faiss.rev_swig_ptr(found.lims, len(queries) + 1).astype(np.int64)
        if limits[-1]:
            row = faiss.rev_swig_ptr(found.labels, int(limits[-1])) + at
            yield np.repeat(np.arange(len(queries), dtype=np.int64), np.diff(limits)), row
