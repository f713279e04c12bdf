"""Hamming distances of many hashes: all pairs within a radius, and pairs that are named."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.pdq import PDQ_BYTES

_BLOCK_PAIRS = 1 << 17
"""Distances that are worked out at once: half a megabyte, which stays in the cache of one core,
as do the hashes that they are of. One query after another over all of them is bound by memory
instead. With 2^16 and 2^18 it takes as long."""


def distances_bits(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Distances of hashes row by row; both of shape (n, 32), the result of shape (n,)."""
    words = np.ascontiguousarray(left).view(np.uint64) ^ np.ascontiguousarray(right).view(np.uint64)
    bits: NDArray[np.int64] = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return bits


def all_distances_bits(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Distances of every hash from every other; shapes (n, 32) and (m, 32), the result (n, m)."""
    left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
    bits = np.empty((len(left), len(right)), np.int32)
    faiss.hammings(  # type: ignore[attr-defined] # made by its loader
        faiss.swig_ptr(left),
        faiss.swig_ptr(right),
        len(left),
        len(right),
        PDQ_BYTES,
        faiss.swig_ptr(bits),
    )
    return bits


def pairs_within(
    queries: NDArray[np.uint8],
    hashes: NDArray[np.uint8],
    *,
    max_hamming_bits: int,
    wider_bits: NDArray[np.uint8] | None = None,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every pair at most ``max_hamming_bits`` apart, block by block, none missed.

    On one thread: a machine with several cores has several workers, and threads that wait for
    each other on a busy machine take longer than they save.

    Args:
        queries: C-contiguous, shape (n, 32).
        hashes: The same; may be mapped from a file.
        max_hamming_bits: The radius.
        wider_bits: By how much it is wider for each of ``hashes``.

    Yields:
        The rows of the queries and the rows of the hashes.
    """
    if not len(queries):
        return
    step = max(1, min(len(hashes), _BLOCK_PAIRS // len(queries)))
    bits = np.empty((len(queries), step), np.int32)
    near = np.empty(bits.shape, bool)
    for at in range(0, len(hashes), step):
        block = hashes[at : at + step]
        if len(block) < step:
            bits, near = (np.empty((len(queries), len(block)), one.dtype) for one in (bits, near))
        # All distances, then those that are small enough, takes 0.6 ns a pair; faiss's own search
        # within a radius, which looks at one pair after another, takes 1.0.
        faiss.hammings(  # type: ignore[attr-defined] # made by its loader
            faiss.swig_ptr(queries),
            faiss.swig_ptr(block),
            len(queries),
            len(block),
            PDQ_BYTES,
            faiss.swig_ptr(bits),
        )
        wider = None if wider_bits is None else wider_bits[at : at + step].astype(np.int32)
        # To compare with one number takes a third of what it takes to compare row by row.
        widest = np.int32(max_hamming_bits + (0 if wider is None else wider.max()))
        found = np.flatnonzero(np.less_equal(bits, widest, out=near))
        if wider is not None:
            allowed = max_hamming_bits + wider[found % len(block)]
            found = found[bits.reshape(-1)[found] <= allowed]
        if len(found):
            query, row = np.divmod(found, len(block))
            yield query, row + at
