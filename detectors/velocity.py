"""Too much of something with one facet in too short a time.

When what a rule measures on a facet first reaches a level, everyone in the window gets the signal,
the first accounts too: that is how a burst is caught whole. From then on each newcomer gets it as
it comes. What each has in the end is a function of the set of sightings, not of the order in which
they came within the lateness (``detectors.window``; for what is usual, ``detectors.usual``). So
evidence names the level that was reached, ``accounts: 10`` for ten or more, and the burst's
beginning, not the count of a moment.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from itertools import repeat

from msgspec import msgpack

from contracts.event import rfc3339
from contracts.ids import AccountId, EventId, Facet
from contracts.ruleset import Ruleset
from contracts.signal import Burst, Evidence, Signal
from detectors.facet_table import Budget, FacetTable
from detectors.measure import Doubt, Gauge
from detectors.roll import account_of
from detectors.sighting import NOTHING_SHOWN, Shown, Sighting, Sightings
from detectors.tally import Tally
from detectors.window import MOST_REST, FacetWindow, Values

MAX_SIGHTINGS = 2_000
"""Sightings kept of one facet. Past it the older half is let go, and all is counted in panes from
then on (``detectors.tally``). Who was let go keeps the level it had: a higher one goes to those
that are kept and to newcomers. The highest level of the default ruleset is 250 accounts."""

BUDGET_BYTES = 512 * 1024**2

USUAL_SHARE = 16
"""A rule that learns, what is usual or what was seen, takes one in so many parts of the budget."""


class _Kind:
    """The rules and the facets of one kind."""

    def __init__(
        self, gauges: tuple[Gauge, ...], lateness_ms: int, budget: Budget, usual_bytes: int
    ) -> None:
        self.gauges = gauges
        self.panes_ms = tuple(gauge.pane_ms for gauge in gauges)
        self.with_values = any(gauge.reads_values for gauge in gauges)
        longest_ms = max(gauge.window_ms for gauge in gauges)
        for gauge in gauges:
            gauge.counts_missed = gauge.window_ms == longest_ms
        self.usuals = tuple(gauge.learn(usual_bytes) for gauge in gauges if gauge.learns)
        self.table = FacetTable(
            kept_ms=longest_ms + lateness_ms,
            quiet_below=0 if self.with_values else min(gauge.quiet_below for gauge in gauges),
            budget=budget,
            new_window=self.new_window,
        )
        self._columns = tuple(gauge.column for gauge in gauges)

    def new_window(self, facet: Facet) -> FacetWindow:
        return FacetWindow(facet, len(self.gauges), with_values=self.with_values)

    def trim(self, window: FacetWindow) -> None:
        """Let go of what is too old, or too much; say how much may come in silence."""
        if window.tally is None and len(window) > MAX_SIGHTINGS:
            window.tally = Tally.of_window(self._columns, window)
            self.table.tallies += 1
        self.table.trim(window, self.panes_ms, MAX_SIGHTINGS)
        window.rest = min(window.rest, MAX_SIGHTINGS - len(window))
        if self.with_values or any(window.levels):
            window.silent = 0
        else:
            window.silent = window.rest

    def is_quiet_around(self, window: FacetWindow, place: int) -> bool:
        """Whether no rule can fire in any window that holds a sighting; and none is too much."""
        tally, kept, missed = window.tally, len(window), window.missed
        if self.with_values or kept > MAX_SIGHTINGS + (0 if tally is None else MOST_REST):
            return False
        if tally is None and kept + missed < self.table.quiet_below:
            return True
        return all(
            window.around(place, gauge.pane_ms) + missed < gauge.quiet_below
            and (tally is None or tally.most(index, window) + missed < gauge.quiet_below)
            for index, gauge in enumerate(self.gauges)
        )


class Velocity:
    """Counts what comes with facets, for every velocity rule of a ruleset at once.

    Args:
        ruleset: Whose rules.
        budget_bytes: About how much memory its state may take; past it, old and quiet facets are
            counted by estimate.
    """

    def __init__(self, ruleset: Ruleset, *, budget_bytes: int = BUDGET_BYTES) -> None:
        lateness_ms = ruleset.lateness * 1_000
        gauges: dict[str, tuple[Gauge, ...]] = {}
        for rule in ruleset.velocity:
            if rule.mode != "off":
                of_kind = gauges.get(rule.facet, ())
                gauges[rule.facet] = (*of_kind, Gauge(rule, len(of_kind), lateness_ms))
        learning = sum(gauge.learns for of_kind in gauges.values() for gauge in of_kind)
        usual_bytes = budget_bytes // max(USUAL_SHARE, 2 * learning)
        budget = Budget(budget_bytes - usual_bytes * learning)
        self._kinds = {
            kind: _Kind(of_kind, lateness_ms, budget, usual_bytes)
            for kind, of_kind in gauges.items()
        }
        self._usuals = {
            f"{name} {number}": usual
            for name, kind in self._kinds.items()
            for number, usual in enumerate(kind.usuals)
        }

    def __len__(self) -> int:
        """Facets kept."""
        return sum(len(kind.table) for kind in self._kinds.values())

    def snapshot(self) -> Generator[bytes, None, None]:
        """Its state as of the first piece, in pieces of a millisecond's work.

        Sightings may be observed between one piece and the next. One snapshot at a time.
        """
        copies = [(name, kind.table.begin_copy()) for name, kind in self._kinds.items()]
        usuals = [(name, usual.pieces()) for name, usual in self._usuals.items()]
        try:
            for name, copy in copies:
                for piece in copy.pieces():
                    yield msgpack.encode((name, piece))
            for name, pieces in usuals:
                for piece in pieces:
                    yield msgpack.encode((name, piece))
        finally:
            for kind in self._kinds.values():
                kind.table.end_copy()

    def load(self, piece: bytes) -> None:
        """Take in the next piece of a snapshot made on the same basis, beginning empty.

        Raises:
            Exception: It is none, or one of another ruleset.
        """
        name, part = msgpack.decode(piece, type=tuple[str, bytes])
        if name in self._usuals:
            self._usuals[name].load(part)
        else:
            self._kinds[name].table.load(part)

    def observe(self, seen: Sighting) -> list[Signal]:
        """Count an event's facets; give a signal for each event whose standing it changed.

        What the event itself has come to is always told, also when it is a repeat.
        """
        count = len(seen.facets)
        rows = Sightings(
            facets=[*seen.facets],
            times_ms=[seen.at_ms] * count,
            texts=[seen.text] * count,
            shown=[(seen.values, seen.is_new)] * count,
        )
        return self.observe_all(rows)

    def observe_all(  # noqa: PLR0912 -- the loop that all the rate depends on
        self, seen: Sightings
    ) -> list[Signal]:
        """Count facets, one after another, as ``observe`` does.

        Nearly all facets are new, or seen where nothing can fire. Their way lies in this one loop,
        which knows the tables from inside: a call for each facet would cost half as much again.
        """
        signals: list[Signal] = []
        kind_of = self._kinds.get
        shown = seen.shown or repeat(NOTHING_SHOWN)
        for facet, at_ms, text, about in zip(seen.facets, seen.times_ms, seen.texts, shown):  # noqa: B905 -- one may be endless
            kind = kind_of(facet.partition(":")[0])
            if kind is None:
                continue
            for usual in kind.usuals:
                usual.see(facet, account_of(text), at_ms)
            table = kind.table
            window = table.windows.get(facet)
            if window is not None:
                if table.copy is not None:
                    table.copy.before_change(facet)
                if window.rest > 0 and at_ms > window.times[-1] and window.values is None:
                    window.times.append(at_ms)
                    window.texts.append(text)
                    window.rest -= 1
                    if window.silent > 0:
                        window.silent -= 1
                        table.sightings += 1
                    else:
                        _count_newcomer(kind, window, signals)
                    continue
            else:
                known = table.young.setdefault(facet, text)
                if known is text:
                    for older in table.older:
                        if facet in older:
                            window = table.see_again(facet, older.pop(facet), text, at_ms)
                            break
                    else:
                        table.to_stock -= 1
                        if table.to_stock <= 0 or at_ms >= table.look_ms:
                            window = table.see_first(facet, text, at_ms)
                else:
                    window = table.see_again(facet, known, text, at_ms)
            if window is not None:
                _count(kind, window, (at_ms, text, about), signals)
        return signals


def basis_of(ruleset: Ruleset) -> str:
    """What of a ruleset the state depends on: what is counted, not what it is worth."""
    counted = [
        (
            rule.facet,
            rule.window,
            rule.measure,
            rule.of,
            rule.min_accounts,
            rule.watched_for,
            rising,
        )
        for rule in ruleset.velocity
        for rising in (tuple(level.at_least for level in rule.levels),)
        if rule.mode != "off"
    ]
    return f"{counted} {sorted(ruleset.facets.items())} {ruleset.lateness}"


def _count(
    kind: _Kind, window: FacetWindow, seen: tuple[int, str, Shown], signals: list[Signal]
) -> None:
    """Add a sighting to a window; signal all whose standing it changed, and its own."""
    at_ms, text, shown = seen
    values = _values(kind, shown) if kind.with_values else ()
    place, is_new = window.add(at_ms, text, values)
    if not is_new:
        for index, gauge in enumerate(kind.gauges):
            if window.level(index, place):
                signals.append(_signal_at(gauge, index, window, place))
        return
    window.silent = max(window.silent - 1, 0)
    if place == len(window.times) - 1:
        if window.rest > 0:
            window.rest -= 1
            _count_newcomer(kind, window, signals)
        else:
            window.rest = MOST_REST
            _look(kind, window, place, signals)
    else:
        window.rest = max(window.rest - 1, 0)
        if kind.is_quiet_around(window, place):
            kind.table.sightings += 1
        else:
            _look(kind, window, place, signals)


def _look(kind: _Kind, window: FacetWindow, place: int, signals: list[Signal]) -> None:
    """Signal all whose standing a sighting has changed."""
    for index, gauge in enumerate(kind.gauges):
        for at in window.reach(index, gauge.pane_ms, place, gauge.level_of):
            signals.append(_signal_at(gauge, index, window, at))
    kind.trim(window)


def _count_newcomer(kind: _Kind, window: FacetWindow, signals: list[Signal]) -> None:
    """Signal the newest sighting, which has brought no window to a higher level."""
    kind.table.sightings += 1
    for index, level in enumerate(window.levels):
        if level:
            gauge = kind.gauges[index]
            if window.stands(index, gauge.pane_ms, gauge.needs[level - 1], gauge.by_account):
                since_ms = window.runs[index][-1][0] * gauge.pane_ms
                signals.append(_signal(gauge, window, level, since_ms, window.texts[-1]))
            else:
                place = len(window.times) - 1
                for at in window.reach(index, gauge.pane_ms, place, gauge.level_of):
                    signals.append(_signal_at(gauge, index, window, at))


def _values(kind: _Kind, shown: Shown) -> Values:
    """What the rules of the kind read, a place each: a value or nothing."""
    given, is_new = dict(shown[0]), shown[1]
    return tuple(gauge.value_of(given, is_new=is_new) for gauge in kind.gauges)


def _signal_at(gauge: Gauge, index: int, window: FacetWindow, at: int) -> Signal:
    """What there is to say of the sighting at a place."""
    at_ms = window.times[at]
    run = window.run(index, at_ms // gauge.pane_ms)
    since_ms = run[0] * gauge.pane_ms if run else at_ms
    return _signal(gauge, window, window.level(index, at), since_ms, window.texts[at])


def _signal(gauge: Gauge, window: FacetWindow, reached: int, since_ms: int, text: str) -> Signal:
    is_exact = window.tally is None and window.missed == 0
    doubt = () if is_exact else gauge.doubt(window, reached)
    evidence, burst = _said(gauge, window.facet, reached, since_ms, doubt)
    rule = gauge.rule
    at_ms, account_id, event_id = text.split("\0")
    return Signal(
        code=rule.code,
        points=gauge.points[reached - 1],
        group=rule.group,
        account_id=AccountId(account_id),
        event_id=EventId(event_id),
        occurred_at_ms=int(at_ms),
        evidence=evidence,
        burst=burst,
        mode=rule.mode,
    )


@lru_cache(maxsize=8_192)
def _said(
    gauge: Gauge, facet: Facet, reached: int, since_ms: int, doubt: Doubt
) -> tuple[Evidence, Burst]:
    """What is said of all that have reached a level in one burst."""
    rule = gauge.rule
    level = rule.levels[reached - 1]
    evidence = {
        "facet": facet,
        **gauge.evidence(level),
        "since": rfc3339(since_ms),
        **dict(doubt),
    }
    return evidence, Burst(
        facet=facet,
        since_ms=since_ms,
        window_ms=gauge.window_ms,
        accounts=gauge.accounts_at(level),
        ties=rule.ties and rule.mode == "live",
    )
