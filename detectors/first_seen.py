"""When facets were first seen: which of them nobody had seen until lately.

Time is cut into periods of 91 days, aligned to the epoch, of which the newest four are kept. Of
each facet a period has the first sighting in it. A facet is fresh in a window if it was seen
neither before the window in the period in which that begins, nor in the two periods before that:
whatever was not seen for half a year is new again.

What is kept is minima alone, so it does not depend on the order of sightings. Whether a window is
fresh can only be asked while the past is still coming in, and the answer stays the same as long as
no sighting comes later than the window is long.

Memory is bounded. A period keeps the facets themselves while there is room, and then, for good, a
sketch of minima: an array of times in which each facet has ``ROWS`` cells, a cell has the earliest
time of all facets that fall on it, and the latest of a facet's cells is taken for its time. So it
errs to one side, and may take a fresh facet for one that was seen before, never the reverse.
"""

from __future__ import annotations

import zlib
from array import array
from hashlib import blake2b
from struct import Struct

from msgspec import Struct as Message
from msgspec import msgpack

from contracts.ids import AccountId, Facet
from detectors.pane import PANES

PERIOD_MS = 91 * 86_400_000
PERIODS = 4
LOOKED_BACK = 2

ROWS = 4
NEVER = 0xFFFF
"""In a cell; other values are parts of a period, each two minutes, rounded down."""

FACET_BYTES = 200
"""About what a facet takes that is kept itself, on CPython 3.11."""
MIN_CELLS = 1 << 10

BUCKETS = 64
"""Parts of all facets, each watched from its own first sighting on. Where the partitions of the
stream are a divisor of this, a bucket lies in one of them, and a replay knows the same as they."""

CELLS_PER_PIECE = 32_768
FACETS_PER_PIECE = 2_000

_four_words = Struct("<4I").unpack


class FirstPiece(Message, array_like=True, omit_defaults=True):
    """A part of a snapshot.

    Attributes:
        since_ms: Of each bucket when it was first seen; in the first piece.
        period: Which period the rest is of.
        facets: Some of those that are kept themselves, and when they were first seen.
        count: How many cells the sketch has.
        at: Where ``cells`` stand in it.
    """

    since_ms: list[int] = []
    period: int = 0
    facets: dict[Facet, int] = {}
    count: int = 0
    at: int = 0
    cells: bytes = b""


