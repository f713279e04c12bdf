"""How much came with a facet that has too many sightings to keep them all: counted in panes.

It begins with all that is kept when some must go, and takes in all that comes after. Counts are of
different accounts, events or values, so a repeat changes nothing: exact to 64, then estimated
(``detectors.distinct``), the same in any order and never falling.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

from detectors.distinct import RELATIVE_STANDARD_ERROR, DistinctPanes, PaneState
from detectors.pane import PANES

if TYPE_CHECKING:
    from detectors.window import FacetWindow

WINDOWS = 4
"""So many windows' panes are kept at most: those of late sightings lie before the newest."""


class Column(NamedTuple):
    """What of each sighting a rule counts."""

    pane_ms: int
    lateness_ms: int
    reads: Literal["account", "event", "value"] | None
    """None for a rule that counts what cannot be added up in panes."""


class TallyState(NamedTuple):
    """All of a tally, for a snapshot."""

    columns: list[Column]
    newest: list[int]
    panes: list[list[PaneState]]
    adds: list[dict[int, int]]
    forgotten_ms: int
    exact: bytearray
    taken: int


KEPT_LEVELS = 32
"""Panes of a rule whose level is remembered: the newest, and those of late sightings."""


_UNSURE = (0, -1)


class Tally:
    """The counts of every rule of a kind, for one facet.

    It lags behind its window: sightings are taken in together, when an estimate needs them or when
    they are let go.

    Args:
        columns: One a rule.

    Attributes:
        forgotten_ms: The time of the newest sighting that is not kept any more.
        exact: Per rule, the highest level that was reached by counting what is kept.
        taken: So many of the sightings that the window keeps, the oldest, are counted here.
    """

    __slots__ = (
        "_adds",
        "_columns",
        "_forgotten",
        "_newest",
        "_panes",
        "_sure",
        "_totals",
        "exact",
        "forgotten_ms",
        "taken",
    )

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._panes = [DistinctPanes() for _ in columns]
        self._newest = [0 for _ in columns]
        self._adds: list[dict[int, int]] = [{} for _ in columns]
        """Per rule, how often something was added in each pane."""
        self._totals = [0 for _ in columns]
        self._forgotten = 0
        """Sightings that the window let go since this was made."""
        self._sure: list[dict[int, tuple[int, int]]] = [{} for _ in columns]
        """Per rule, the level of the window that ends in a pane, and until when that is sure."""
        self.forgotten_ms = 0
        self.exact = bytearray(len(columns))
        self.taken = 0

    @classmethod
    def of_window(cls, columns: Sequence[Column], window: FacetWindow) -> Tally:
        """One for all that a window keeps."""
        tally = cls(columns)
        for rule, levels in enumerate(window.announced or ()):
            tally.exact[rule] = max(levels, default=0)
        return tally

    def state(self) -> TallyState:
        """All of it, for a snapshot."""
        return TallyState(
            columns=list(self._columns),
            newest=self._newest.copy(),
            panes=[list(panes.state()) for panes in self._panes],
            adds=[adds.copy() for adds in self._adds],
            forgotten_ms=self.forgotten_ms,
            exact=self.exact,
            taken=self.taken,
        )

    @classmethod
    def of(cls, state: TallyState) -> Tally:
        """A tally as it was."""
        tally = cls(state.columns)
        tally._newest = state.newest
        tally._panes = [DistinctPanes.of(panes) for panes in state.panes]
        tally._adds = state.adds
        tally._totals = [sum(adds.values()) for adds in state.adds]
        tally.forgotten_ms = state.forgotten_ms
        tally.exact = state.exact
        tally.taken = state.taken
        return tally

    def seen(self, window: FacetWindow) -> int:
        """Sightings since this was made, some of them perhaps not taken in yet."""
        return self._forgotten + len(window)

    def sure(self, rule: int, pane: int) -> tuple[int, int]:
        """The level of the window that ends in a pane, while no more than so many were seen."""
        return self._sure[rule].get(pane, _UNSURE)

    def standing(self, rule: int, panes: Iterable[int], window: FacetWindow) -> int | None:
        """The highest level of the windows that end in some panes; None if one is not sure."""
        sure, seen = self._sure[rule], self.seen(window)
        highest = 0
        for pane in panes:
            level, until = sure.get(pane, _UNSURE)
            if seen > until:
                return None
            highest = max(highest, level)
        return highest

    def make_sure(self, rule: int, pane: int, level: int, until: int) -> None:
        """Remember a level: estimating it costs most of what counting does."""
        sure = self._sure[rule]
        if pane not in sure and len(sure) >= KEPT_LEVELS:
            del sure[next(iter(sure))]
        sure[pane] = level, until

    def take_in(self, window: FacetWindow) -> None:
        """Count what came since this was last done."""
        if self.taken < len(window):
            self._count(window, self.taken, len(window))

    def insert(self, window: FacetWindow, place: int) -> None:
        """Count a sighting that was put at a place before others that are taken in."""
        self._count(window, place, place + 1)

    def let_go(self, window: FacetWindow, count: int) -> None:
        """Know that so many sightings, the oldest, are about to be forgotten."""
        self.take_in(window)
        self.taken -= count
        self._forgotten += count
        self.forgotten_ms = max(self.forgotten_ms, window.times[count - 1])

    def most(self, rule: int, window: FacetWindow) -> int:
        """No window of a rule can have more than this: whatever was added, repeats and all."""
        return self._totals[rule] + len(window) - self.taken

    def count(self, rule: int, pane: int, window: FacetWindow) -> int:
        """About how many there are in the window that ends in a pane; 0 if not all was kept."""
        self.take_in(window)
        begins = pane - PANES + 1
        if begins * self._columns[rule].pane_ms > self.forgotten_ms or begins < self._oldest(rule):
            return 0
        return self._panes[rule].estimate(pane, PANES).count

    def _count(self, window: FacetWindow, begin: int, end: int) -> None:
        """Count the sightings from one place to before another."""
        self.taken += end - begin
        times = window.times[begin:end]
        for rule, column in enumerate(self._columns):
            counted = _counted(column, rule, window, begin, end)
            if not counted:
                continue
            pane_ms = column.pane_ms
            newest = times[-1] // pane_ms
            if newest > self._newest[rule]:
                self._newest[rule] = newest
                self._forget(rule)
            at = bisect_left(times, self._oldest(rule) * pane_ms)
            while at < len(times):
                pane = times[at] // pane_ms
                upto = bisect_left(times, (pane + 1) * pane_ms, at)
                values = [value for value in counted[at:upto] if value]
                if values:
                    self._panes[rule].add_all(pane, values)
                    self._adds[rule][pane] = self._adds[rule].get(pane, 0) + len(values)
                    self._totals[rule] += len(values)
                at = upto

    def _forget(self, rule: int) -> None:
        oldest, adds = self._oldest(rule), self._adds[rule]
        self._panes[rule].forget_before(oldest)
        for pane in [pane for pane in adds if pane < oldest]:
            self._totals[rule] -= adds.pop(pane)

    def _oldest(self, rule: int) -> int:
        column = self._columns[rule]
        late = min(ceil(column.lateness_ms / column.pane_ms), (WINDOWS - 1) * PANES)
        return self._newest[rule] - PANES + 1 - late


def _counted(column: Column, rule: int, window: FacetWindow, begin: int, end: int) -> Sequence[str]:
    """What a rule counts of each of these sightings, empty where it counts nothing of one."""
    match column.reads:
        case "account":
            return [text.split("\0", 2)[1] for text in window.texts[begin:end]]
        case "event":
            return [text.split("\0", 2)[2] for text in window.texts[begin:end]]
        case "value" if window.values is not None:
            return [values[rule] for values in window.values[begin:end]]
        case _:
            return ()


def standard_error(count: int) -> int:
    """By how much an estimate is typically off: in two of three cases it is nearer."""
    return ceil(count * RELATIVE_STANDARD_ERROR)
