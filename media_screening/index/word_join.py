"""A sieve for millions of hashes: which share a word of 32 bits, but for one bit, with others.

Its cost hardly depends on how many are looked for, up to some tens of thousands.

Of two hashes at most 15 bits apart, one of their eight words is at most one bit apart (the
pigeonhole principle, as in multi-index hashing: Norouzi, Punjani and Fleet, 2012). All such pairs
are found, and further ones by chance: at 24 bits about five in six, at 40 bits about one in five.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.hamming import distances_bits
from media_screening.index.run import spread

CERTAIN_BITS = 15
"""Pairs up to this far apart are all found."""

_WORDS = 8
_FLIPS = np.array([0, *(1 << bit for bit in range(32))], np.uint32)
_SIEVE_BITS = 26
"""Words are first looked up by so many of their bits, in a table that stays in the cache."""


class WordJoin:
    """Hashes to be looked for; shape (n, 32)."""

    def __init__(self, hashes: NDArray[np.uint8]) -> None:
        self._hashes = np.ascontiguousarray(hashes)
        words = _words(self._hashes)
        self._tables = [_Table(words[:, place]) for place in range(_WORDS)]

    def pairs(
        self, hashes: NDArray[np.uint8], *, max_hamming_bits: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of these hashes and those that are looked for, at most so many bits apart.

        Returns:
            Rows of ``hashes``, and rows of those that are looked for; each pair once.
        """
        hashes = np.ascontiguousarray(hashes)
        words = _words(hashes)
        found = []
        for place, table in enumerate(self._tables):
            for here, there in table.lookup(np.ascontiguousarray(words[:, place])):
                near = distances_bits(hashes[here], self._hashes[there]) <= max_hamming_bits
                found.append(here[near] * len(self._hashes) + there[near])
        keys = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
        return keys // max(1, len(self._hashes)), keys % max(1, len(self._hashes))


class _Table:
    """The words at one place of all that is looked for, with each of their bits flipped."""

    def __init__(self, words: NDArray[np.uint32]) -> None:
        keys = (words[:, None] ^ _FLIPS).ravel()
        order = np.argsort(keys)
        self._keys = keys[order]
        self._rows = order // len(_FLIPS)
        short = self._keys >> np.uint32(32 - _SIEVE_BITS)
        self._sieve = np.zeros(1 << (_SIEVE_BITS - 3), np.uint8)
        bits = np.left_shift(np.uint8(1), (short & np.uint32(7)).astype(np.uint8))
        np.bitwise_or.at(self._sieve, short >> np.uint32(3), bits)

    def lookup(
        self, words: NDArray[np.uint32]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        short = words >> np.uint32(32 - _SIEVE_BITS)
        bits = self._sieve[short >> np.uint32(3)] >> (short & np.uint32(7)).astype(np.uint8)
        here = np.flatnonzero(bits & np.uint8(1))
        first = np.searchsorted(self._keys, words[here], side="left")
        count = np.searchsorted(self._keys, words[here], side="right") - first
        for at, end in _in_turn(count):
            pair, place = spread(first[at:end], count[at:end])
            yield here[at:end][pair], self._rows[place]


_PAIRS_AT_ONCE = 1 << 20


def _in_turn(count: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Parts that make few enough pairs to be held at once."""
    ends = np.cumsum(count)
    at = 0
    while at < len(count):
        limit = (int(ends[at - 1]) if at else 0) + _PAIRS_AT_ONCE
        end = max(at + 1, int(np.searchsorted(ends, limit, side="right")))
        yield at, end
        at = end


def _words(hashes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return hashes.view("<u4").reshape(len(hashes), _WORDS)
