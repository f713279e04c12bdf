"""How often something was seen, within a fixed number of bytes: what memory had no room for.

A count-min sketch (Cormode and Muthukrishnan, *An improved data stream summary: the count-min
sketch and its applications*, Journal of Algorithms 55(1), 2005), one for each of a few
generations of event time, so that it forgets. Each has ``ROWS`` rows of one-byte cells; a cell
stays at ``FULL``.

The update is the plain one: what an estimate comes to depends on what was added and not on the
order. (Conservative update halves the error, and depends on it.) Positions come from a checksum, in
the first row, and from one keyed BLAKE2b hash: the same in every process, and nobody who does not
know the key can choose what collides in all rows. Of nearly all keys the first row alone tells that
there is nothing to say. docs/decisions/0057-a-count-min-sketch-of-bytes.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from struct import Struct
from zlib import crc32

ROWS = 4
FULL = 255
GENERATIONS = 4
MISSES = 0.01
"""The share of estimates whose error may be more than is said."""

_BOUND = MISSES ** (-1 / ROWS)
_HEADER = Struct("<8sQQB")
_GENERATION = Struct("<qQ")
_three_words = Struct("<3I").unpack


@dataclass(frozen=True, kw_only=True, slots=True)
class Frequency:
    """About how often."""

    count: int
    """Never too few, unless a cell was full: from ``FULL`` on it means so many or more."""
    error: int
    """With a probability of 99 % it is no more than this too many."""


class FrequencySketch:
    """Estimated counts of any number of keys: of the last ``span_ms``, and up to a third more."""

    __slots__ = (
        "_cells",
        "_error",
        "_generation_ms",
        "_hash",
        "_newest",
        "_total",
        "_totals",
        "_width",
    )

    def __init__(self, *, budget_bytes: int, span_ms: int, key: bytes = b"doorstaff") -> None:
        """Begin with nothing.

        Args:
            budget_bytes: What all cells together may take.
            span_ms: How far back in event time it counts at least.
            key: Of the hash, up to 64 bytes; the same for all that must agree.

        Raises:
            ValueError: The budget is less than one cell a row.
        """
        self._width = budget_bytes // (GENERATIONS * ROWS)
        if self._width < 1:
            msg = f"a sketch takes at least {GENERATIONS * ROWS} bytes, not {budget_bytes}"
            raise ValueError(msg)
        self._generation_ms = max(1, ceil(span_ms / (GENERATIONS - 1)))
        self._hash = blake2b(key=key, digest_size=4 * (ROWS - 1))
        self._newest = 0
        """Number of the newest generation, counted from the epoch."""
        self._cells: dict[int, bytearray] = {}
        self._totals: dict[int, int] = {}
        self._total = 0
        self._error = 0

    @property
    def total(self) -> int:
        """The sum of all that was added and is not forgotten."""
        return self._total

    def add(self, counts: Iterable[tuple[str, int]], at_ms: int) -> bool:
        """Add to the counts of some keys.

        Returns:
            Whether it was done; not where ``at_ms`` lies before what is kept.
        """
        generation = at_ms // self._generation_ms
        cells = self._cells.get(generation)
        if cells is None:
            if self._cells and generation <= self._newest - GENERATIONS:
                return False
            cells = self._begin(generation)
        total, places = 0, self._places
        for key, count in counts:
            total += count
            most = FULL - count
            for cell in places(key):
                so_far = cells[cell]
                cells[cell] = so_far + count if so_far < most else FULL
        self._totals[generation] += total
        self._total += total
        self._error = ceil(_BOUND * self._total / self._width)
        return True

    def estimate(self, key: str) -> Frequency:
        """About how often a key was added."""
        first, second, third, fourth = self._places(key)
        count = 0
        for cells in self._cells.values():
            count += min(cells[first], cells[second], cells[third], cells[fourth])
        return Frequency(count=count, error=self._error)

    def surely(self, key: str) -> Frequency | None:
        """The same of a key that was added with a probability of 99 %; None of nearly all."""
        cell = crc32(key.encode()) * self._width >> 32
        most = 0
        for cells in self._cells.values():
            most += cells[cell]
        if most <= self._error:
            return None
        seen = self.estimate(key)
        return seen if seen.count > seen.error else None

    def to_bytes(self) -> bytes:
        """All of it but the key, for a snapshot."""
        parts = [_HEADER.pack(self._mark(), self._width, self._generation_ms, len(self._cells))]
        for generation in sorted(self._cells):
            parts += [_GENERATION.pack(generation, self._totals[generation])]
            parts += [bytes(self._cells[generation])]
        return b"".join(parts)

    def load(self, snapshot: bytes) -> None:
        """Become what ``to_bytes`` gave.

        Raises:
            ValueError: It comes from a sketch of another budget, span or key.
        """
        mark, width, generation_ms, kept = _HEADER.unpack_from(snapshot)
        if (mark, width, generation_ms) != (self._mark(), self._width, self._generation_ms):
            msg = "the snapshot is of a sketch with another budget, span or key"
            raise ValueError(msg)
        self._cells, self._totals = {}, {}
        at = _HEADER.size
        for _ in range(kept):
            generation, total = _GENERATION.unpack_from(snapshot, at)
            at += _GENERATION.size
            self._cells[generation] = bytearray(snapshot[at : at + ROWS * width])
            self._totals[generation] = total
            at += ROWS * width
        self._newest = max(self._cells, default=0)
        self._total = sum(self._totals.values())
        self._error = ceil(_BOUND * self._total / self._width)

    def _begin(self, generation: int) -> bytearray:
        if not self._cells or generation > self._newest:
            self._newest = generation
            for old in [kept for kept in self._cells if kept <= generation - GENERATIONS]:
                del self._cells[old]
                self._total -= self._totals.pop(old)
        cells = self._cells[generation] = bytearray(ROWS * self._width)
        self._totals[generation] = 0
        return cells

    def _places(self, key: str) -> tuple[int, int, int, int]:
        """The key's cell in each of the rows, which lie one behind the other."""
        name = key.encode()
        hashed = self._hash.copy()
        hashed.update(name)
        second, third, fourth = _three_words(hashed.digest())
        width = self._width
        return (
            crc32(name) * width >> 32,
            (second * width >> 32) + width,
            (third * width >> 32) + 2 * width,
            (fourth * width >> 32) + 3 * width,
        )

    def _mark(self) -> bytes:
        return self._hash.digest()[:8]
