"""How much came with a facet that has too many sightings to keep them all: counted in panes.

It begins with all that is kept when some must go, and takes in all that comes after. Counts are of
different accounts, events or values, so a repeat changes nothing: exact to 64, then estimated
(``detectors.distinct``), the same in any order and never falling.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

from detectors.distinct import RELATIVE_STANDARD_ERROR, DistinctPanes, PaneState
from detectors.pane import PANES

if TYPE_CHECKING:
    from detectors.window import FacetWindow, Values

WINDOWS = 4
"""So many windows' panes are kept at most: those of late sightings lie before the newest."""


KEPT_COUNTS = 32
"""Panes of a rule whose last count is remembered: the newest, and those of late sightings."""


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


class Tally:
    """The counts of every rule of a kind, for one facet.

    Args:
        columns: One a rule.

    Attributes:
        forgotten_ms: The time of the newest sighting that is not kept any more.
        exact: Per rule, the highest level that was reached by counting what is kept.
    """

    __slots__ = (
        "_added",
        "_adds",
        "_columns",
        "_counted",
        "_newest",
        "_panes",
        "_totals",
        "exact",
        "forgotten_ms",
    )

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._panes = [DistinctPanes() for _ in columns]
        self._newest = [0 for _ in columns]
        self._adds: list[dict[int, int]] = [{} for _ in columns]
        """Per rule, how often something was added in each pane."""
        self._totals = [0 for _ in columns]
        self._added = 0
        """How often something was added since this was made; never less."""
        self._counted: list[dict[int, tuple[int, int]]] = [{} for _ in columns]
        """Per rule, what was counted lately in the window that ends in a pane, and as of when."""
        self.forgotten_ms = 0
        self.exact = bytearray(len(columns))

    @classmethod
    def of_window(cls, columns: Sequence[Column], window: FacetWindow) -> Tally:
        """One that has counted all that a window keeps."""
        tally = cls(columns)
        for rule, levels in enumerate(window.announced or ()):
            tally.exact[rule] = max(levels, default=0)
        for place, at_ms in enumerate(window.times):
            values = window.values[place] if window.values is not None else ()
            tally.add(at_ms, window.texts[place], values)
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
        return tally

    def add(self, at_ms: int, text: str, values: Values) -> None:
        """Count a sighting: its ``TIME NUL ACCOUNT NUL EVENT``, and what rules read besides."""
        _, account_id, event_id = text.split("\0")
        self._added += 1
        for rule, column in enumerate(self._columns):
            match column.reads:
                case "account":
                    counted: str = account_id
                case "event":
                    counted = event_id
                case "value" if values[rule]:
                    counted = values[rule]
                case _:
                    continue
            pane = at_ms // column.pane_ms
            if pane > self._newest[rule]:
                self._newest[rule] = pane
                self._forget(rule)
            if pane >= self._oldest(rule):
                self._panes[rule].add(pane, counted)
                self._adds[rule][pane] = self._adds[rule].get(pane, 0) + 1
                self._totals[rule] += 1

    def most(self, rule: int) -> int:
        """No window of a rule can have more than this: whatever was added, repeats and all."""
        return self._totals[rule]

    def count(self, rule: int, pane: int, levels: Sequence[int]) -> int:
        """About how many there are in the window that ends in a pane; 0 if not all was kept.

        An estimate costs most of what counting does. While what was added since the last one
        cannot have brought it to the next of ``levels``, that one is given again; it never falls.
        """
        counted = self._counted[rule]
        known = counted.get(pane)
        if known is not None:
            last, then = known
            above = next((level for level in levels if level > last), last)
            if last < above and last + self._added - then < above:
                return last
            if levels and last >= levels[-1]:
                return last
        column = self._columns[rule]
        begins = pane - PANES + 1
        if begins * column.pane_ms > self.forgotten_ms or begins < self._oldest(rule):
            return 0
        count = self._panes[rule].estimate(pane, PANES).count
        if known is None and len(counted) >= KEPT_COUNTS:
            del counted[next(iter(counted))]
        counted[pane] = (count, self._added)
        return count

    def _forget(self, rule: int) -> None:
        oldest, adds = self._oldest(rule), self._adds[rule]
        self._panes[rule].forget_before(oldest)
        for pane in [pane for pane in adds if pane < oldest]:
            self._totals[rule] -= adds.pop(pane)

    def _oldest(self, rule: int) -> int:
        column = self._columns[rule]
        late = min(ceil(column.lateness_ms / column.pane_ms), (WINDOWS - 1) * PANES)
        return self._newest[rule] - PANES + 1 - late


def standard_error(count: int) -> int:
    """By how much an estimate is typically off: in two of three cases it is nearer."""
    return ceil(count * RELATIVE_STANDARD_ERROR)
