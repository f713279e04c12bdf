"""What lately came with one facet, over several sliding event-time windows at once.

Time is cut into panes, ``PANES`` to a window, aligned to the epoch (Li et al., "No pane, no gain",
SIGMOD Record 34(1), 2005). The window that ends in pane ``p`` is the panes ``p - 59`` to ``p``: it
holds all of the last 59/60 of its length and nothing from before it, so a count misses at most what
was seen in its oldest sixtieth, and never has too much. A pane is at least one millisecond and a
whole number of them, so a window of one second is 60 panes of 16 ms: 0.96 s.

What is known after some sightings does not depend on the order in which they came: each sighting
has, per rule, the highest level of any window that holds it, and the start of its burst. Both only
ever move one way (the level up, the start back) as sightings are added.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from contracts.ids import AccountId, EventId, Facet
from detectors.pane import PANES
from detectors.tally import Tally, TallyState

FEW = 16
"""Accounts up to which a list is searched as fast as a set."""

Run = list[int]
"""First and last pane of a burst: of the panes in which something was seen and the window that ends
there reached a level, those with gaps of no more than a window."""

Values = tuple[str, ...]
LevelOf = Callable[["FacetWindow", int, int, int], int]
"""Of the window that holds the sightings from one place to before another, and ends in a pane."""

WindowState = tuple[
    list[int],
    list[AccountId],
    list[EventId],
    list[Values] | None,
    bool,
    list[bytearray] | None,
    list[list[Run]],
    bytearray,
    int,
    int,
    TallyState | None,
]
"""All that a window is made of, in the order of ``FacetWindow.state``."""

_NOBODY: set[int] = set()


class FacetWindow:
    """The sightings of one facet that any window may still hold, in the order of their times.

    Attributes:
        facet: Which.
        times: Epoch milliseconds, ascending; ``accounts``, ``events`` and ``values`` run beside it.
        values: What some rule counts besides accounts; None while no rule of the kind does.
        has_repeats: Whether an account has more than one sighting.
        announced: Per rule, the level that each sighting has reached; None before any has.
        runs: Per rule, the bursts that may still grow, the oldest first.
        levels: Per rule, the level of the newest window.
        missed: Sightings that had to be forgotten for lack of memory, at least so many.
        missed_error: By how many they may be more.
        tally: Counts in panes, once there were too many sightings to keep.
    """

    __slots__ = (
        "_known",
        "accounts",
        "announced",
        "events",
        "facet",
        "has_repeats",
        "levels",
        "missed",
        "missed_error",
        "runs",
        "tally",
        "times",
        "values",
    )

    def __init__(self, facet: Facet, rules: int, *, with_values: bool = False) -> None:
        self.facet = facet
        self.times: list[int] = []
        self.accounts: list[AccountId] = []
        self.events: list[EventId] = []
        self.values: list[Values] | None = [] if with_values else None
        self.has_repeats = False
        self.announced: list[bytearray] | None = None
        self.runs: list[list[Run]] = []
        self.levels = bytearray(rules)
        self._known: set[AccountId] | None = None
        """The accounts, where there are more than a few."""
        self.missed = 0
        self.missed_error = 0
        self.tally: Tally | None = None

    def __len__(self) -> int:
        """Sightings kept."""
        return len(self.times)

    def add(
        self, at_ms: int, account_id: AccountId, event_id: EventId, value: Values = ()
    ) -> tuple[int, bool]:
        """Put a sighting where it belongs.

        Returns:
            Its place, and whether it is new: a repeat of an event changes nothing.
        """
        times = self.times
        place = len(times)
        if times and at_ms <= times[-1]:
            place = bisect_left(times, at_ms)
            while place < len(times) and times[place] == at_ms:
                if self.events[place] == event_id:
                    return place, False
                place += 1
        if not self.has_repeats:
            self.has_repeats = self._knows(account_id)
        times.insert(place, at_ms)
        self.accounts.insert(place, account_id)
        self.events.insert(place, event_id)
        if self.values is not None:
            self.values.insert(place, value)
        for levels in self.announced or ():
            levels.insert(place, 0)
        if self.tally is not None:
            self.tally.add(at_ms, account_id, event_id, value)
        return place, True

    def reach(self, rule: int, pane_ms: int, place: int, level_of: LevelOf) -> set[int]:
        """Bring the levels of one rule up to date after a sighting was added.

        Args:
            rule: Which.
            pane_ms: The length of its panes.
            place: Where the new sighting stands.
            level_of: The level of a window.

        Returns:
            The places of all whose level or burst changed.
        """
        times = self.times
        pane = times[place] // pane_ms
        newest = times[-1] // pane_ms
        if pane == newest:
            begin = bisect_left(times, (pane - PANES + 1) * pane_ms)
            level = level_of(self, begin, len(times), pane)
            before, self.levels[rule] = self.levels[rule], level
            if level == 0:
                return _NOBODY
            moved = self._heat(rule, pane)
            if level <= before and place == len(times) - 1:
                # Whoever else is in this window was in the last one, and has its level.
                self._announced()[rule][place] = level
                changed = {place}
            else:
                changed = self._raise(rule, begin, len(times), level)
            return changed | self._members(rule, pane_ms, pane) if moved else changed
        changed = set()
        for end_pane in self._window_ends(pane, pane_ms, place):
            begin = bisect_left(times, (end_pane - PANES + 1) * pane_ms)
            end = bisect_left(times, (end_pane + 1) * pane_ms)
            level = level_of(self, begin, end, end_pane)
            if end_pane == newest:
                self.levels[rule] = level
            if level:
                changed |= self._raise(rule, begin, end, level)
                if self._heat(rule, end_pane):
                    changed |= self._members(rule, pane_ms, end_pane)
        return changed

    def level(self, rule: int, place: int) -> int:
        """The highest level of any window that holds a sighting, as far as is known."""
        return self.announced[rule][place] if self.announced is not None else 0

    def run(self, rule: int, pane: int) -> Run | None:
        """The burst that a sighting in a pane belongs to, if it does to one."""
        for run in reversed(self.runs[rule]) if self.runs else ():
            if pane <= run[1] and pane + PANES > run[0]:
                return run
        return None

    def prune(self, oldest_ms: int, panes_ms: Sequence[int]) -> None:
        """Let go of what was seen before a time, and of bursts that can grow no more."""
        if count := bisect_left(self.times, oldest_ms):
            self.forget(count)
            for runs, pane_ms in zip(self.runs, panes_ms, strict=bool(self.runs)):
                oldest = oldest_ms // pane_ms - PANES
                if runs and runs[0][1] < oldest:
                    runs[:] = [run for run in runs if run[1] >= oldest]

    def forget(self, count: int) -> None:
        """Let go of so many sightings, the oldest."""
        del self.times[:count], self.accounts[:count], self.events[:count]
        if self.values is not None:
            del self.values[:count]
        self._known = None
        if self.has_repeats:
            self.has_repeats = len(set(self.accounts)) < len(self.accounts)
        for levels in self.announced or ():
            del levels[:count]

    def _knows(self, account_id: AccountId) -> bool:
        """Whether an account has a sighting here; it has one from now on."""
        if len(self.accounts) < FEW:
            return account_id in self.accounts
        if self._known is None:
            self._known = set(self.accounts)
        if account_id in self._known:
            return True
        self._known.add(account_id)
        return False

    def state(self) -> WindowState:
        """All of it, not copied: to be written before anything is added."""
        return (
            self.times,
            self.accounts,
            self.events,
            self.values,
            self.has_repeats,
            self.announced,
            self.runs,
            self.levels,
            self.missed,
            self.missed_error,
            None if self.tally is None else self.tally.state(),
        )

    def set_state(self, state: WindowState) -> None:
        """Become what ``state`` gave."""
        (
            self.times,
            self.accounts,
            self.events,
            self.values,
            self.has_repeats,
            self.announced,
            self.runs,
            self.levels,
            self.missed,
            self.missed_error,
            tally,
        ) = state
        self.tally = None if tally is None else Tally.of(tally)

    def _announced(self) -> list[bytearray]:
        if self.announced is None:
            self.announced = [bytearray(len(self.times)) for _ in self.levels]
        return self.announced

    def _raise(self, rule: int, begin: int, end: int, level: int) -> set[int]:
        announced = self._announced()[rule]
        raised = set()
        for lower in range(level):
            place = announced.find(lower, begin, end)
            while place >= 0:
                announced[place] = level
                raised.add(place)
                place = announced.find(lower, place + 1, end)
        return raised

    def _window_ends(self, pane: int, pane_ms: int, place: int) -> list[int]:
        """The panes from ``pane`` on in which a window that holds it can be at its fullest."""
        times = self.times
        last = bisect_left(times, (pane + PANES) * pane_ms)
        ends = []
        while place < last:
            ends.append(times[place] // pane_ms)
            place = bisect_left(times, (ends[-1] + 1) * pane_ms, place, last)
        return ends

    def _heat(self, rule: int, pane: int) -> bool:
        """Note that the window that ends in ``pane`` is hot; whether its burst began earlier."""
        if not self.runs:
            self.runs = [[] for _ in self.levels]
        runs = self.runs[rule]
        near = [run for run in runs if run[0] - PANES <= pane <= run[1] + PANES]
        if not near:
            runs.append([pane, pane])
            runs.sort()
            return False
        first = near[0]
        moved = pane < first[0] or len(near) > 1
        first[0] = min(first[0], pane)
        first[1] = max(near[-1][1], pane)
        if len(near) > 1:
            runs[:] = [run for run in runs if run is first or run not in near]
        return moved

    def _members(self, rule: int, pane_ms: int, pane: int) -> set[int]:
        """The places of all that are flagged in the burst that ``pane`` belongs to."""
        run = self.run(rule, pane)
        if run is None or self.announced is None:
            return set()
        begin = bisect_left(self.times, (run[0] - PANES + 1) * pane_ms)
        end = bisect_left(self.times, (run[1] + 1) * pane_ms)
        announced = self.announced[rule]
        return {place for place in range(begin, end) if announced[place]}