class FirstSeen:
    """Which facets of a kind are fresh under one rule.

    Args:
        pane_ms: The length of the panes of the rule's window.
        watched_ms: For how long before a window the stream must have been watched: at the first
            start, everything is new.
        budget_bytes: About how much memory it may take.
    """

    __slots__ = (
        "_cells",
        "_most_facets",
        "_open",
        "_open_period",
        "_pane_ms",
        "_periods",
        "_since_ms",
        "_watched_ms",
    )

    def __init__(self, *, pane_ms: int, watched_ms: int, budget_bytes: int) -> None:
        self._pane_ms = pane_ms
        self._watched_ms = watched_ms
        share_bytes = budget_bytes // PERIODS
        self._most_facets = max(1, share_bytes // FACET_BYTES)
        self._cells = max(MIN_CELLS, share_bytes // 2)
        self._since_ms = [0] * BUCKETS
        self._periods: dict[int, _Period] = {}
        self._open_period = -1
        self._open = _Period(0, 0)

    def see(self, facet: Facet, account_id: AccountId, at_ms: int) -> None:
        """Note a sighting."""
        period = at_ms // PERIOD_MS
        if period != self._open_period and not self._turn(period):
            return
        if self._open.note(facet, at_ms):
            bucket = _bucket(facet)
            known = self._since_ms[bucket]
            if not known or at_ms < known:
                self._since_ms[bucket] = at_ms

    def is_fresh(self, facet: Facet, pane: int) -> bool | None:
        """Whether nobody saw a facet before the window that ends with a pane.

        None where it may yet be so in a later window; else what is fresh no more stays so.
        """
        begin_ms = (pane - PANES + 1) * self._pane_ms
        watched_from_ms = self._since_ms[_bucket(facet)] + self._watched_ms
        newest = begin_ms // PERIOD_MS
        first_ms = min(
            period.first_ms(facet)
            for number in range(newest - LOOKED_BACK, newest + 2)  # one more: it may end in that
            if (period := self._periods.get(number)) is not None
        )
        if first_ms < max(begin_ms, watched_from_ms):
            return False
        return True if watched_from_ms <= begin_ms else None

    def pieces(self) -> list[bytes]:
        """Its state as of now, in pieces."""
        parts = [FirstPiece(since_ms=self._since_ms)]
        for number, period in self._periods.items():
            parts += period.pieces(number)
        return [msgpack.encode(part) for part in parts]

    def load(self, piece: bytes) -> None:
        """Take in the next piece of a snapshot, beginning empty.

        Raises:
            msgspec.MsgspecError: It is none.
        """
        part = msgpack.decode(piece, type=FirstPiece)
        if part.since_ms:
            self._since_ms = part.since_ms
        else:
            period = self._periods.get(part.period)
            if period is None:
                period = self._periods[part.period] = self._new_period(part.period)
            period.load(part)

    def _turn(self, number: int) -> bool:
        """Go on in another period; whether that is one of those that are kept."""
        newest = max(self._periods, default=number)
        if number <= newest - PERIODS:
            return False
        if number not in self._periods:
            self._periods[number] = self._new_period(number)
            for old in [old for old in self._periods if old <= number - PERIODS]:
                del self._periods[old]
        self._open_period, self._open = number, self._periods[number]
        return True

    def _new_period(self, number: int) -> _Period:
        return _Period(number * PERIOD_MS, most_facets=self._most_facets, cells=self._cells)


class _Period:
    """The first sighting of each facet in one period."""

    __slots__ = ("_begin_ms", "_cells", "_count", "_facets", "_most_facets")

    def __init__(self, begin_ms: int, most_facets: int, cells: int = MIN_CELLS) -> None:
        self._begin_ms = begin_ms
        self._most_facets = most_facets
        self._facets: dict[Facet, int] = {}
        self._count = cells
        self._cells: array[int] | None = None

    def note(self, facet: Facet, at_ms: int) -> bool:
        """Note a sighting; whether it may be an earlier one than was known."""
        if self._cells is not None:
            self._put(self._cells, facet, at_ms)
            return True
        known = self._facets.get(facet)
        if known is not None and known <= at_ms:
            return False
        self._facets[facet] = at_ms
        if len(self._facets) > self._most_facets:
            self._sketch()
        return True

    def first_ms(self, facet: Facet) -> float:
        """When it was first seen, or somewhat earlier; infinite if it was not."""
        if self._cells is None:
            return self._facets.get(facet, float("inf"))
        part = max(self._cells[at] for at in self._places(facet))
        return float("inf") if part == NEVER else self._begin_ms + part * PERIOD_MS / NEVER

    def pieces(self, number: int) -> list[FirstPiece]:
        if self._cells is not None:
            return [
                FirstPiece(
                    period=number,
                    count=self._count,
                    at=at,
                    cells=self._cells[at : at + CELLS_PER_PIECE].tobytes(),
                )
                for at in range(0, self._count, CELLS_PER_PIECE)
            ]
        facets = list(self._facets.items())
        return [
            FirstPiece(period=number, facets=dict(facets[at : at + FACETS_PER_PIECE]))
            for at in range(0, len(facets), FACETS_PER_PIECE)
        ]

    def load(self, piece: FirstPiece) -> None:
        if piece.cells:
            if self._cells is None:
                self._count = piece.count  # of the budget that it was made with
                self._sketch()
            if self._cells is not None:
                loaded = array("H", piece.cells)
                self._cells[piece.at : piece.at + len(loaded)] = loaded
        else:
            for facet, at_ms in piece.facets.items():
                self.note(facet, at_ms)

    def _sketch(self) -> None:
        cells = array("H", [NEVER]) * self._count
        for facet, at_ms in self._facets.items():
            self._put(cells, facet, at_ms)
        self._cells, self._facets = cells, {}

    def _put(self, cells: array[int], facet: Facet, at_ms: int) -> None:
        part = min(NEVER - 1, (at_ms - self._begin_ms) * NEVER // PERIOD_MS)
        for at in self._places(facet):
            if part < cells[at]:  # noqa: PLR1730 -- a call for each costs twice as much
                cells[at] = part

    def _places(self, facet: Facet) -> list[int]:
        count = self._count
        words = _four_words(
            blake2b(facet.encode(), digest_size=4 * ROWS, key=b"doorstaff").digest()
        )
        return [word % count for word in words]


def _bucket(facet: Facet) -> int:
    """By the checksum by which the stream finds a facet's partition (``streams.topic``)."""
    return zlib.crc32(facet.encode()) % BUCKETS
