"""Where the facets of one kind are kept: most of them in a line of text, the busy ones as windows.

Nearly every facet is seen once or twice and never again. While it has fewer sightings than the
lowest level of any rule, none can fire on it, and its sightings are kept as one string. The strings
lie in generations, dicts of what was last seen in one span of event time; a generation that no
window reaches any more is dropped whole, so forgetting costs nothing.

Memory has a budget, which the tables of all kinds share. Past it the oldest generation of the
largest table goes before its time, some facets at once, and what it held is counted from then on by
a count-min sketch: too high by no more than an error that is known, never too low
(``detectors.frequency``). Windows, in which something may be building up, go last.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

from contracts.ids import Facet
from detectors.frequency import FrequencySketch
from detectors.table_copy import Head, TableCopy, decode_piece
from detectors.window import FacetWindow

MOST_PACKED = 8
"""Sightings up to which a facet is kept as a string: each one more copies it."""

SHARES = 8
"""A generation takes no more than one in so many parts of the budget, and so many of the windows
go at once."""


SKETCH_SHARES = 24
"""A table's sketch takes one in so many parts of the budget."""

MIN_SKETCH_BYTES = 4_096

STOCK_EVERY = 512
"""New facets from one look at time and memory to the next."""
GO_AT_ONCE = 3 * STOCK_EVERY
"""Facets of a generation: 3 ms. A whole one would hold up the stream for a twentieth of a second,
and all partitions come to their budget at the same time."""

ENTRY_BYTES = 230
"""About what a facet takes besides the text of its sightings: its name, and its part of a dict.
``bench.keys`` measures what all comes to."""
WINDOW_BYTES = 700
SIGHTING_BYTES = 260
TALLY_BYTES = 250_000
"""Of a facet with more sightings than are kept: three rules of 60 panes, at 1 to 1.5 kB a pane."""


class Budget:
    """How much memory all tables together may take, in bytes.

    A fifth of it is left for what is not counted: how dicts grow, and what the allocator keeps.
    """

    def __init__(self, given_bytes: int) -> None:
        self.total_bytes = given_bytes * 4 // 5
        self.tables: list[FacetTable] = []

    def keep_to(self) -> None:
        """Where all take too much, let the largest make room for three times what came since.

        All at once would hold up the stream: with its sketch a table gives away a twentieth more.
        """
        taken = [(table.taken_bytes, table) for table in self.tables]
        if sum(taken_bytes for taken_bytes, _ in taken) > self.total_bytes:
            _, largest = max(taken, key=lambda one: one[0])
            largest.make_room()


