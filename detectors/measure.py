"""What a velocity rule reads off a window, and what level that is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Literal

from contracts.ruleset import Level, Measure, VelocityRule, window_text
from detectors.first_seen import FirstSeen
from detectors.pane import PANES
from detectors.roll import account_of
from detectors.tally import Column, Tally, standard_error
from detectors.usual import Usual
from detectors.window import MOST_REST, FacetWindow, Reached

Doubt = tuple[tuple[str, int], ...]
"""What evidence says of an estimate, and by how much it is typically off; nothing of a count that
is exact."""

_NEW = "new"
_NEVER = 1 << 40

_COUNTED: dict[Measure, Literal["account", "event", "value"] | None] = {
    "accounts": "account",
    "events": "event",
    "distinct": "value",
    "new_account_share": None,
    "surprise": "account",
    "fresh": "account",
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
        firsts: What was seen before, for a rule that measures what is fresh, likewise.
        window_ms: The length of its window.
        pane_ms: The length of its panes.
        needs: Per level, so many sightings, or accounts, in a window are enough for it.
        by_account: Whether ``needs`` is of accounts.
        points: Of each level.
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
        self.firsts: FirstSeen | None = None
        self._first = rule.levels[0].at_least
        self._rising = tuple(level.at_least for level in rule.levels)
        self.points = tuple(level.points for level in rule.levels)
        self.by_account = rule.measure == "accounts"
        certain = self.by_account or rule.measure == "events"
        self.needs = self._rising if certain else (_NEVER,) * len(self._rising)
        self._next = (*self._rising, self._rising[-1] * 2 + MOST_REST)
        self._by_share = rule.measure in {"new_account_share", "surprise"}
        self.quiet_below = rule.min_accounts if self._by_share else self._first
        self._doubts: tuple[Doubt, ...] = tuple(
            (("estimated", True),)
            if self._by_share
            else (("estimated", True), ("error", standard_error(level)))
            for level in self._rising
        )
        self.column = Column(
            pane_ms=self.pane_ms, lateness_ms=lateness_ms, reads=_COUNTED[rule.measure]
        )

    @property
    def learns(self) -> bool:
        """Whether the rule has to learn from all sightings before it can tell."""
        return self.rule.measure in {"surprise", "fresh"}

    def learn(self, budget_bytes: int) -> Usual | FirstSeen:
        """Begin to learn what is usual, or what was seen before, within so much memory."""
        if self.rule.measure == "fresh":
            self.firsts = FirstSeen(
                pane_ms=self.pane_ms,
                watched_ms=self.rule.watched_for * 1_000,
                budget_bytes=budget_bytes,
            )
            return self.firsts
        self.usual = Usual(
            window_ms=self.window_ms,
            pane_ms=self.pane_ms,
            lateness_ms=self._lateness_ms,
            budget_bytes=budget_bytes,
        )
        return self.usual

    def level_of(self, window: FacetWindow, begin: int, end: int, pane: int) -> Reached:
        """How many of the rule's levels a window reaches, and how many sightings bring no higher.

        Args:
            window: Of which facet.
            begin: The place of its first sighting.
            end: The place after its last.
            pane: It ends with this one.
        """
        if (firsts := self.firsts) is not None:
            fresh = firsts.is_fresh(window.facet, pane)
            if not fresh:
                return 0, 0 if fresh is None else MOST_REST
        missed = window.missed if self.counts_missed else 0
        if window.tally is not None:
            return self._tallied(window, window.tally, begin, end, pane)
        sightings = end - begin + missed
        if sightings < self.quiet_below:
            return 0, self.quiet_below - sightings - 1
        measured = self._measured(window, begin, end, pane, missed)
        level = bisect_right(self._rising, measured)
        return level, 0 if self._by_share else self._next[level] - int(measured) - 1

    def doubt(self, window: FacetWindow, level: int) -> Doubt:
        """What evidence says of a level that was reached by an estimate."""
        if window.missed and self.counts_missed:
            return (("estimated", True), ("error", window.missed_error))
        if window.tally is not None and level > window.tally.exact[self._place]:
            return self._doubts[level - 1]
        return ()

    def value_of(self, given: Mapping[str, str], *, is_new: bool) -> str:
        """What of an event the rule looks at besides its account."""
        if self.rule.of is not None:
            return given.get(self.rule.of, "")
        return _NEW if is_new and self.rule.measure == "new_account_share" else ""

    def _tallied(
        self, window: FacetWindow, tally: Tally, begin: int, end: int, pane: int
    ) -> Reached:
        """The level by what is kept, or the higher one by what was counted in panes."""
        seen = tally.seen(window)
        level, until = tally.sure(self._place, pane)
        if seen <= until:
            return level, until - seen
        missed = window.missed if self.counts_missed else 0
        measured = self._measured(window, begin, end, pane, missed)
        exact = bisect_right(self._rising, measured)
        tally.exact[self._place] = max(tally.exact[self._place], exact)
        if exact == len(self._rising):
            if self._by_share:
                return exact, 0
            tally.make_sure(self._place, pane, exact, _NEVER)
            return exact, MOST_REST
        if self._by_share:
            counted = self._surprise(window, tally.count(self._place, pane, window), pane)
            return max(exact, bisect_right(self._rising, counted)), 0
        most = tally.most(self._place, window) + missed
        if most < self._rising[exact]:
            room = self._rising[exact] - max(most, int(measured)) - 1
            tally.make_sure(self._place, pane, exact, seen + room)
            return exact, room
        counted = max(measured, tally.count(self._place, pane, window) + missed)
        level = bisect_right(self._rising, counted)
        room = max(0, self._next[level] - int(counted) - 1)
        until = seen + min(room, self._rising[exact] - int(measured) - 1)
        tally.make_sure(self._place, pane, level, until)
        return level, room

    def _measured(self, window: FacetWindow, begin: int, end: int, pane: int, missed: int) -> float:
        if self.rule.measure == "events":
            return end - begin + missed
        if self.rule.measure == "distinct":
            return len({*self._values(window, begin, end)} - {""}) + missed
        accounts = window.accounts(begin, end)
        if self.rule.measure in {"accounts", "fresh"}:
            return accounts + missed
        if self.rule.measure == "surprise":
            return self._surprise(window, accounts + missed, pane)
        if accounts < self.rule.min_accounts:
            return 0
        values = self._values(window, begin, end)
        new = {
            account_of(text)
            for text, value in zip(window.texts[begin:end], values, strict=True)
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
            case "fresh":
                told = {"accounts": level.at_least, "unseen_before": True}
            case measure:
                told = {measure: level.at_least}
        return {**told, "window": window_text(rule.window)}

    def accounts_at(self, level: Level) -> int:
        """So many accounts, or more, are in a window that reached a level."""
        if self.rule.measure in {"accounts", "fresh"}:
            return level.at_least
        return self.rule.min_accounts if self._by_share else 1
