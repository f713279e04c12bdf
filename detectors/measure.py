"""What a velocity rule reads off a window, and what level that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from contracts.ruleset import Level, Measure, VelocityRule, window_text
from detectors.pane import PANES
from detectors.tally import Column, Tally, standard_error
from detectors.usual import Usual
from detectors.window import FacetWindow

_NEW = "new"

_COUNTED: dict[Measure, Literal["account", "event", "value"] | None] = {
    "accounts": "account",
    "events": "event",
    "distinct": "value",
    "new_account_share": None,
    "surprise": "account",
}


class Gauge:
    """One rule, worked out once.

    Args:
        rule: The rule.
        place: Which of the rules of its kind it is.
        lateness_ms: By how much sightings may come late.

    Attributes:
        column: What of it is counted in panes where there is too much to keep.
        usual: What is usual, for a rule that measures surprise, once ``learn`` was called.
        window_ms: The length of its window.
        pane_ms: The length of its panes.
        quiet_below: With fewer sightings than this it cannot fire.
        reads_values: Whether it counts something that lies in the sightings' values.
        counts_missed: Whether sightings forgotten for lack of memory count here: they do in the
            longest window of a kind, which is how long they are remembered.
    """

    def __init__(self, rule: VelocityRule, place: int, lateness_ms: int) -> None:
        self.rule = rule
        self._place = place
        self._lateness_ms = lateness_ms
        self.window_ms = rule.window * 1_000
        self.pane_ms = max(1, self.window_ms // PANES)
        self.reads_values = rule.measure in {"distinct", "new_account_share"}
        self.counts_missed = False
        self.usual: Usual | None = None
        self._first = rule.levels[0].at_least
        self._rising = tuple(level.at_least for level in rule.levels)
        self._by_share = rule.measure in {"new_account_share", "surprise"}
        self.quiet_below = rule.min_accounts if self._by_share else self._first
        self.column = Column(
            pane_ms=self.pane_ms, lateness_ms=lateness_ms, reads=_COUNTED[rule.measure]
        )

    def learn(self, budget_bytes: int) -> Usual:
        """Begin to learn what is usual, within so much memory."""
        self.usual = Usual(
            window_ms=self.window_ms,
            pane_ms=self.pane_ms,
            lateness_ms=self._lateness_ms,
            budget_bytes=budget_bytes,
        )
        return self.usual

    def level_of(self, window: FacetWindow, begin: int, end: int, pane: int) -> int:
        """How many of the rule's levels a window reaches.

        Args:
            window: Of which facet.
            begin: The place of its first sighting.
            end: The place after its last.
            pane: It ends with this one.
        """
        missed = window.missed if self.counts_missed else 0
        if window.tally is not None:
            return self._tallied(window, window.tally, begin, end, pane)
        if end - begin + missed < self.quiet_below:
            return 0
        return self.rule.level_for(self._measured(window, begin, end, pane, missed))

    def is_estimated(self, window: FacetWindow, level: int) -> bool:
        """Whether a level was reached by an estimate in panes alone."""
        return window.tally is not None and level > window.tally.exact[self._place]

    def error(self, level: Level) -> dict[str, int]:
        """By how much what an estimate in panes counts is typically off at a level."""
        return {} if self._by_share else {"error": standard_error(level.at_least)}

    def value_of(self, given: Mapping[str, str], *, is_new: bool) -> str:
        """What of an event the rule looks at besides its account."""
        if self.rule.of is not None:
            return given.get(self.rule.of, "")
        return _NEW if is_new and self.rule.measure == "new_account_share" else ""

    def _tallied(self, window: FacetWindow, tally: Tally, begin: int, end: int, pane: int) -> int:
        """The level by what is kept, or the higher one by what was counted in panes."""
        missed = window.missed if self.counts_missed else 0
        exact = self.rule.level_for(self._measured(window, begin, end, pane, missed))
        tally.exact[self._place] = max(tally.exact[self._place], exact)
        if exact == len(self._rising):
            return exact
        if self.usual is None and tally.most(self._place) + missed < self._rising[exact]:
            return exact  # without an estimate, which costs most of what counting does
        levels = () if self.usual else [level - missed for level in self._rising]
        counted = tally.count(self._place, pane, levels)
        measured = self._surprise(window, counted, pane) if self.usual else counted + missed
        return max(exact, self.rule.level_for(measured))

    def _measured(self, window: FacetWindow, begin: int, end: int, pane: int, missed: int) -> float:
        if self.rule.measure == "events":
            return end - begin + missed
        if self.rule.measure == "distinct":
            return len({*self._values(window, begin, end)} - {""}) + missed
        accounts = end - begin
        if window.has_repeats:
            accounts = len(set(window.accounts[begin:end]))
        if self.rule.measure == "accounts":
            return accounts + missed
        if self.rule.measure == "surprise":
            return self._surprise(window, accounts + missed, pane)
        if accounts < self.rule.min_accounts:
            return 0
        values = self._values(window, begin, end)
        new = {
            account
            for account, value in zip(window.accounts[begin:end], values, strict=True)
            if value == _NEW
        }
        return 100 * len(new) / accounts

    def _surprise(self, window: FacetWindow, accounts: int, pane: int) -> float:
        """How improbable so many accounts are in the window that ends with a pane, in bits."""
        if self.usual is None or accounts < self.rule.min_accounts:
            return 0
        return self.usual.expected(window.facet, pane).surprise_bits(accounts)

    def _values(self, window: FacetWindow, begin: int, end: int) -> list[str]:
        return [values[self._place] for values in (window.values or ())[begin:end]]

    def evidence(self, level: Level) -> dict[str, Any]:
        """What was reached, as people read it."""
        rule = self.rule
        told: dict[str, Any]
        match rule.measure:
            case "distinct":
                told = {"distinct": level.at_least, "of": rule.of}
            case "new_account_share":
                told = {"new_accounts_percent": level.at_least, "accounts": rule.min_accounts}
            case "surprise":
                told = {"surprise_bits": level.at_least, "accounts": rule.min_accounts}
            case measure:
                told = {measure: level.at_least}
        return {**told, "window": window_text(rule.window)}

    def accounts_at(self, level: Level) -> int:
        """So many accounts, or more, are in a window that reached a level."""
        if self.rule.measure == "accounts":
            return level.at_least
        return self.rule.min_accounts if self._by_share else 1