class FacetTable:
    """The facets of one kind that are not too old.

    Args:
        kept_ms: For how long sightings are kept, in event time.
        quiet_below: Number of sightings below which nothing can fire.
        budget: Shared with the tables of other kinds.
        new_window: Makes an empty window of a facet.
    """

    __slots__ = (
        "_budget",
        "_kept_ms",
        "_new_window",
        "_newest_ms",
        "_older_until_ms",
        "_packable_nuls",
        "_rest",
        "_suspects",
        "_text_bytes",
        "_turn_ms",
        "copy",
        "look_ms",
        "older",
        "quiet_below",
        "sightings",
        "tallies",
        "to_stock",
        "windows",
        "young",
    )

    def __init__(
        self,
        *,
        kept_ms: int,
        quiet_below: int,
        budget: Budget,
        new_window: Callable[[Facet], FacetWindow],
    ) -> None:
        self._kept_ms = kept_ms
        self.quiet_below = quiet_below
        self._packable_nuls = 3 * (min(quiet_below, MOST_PACKED) - 2)
        """A string with fewer NUL characters takes one more sighting and still cannot fire."""
        self._budget = budget
        budget.tables.append(self)
        self._new_window = new_window
        self.windows: dict[Facet, FacetWindow] = {}
        self.sightings = 0
        """In windows."""
        self.tallies = 0
        """Windows with a tally."""
        self.young = _generation()
        self.older: list[dict[Facet, str]] = []
        """The youngest first."""
        self._older_until_ms: list[int] = []
        """How far event time had come when each of these was closed."""
        self._rest: FrequencySketch | None = None
        """What had to go before its time."""
        self._suspects = quiet_below <= 1
        """Whether something may fire on a facet that is not known."""
        self._text_bytes = 0
        """Of the text of one sighting, as last seen."""
        self.to_stock = STOCK_EVERY
        self.copy: TableCopy | None = None
        """A snapshot in the making, which has to hear of windows before they change."""
        self._newest_ms = 0
        self._turn_ms = 0
        self.look_ms = 0
        """From this time on, each new facet has to be looked at (``see_first``)."""

    def __len__(self) -> int:
        """Facets kept."""
        return len(self.windows) + len(self.young) + sum(map(len, self.older))

    def see_first(self, facet: Facet, text: str, at_ms: int) -> FacetWindow | None:
        """Look after time and memory once a facet that is nowhere was put into ``young``.

        Returns:
            Its window, if something can fire on it all the same.
        """
        if self.to_stock <= 0 or at_ms >= self._turn_ms:
            self._take_stock(at_ms, len(text))
        if not self._suspects:
            return None
        missed, error = self._missed(facet)
        if missed == 0 and self.quiet_below > 1:
            return None
        for one in (self.young, *self.older):
            one.pop(facet, None)
        window = self.windows[facet] = self._new_window(facet)
        window.missed, window.missed_error = missed, error
        return window

    def see_again(self, facet: Facet, known: str, text: str, at_ms: int) -> FacetWindow | None:
        """Note a sighting of a facet of which others are kept as a string.

        Args:
            facet: What was seen.
            known: What is kept of it.
            text: ``TIME NUL ACCOUNT NUL EVENT``.
            at_ms: The same time.

        Returns:
            None if nothing can fire; else the window that the sighting has to be added to.
        """
        if known.count("\0") < self._packable_nuls:
            self.young[facet] = f"{known}\0{text}"
            return None
        del self.young[facet]
        return self._promoted(facet, known, at_ms)

    def trim(self, window: FacetWindow, panes_ms: tuple[int, ...], most: int) -> None:
        """Let go of a window's sightings that are long too old; if it has a tally, of half at most.

        To do it seldom, an eighth more than need be is kept.
        """
        times = window.times
        newest_ms = times[-1]
        before = len(times)
        self.sightings += 1
        if times[0] < newest_ms - self._kept_ms - self._kept_ms // 8:
            window.prune(newest_ms - self._kept_ms, panes_ms)
        tally = window.tally
        if tally is not None:
            if len(window.times) > most:
                window.forget(most // 2)
            elif tally.forgotten_ms < newest_ms - self._kept_ms:
                window.tally = None
                self.tallies -= 1
        self.sightings -= before - len(window.times)

    @property
    def taken_bytes(self) -> int:
        """About how much memory all takes."""
        strings = len(self.young) + sum(map(len, self.older))
        return (
            strings * (ENTRY_BYTES + self._text_bytes)
            + len(self.windows) * WINDOW_BYTES
            + self.sightings * SIGHTING_BYTES
            + self.tallies * TALLY_BYTES
            + (self._budget.total_bytes // SKETCH_SHARES if self._rest is not None else 0)
        )

    def make_room(self) -> None:
        """Let some of the oldest generation go; if there is none, the windows longest unseen."""
        rest = self._rest
        if rest is None:
            rest = self._rest = self._new_rest()
            self._suspect()
        if not self.older:
            self._turn()
        if self.older:
            oldest = self.older[-1]
            going = [oldest.popitem() for _ in range(min(GO_AT_ONCE, len(oldest)))]
            counts = [(facet, (text.count("\0") + 1) // 3) for facet, text in going]
            rest.add(counts, self._newest_ms)
            if not oldest:
                self.older.pop()
                self._older_until_ms.pop()
            return
        cold = sorted(self.windows, key=lambda facet: self.windows[facet].times[-1])
        cold = cold[: len(cold) // SHARES + 1]
        rest.add([(facet, len(self.windows[facet])) for facet in cold], self._newest_ms)
        for facet in cold:
            self._drop(facet)

    def begin_copy(self) -> TableCopy:
        """Its state as of now; until ``end_copy`` what changes is written to it first."""
        self.copy = TableCopy(
            Head(
                newest_ms=self._newest_ms,
                turn_ms=self._turn_ms,
                to_stock=self.to_stock,
                text_bytes=self._text_bytes,
                older_until_ms=self._older_until_ms.copy(),
                rest=None if self._rest is None else self._rest.to_bytes(),
            ),
            [(list(one), list(one.values())) for one in (self.young, *self.older)],
            self.windows.copy(),
        )
        return self.copy

    def end_copy(self) -> None:
        """The copy is written, or not wanted any more."""
        self.copy = None

    def load(self, piece: bytes) -> None:
        """Take in the next piece of a copy of a table like this; the first ones into an empty one.

        Raises:
            msgspec.MsgspecError: It is none.
        """
        head, generation, (facets, texts), windows = decode_piece(piece)
        if head is not None:
            self._newest_ms, self._turn_ms, self.to_stock, self._text_bytes = head[:4]
            self.look_ms = 0 if self._suspects else self._turn_ms
            self._older_until_ms = head.older_until_ms
            self.older = [_generation() for _ in self._older_until_ms]
            if head.rest is not None:
                self._rest = self._new_rest()
                self._suspect()
                with suppress(ValueError):  # of another budget: what had to go is forgotten
                    self._rest.load(head.rest)
        (self.young, *self.older)[generation].update(zip(facets, texts, strict=True))
        for facet, state in windows:
            window = self.windows[facet] = self._new_window(facet)
            window.set_state(state)
            self.sightings += len(window)
            self.tallies += window.tally is not None

    def _new_rest(self) -> FrequencySketch:
        sketch_bytes = self._budget.total_bytes // SKETCH_SHARES
        return FrequencySketch(
            budget_bytes=max(MIN_SKETCH_BYTES, sketch_bytes), span_ms=self._kept_ms
        )

    def _suspect(self) -> None:
        self._suspects = True
        self.look_ms = 0

    def _missed(self, facet: Facet) -> tuple[int, int]:
        """Sightings that had to go, at least so many; and how many more it may have been."""
        seen = None if self._rest is None else self._rest.surely(facet)
        return (0, 0) if seen is None else (seen.count - seen.error, seen.error)

    def _promoted(self, facet: Facet, known: str, at_ms: int) -> FacetWindow:
        window = self._new_window(facet)
        oldest_ms = at_ms - self._kept_ms
        for seen_ms, text in _sightings(known):
            if seen_ms > oldest_ms:
                window.add(seen_ms, text)
        window.missed, window.missed_error = self._missed(facet)
        self.windows[facet] = window
        self.sightings += len(window)
        return window

    def _take_stock(self, at_ms: int, text_bytes: int) -> None:
        """See to it that what is too old goes, and that all the rest has room."""
        self._newest_ms = max(self._newest_ms, at_ms)
        if self._newest_ms >= self._turn_ms:
            self._turn()
        if self.to_stock > 0:
            return
        self.to_stock = STOCK_EVERY
        self._text_bytes = text_bytes
        if len(self.young) * (ENTRY_BYTES + text_bytes) > self._budget.total_bytes // SHARES:
            self._turn()
        self._budget.keep_to()

    def _turn(self) -> None:
        """Begin a new generation, and let go of what no window reaches any more."""
        if self._newest_ms >= self._turn_ms:
            span_ms = self._kept_ms + self._kept_ms // 8
            self._turn_ms = self._newest_ms + span_ms
            self.look_ms = 0 if self._suspects else self._turn_ms
            oldest_ms = self._newest_ms - span_ms
            old = [facet for facet, one in self.windows.items() if one.times[-1] < oldest_ms]
            for facet in old:
                self._drop(facet)
            while self.older and self._older_until_ms[-1] <= oldest_ms:
                self.older.pop()
                self._older_until_ms.pop()
        if self.young:
            self.older.insert(0, self.young)
            self._older_until_ms.insert(0, self._newest_ms)
            self.young = _generation()

    def _drop(self, facet: Facet) -> None:
        window = self.windows.pop(facet)
        self.sightings -= len(window)
        self.tallies -= window.tally is not None


def _generation() -> dict[Facet, str]:
    """An empty dict, of the kind that CPython makes of one that ever had another key than strings.

    It has the hashes of its keys beside them: where nearly every look-up is in vain, and the keys
    are not in the processor's caches, it takes two thirds of the time, for 12 bytes a key.
    """
    kept: dict[Facet | None, str] = {None: ""}
    del kept[None]
    return cast("dict[Facet, str]", kept)


def _sightings(packed: str) -> list[tuple[int, str]]:
    fields = packed.split("\0")
    return [(int(fields[at]), "\0".join(fields[at : at + 3])) for at in range(0, len(fields), 3)]
