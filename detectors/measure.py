"""What a velocity rule reads off a window: how many accounts, events or values, and what level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.ruleset import Level, VelocityRule, window_text
from detectors.window import PANES, FacetWindow

_NEW = "new"


class Gauge:
    """One rule, worked out once.

    Args:
        rule: The rule.
        place: Which of the rules of its kind it is.

    Attributes:
        window_ms: The length of its window.
        pane_ms: The length of its panes.
        quiet_below: With fewer sightings than this it cannot fire.
        reads_values: Whether it counts something that lies in the sightings' values.
        counts_missed: Whether sightings forgotten for lack of memory count here: they do in the
            longest window of a kind, which is how long they are remembered.
    """

    def __init__(self, rule: VelocityRule, place: int) -> None:
        self.rule = rule
        self._place = place
        self.window_ms = rule.window * 1_000
        self.pane_ms = max(1, self.window_ms // PANES)
        self.reads_values = rule.measure in {"distinct", "new_account_share"}
        self.counts_missed = False
        self._first = rule.levels[0].at_least
        self._rising = tuple(level.at_least for level in rule.levels)
        self._by_share = rule.measure in {"new_account_share", "surprise"}
        self.quiet_below = rule.min_accounts if self._by_share else self._first

    def level_of(self, window: FacetWindow, begin: int, end: int) -> int:
        """How many of the rule's levels the window of the sightings ``[begin, end)`` reaches."""
        missed = window.missed if self.counts_missed else 0
        if end - begin + missed < self.quiet_below:
            return 0
        measured = self._measured(window, begin, end, missed)
        level = 0
        for at_least in self._rising:
            if measured < at_least:
                break
            level += 1
        return level

    def value_of(self, given: Mapping[str, str], *, is_new: bool) -> str:
        """What of an event the rule looks at besides its account."""
        if self.rule.of is not None:
            return given.get(self.rule.of, "")
        return _NEW if is_new and self.rule.measure == "new_account_share" else ""

    def _measured(self, window: FacetWindow, begin: int, end: int, missed: int) -> float:
        if self.rule.measure == "events":
            return end - begin + missed
        if self.rule.measure == "distinct":
            return len({*self._values(window, begin, end)} - {""}) + missed
        accounts = end - begin
        if window.has_repeats:
            accounts = len(set(window.accounts[begin:end]))
        if self.rule.measure == "accounts":
            return accounts + missed
        if accounts < self.rule.min_accounts:
            return 0
        values = self._values(window, begin, end)
        new = {
            account
            for account, value in zip(window.accounts[begin:end], values, strict=True)
            if value == _NEW
        }
        return 100 * len(new) / accounts

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
