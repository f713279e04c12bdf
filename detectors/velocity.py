"""Too many accounts on one facet in too short a time.

When the count of a facet first reaches a level, everyone in the window gets the signal, the first
accounts too: that is how a burst is caught whole. From then on each newcomer gets it as it comes;
one that comes so late that it lies before the window does not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contracts.event import rfc3339
from contracts.ids import AccountId, EventId, Facet
from contracts.ruleset import Ruleset, VelocityRule, window_text
from contracts.signal import Signal
from detectors.window import FacetWindow, Sighting

MAX_FACETS = 1_000_000
"""Facets kept at a time; past it, the one longest unseen goes first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetSighting:
    """An account showed a facet."""

    facet: Facet
    account_id: AccountId
    event_id: EventId
    occurred_at_ms: int


class Velocity:
    """Counts distinct accounts by facet, for every velocity rule of a ruleset at once."""

    def __init__(self, ruleset: Ruleset, *, max_facets: int = MAX_FACETS) -> None:
        self._max_facets = max_facets
        self._rules: dict[str, tuple[VelocityRule, ...]] = {}
        for rule in ruleset.velocity:
            if rule.mode != "off":
                self._rules[rule.facet] = (*self._rules.get(rule.facet, ()), rule)
        self._windows_ms = {
            kind: tuple(rule.window * 1_000 for rule in rules)
            for kind, rules in self._rules.items()
        }
        self._quiet_below = {
            kind: min(rule.levels[0].at_least for rule in rules)
            for kind, rules in self._rules.items()
        }
        self._facets: OrderedDict[Facet, FacetWindow] = OrderedDict()
        self._newest_ms = 0

    def __len__(self) -> int:
        """Facets kept."""
        return len(self._facets)

    def observe(self, seen: FacetSighting) -> Iterator[Signal]:
        """Count a sighting; yield a signal for each account whose standing it changed."""
        kind = seen.facet.partition(":")[0]
        rules = self._rules.get(kind)
        if rules is None:
            return
        windows_ms = self._windows_ms[kind]
        self._newest_ms = max(self._newest_ms, seen.occurred_at_ms)
        window = self._window(seen.facet, len(rules))
        at_ms = seen.occurred_at_ms
        sighting = Sighting(at_ms, seen.event_id)
        before_ms = window.add(seen.account_id, sighting, windows_ms)
        if len(window.accounts) < self._quiet_below[kind]:
            window.levels = [0] * len(rules)
            return
        for index, rule in enumerate(rules):
            count = window.count(index, windows_ms[index])
            level = sum(count >= level.at_least for level in rule.levels)
            risen, window.levels[index] = level > window.levels[index], level
            burst: Iterable[tuple[AccountId, Sighting]] = ()
            if risen:
                burst = list(window.within(windows_ms[index]))
                window.since_ms[index] = min(earlier.at_ms for _, earlier in burst)
            elif level and before_ms <= window.newest_ms - windows_ms[index] < at_ms:
                burst = ((seen.account_id, sighting),)
            evidence = {
                "facet": seen.facet,
                "accounts": count,
                "window": window_text(rule.window),
                "since": rfc3339(window.since_ms[index]),
            }
            for account_id, sighted in burst:
                earlier = account_id != seen.account_id
                yield Signal(
                    code=rule.code,
                    points=rule.levels[max(0, level - 1)].points,
                    group=rule.group,
                    account_id=account_id,
                    event_id=sighted.event_id,
                    occurred_at_ms=sighted.at_ms,
                    evidence={**evidence, "retroactive": True} if earlier else evidence,
                    facet=seen.facet,
                    ties=rule.ties and rule.mode == "live",
                    mode=rule.mode,
                )

    def _make_room(self) -> None:
        """Let go of what is too old to be counted, two at a time, or of the oldest if need be."""
        for _ in range(2):
            if not self._facets:
                return
            facet, window = next(iter(self._facets.items()))
            longest_ms = max(self._windows_ms[facet.partition(":")[0]])
            full = len(self._facets) >= self._max_facets
            if not full and window.newest_ms > self._newest_ms - longest_ms:
                return
            del self._facets[facet]

    def _window(self, facet: Facet, rules: int) -> FacetWindow:
        window = self._facets.get(facet)
        if window is None:
            self._make_room()
            window = self._facets[facet] = FacetWindow(rules)
        else:
            self._facets.move_to_end(facet)
        return window
