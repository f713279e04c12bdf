"""What lately came with one facet, over several sliding event-time windows at once.

Time is cut into panes, ``PANES`` to a window, aligned to the epoch (Li et al., "No pane, no gain",
SIGMOD Record 34(1), 2005). The window that ends in pane ``p`` is the panes ``p - 59`` to ``p``: it
holds all of the last 59/60 of its length and nothing from before it, so a count misses at most what
was seen in its oldest sixtieth, and never has too much. A pane is at least one millisecond and a
whole number of them, so a window of one second is 60 panes of 16 ms: 0.96 s.

What is known after some sightings does not depend on the order in which they came: each sighting
has, per rule, the highest level of any window that holds it, and the start of its burst. Both only
ever move one way (the level up, the start back) as sightings are added.

Most sightings change nothing, and are not looked at. One more raises a count by one at most, so a
window whose counts are far from the next level sleeps for as many sightings as must at least come
before anything can be reached (``rest``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from contracts.ids import Facet
from detectors.pane import PANES
from detectors.roll import Roll
from detectors.tally import Tally, TallyState

MOST_REST = 256
"""Sightings after which a window is looked at again in any case: what is too old has to go."""

Run = list[int]
"""First and last pane of a burst: of the panes in which something was seen and the window that ends
there reached a level, those with gaps of no more than a window."""

Values = tuple[str, ...]
Reached = tuple[int, int]
"""A level, and how many sightings may come before a higher one can be reached."""
LevelOf = Callable[["FacetWindow", int, int, int], Reached]
"""Of the window that holds the sightings from one place to before another, and ends in a pane."""

WindowState = tuple[
    list[int],
    list[str],
    list[Values] | None,
    list[bytearray] | None,
    list[list[Run]],
    bytearray,
    int,
    int,
    int,
    int,
    TallyState | None,
]
"""All that a window is made of, in the order of ``FacetWindow.state``."""

_NOBODY: Sequence[int] = ()
_NO_RUN: Run = [-1, -PANES - 2]


class FacetWindow:
    """The sightings of one facet that any window may still hold, in the order of their times.

    Attributes:
        facet: Which.
        times: Epoch milliseconds, ascending; ``texts`` and ``values`` run beside it.
        texts: ``TIME NUL ACCOUNT NUL EVENT`` of each sighting.
        values: What some rule counts besides accounts; None while no rule of the kind does.
        announced: Per rule, the level that each sighting has reached, up to the last with any; None
            before any has.
        runs: Per rule, the bursts that may still grow, the oldest first.
        levels: Per rule, the level of the newest window.
        rest: So many sightings raise the level of no newest window, whatever they are.
        silent: Of so many, if each comes in order, there is nothing to say.
        missed: Sightings that had to be forgotten for lack of memory, at least so many.
        missed_error: By how many they may be more.
        tally: Counts in panes, once there were too many sightings to keep.
    """

    __slots__ = (
        "_roll",
        "announced",
        "facet",
        "levels",
        "missed",
        "missed_error",
        "rest",
        "runs",
        "silent",
        "tally",
        "texts",
        "times",
        "values",
    )

    def __init__(self, facet: Facet, rules: int, *, with_values: bool = False) -> None:
        self.facet = facet
        self.times: list[int] = []
        self.texts: list[str] = []
        self.values: list[Values] | None = [] if with_values else None
        self.announced: list[bytearray] | None = None
        self.runs: list[list[Run]] = []
        self.levels = bytearray(rules)
        self.rest = 0
        self.silent = 0
        self.missed = 0
        self.missed_error = 0
        self.tally: Tally | None = None
        self._roll: Roll | None = None

    def __len__(self) -> int:
        """Sightings kept."""
        return len(self.times)

    def add(self, at_ms: int, text: str, value: Values = ()) -> tuple[int, bool]:
        """Put a sighting where it belongs.

        Returns:
            Its place, and whether it is new: a repeat of an event changes nothing.
        """
        times = self.times
        place = len(times)
        if times and at_ms <= times[-1]:
            place = bisect_left(times, at_ms)
            while place < len(times) and times[place] == at_ms:
                if self.texts[place] == text:
                    return place, False
                place += 1
        if place == len(times):
            times.append(at_ms)
            self.texts.append(text)
        else:
            times.insert(place, at_ms)
            self.texts.insert(place, text)
            if self._roll is not None:
                self._roll.insert(self, place)
            for levels in self.announced or ():
                if place < len(levels):
                    levels.insert(place, 0)
        if self.values is not None:
            self.values.insert(place, value)
        if self.tally is not None and place < self.tally.taken:
            self.tally.insert(self, place)
        return place, True

    def reach(self, rule: int, pane_ms: int, place: int, level_of: LevelOf) -> Sequence[int]:
        """Bring the levels of one rule up to date after a sighting was added.

        Args:
            rule: Which.
            pane_ms: The length of its panes.
            place: Where the new sighting stands.
            level_of: The level of a window.

        Returns:
            The places of all whose level or burst changed, ascending.
        """
        times = self.times
        pane = times[place] // pane_ms
        if pane != times[-1] // pane_ms:
            return self._reach_late(rule, pane_ms, place, level_of)
        begin, end = bisect_left(times, (pane - PANES + 1) * pane_ms), len(times)
        level, room = level_of(self, begin, end, pane)
        self.rest = min(self.rest, room)
        before, self.levels[rule] = self.levels[rule], level
        if level == 0:
            return _NOBODY
        moved = self._heat(rule, pane)
        if level > before or place < end - 1:
            changed = self._raise(rule, begin, end, level)
        else:  # Whoever else is in this window was in the last one, and has its level.
            changed = self._join(rule, place, level)
        return sorted({*changed, *self._members(rule, pane_ms, pane)}) if moved else changed

    def around(self, place: int, pane_ms: int) -> int:
        """So many sightings, at most, are in any window that holds the one at a place."""
        times = self.times
        pane = times[place] // pane_ms
        begin = bisect_left(times, (pane - PANES + 1) * pane_ms, 0, place)
        return bisect_left(times, (pane + PANES) * pane_ms, place) - begin

    def stands(self, rule: int, pane_ms: int, need: int, by_account: bool) -> bool:
        """Give the newest sighting the level of its window, if that is what it was before.

        Args:
            rule: Which; the sighting has brought it to no higher level.
            pane_ms: The length of its panes.
            need: So many sightings, or accounts, that level takes.
            by_account: Whether they have to be of different accounts.

        Returns:
            Whether it is; then the standing of all others is as before.
        """
        times, runs = self.times, self.runs[rule]
        pane, place = times[-1] // pane_ms, len(times) - 1
        last = runs[-1] if runs else _NO_RUN
        if pane != last[1]:  # else it is the same window, and one that has lost nothing
            counted = self._caught_up().fresh if by_account else times
            if len(counted) < need or counted[-need] < (pane - PANES + 1) * pane_ms:
                return False
            if not last[0] <= pane <= last[1] + PANES:
                return False
            last[1] = max(last[1], pane)
        self._levels_to(rule, place).append(self.levels[rule])
        return True

    def level(self, rule: int, place: int) -> int:
        """The highest level of any window that holds a sighting, as far as is known."""
        if self.announced is None or place >= len(self.announced[rule]):
            return 0
        return self.announced[rule][place]

    def accounts(self, begin: int, end: int) -> int:
        """How many accounts the sightings from one place to before another have.

        ``begin`` is the first of its time.
        """
        return self._caught_up().count(self, begin, end)

    def run(self, rule: int, pane: int) -> Run | None:
        """The burst that a sighting in a pane belongs to, if it does to one."""
        for run in reversed(self.runs[rule]):
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
        if self.tally is not None:
            self.tally.let_go(self, count)
        if self._roll is not None:
            self._roll.let_go(self, count)
        del self.times[:count], self.texts[:count]
        if self.values is not None:
            del self.values[:count]
        for levels in self.announced or ():
            del levels[:count]

    def state(self) -> WindowState:
        """All of it, not copied: to be written before anything is added."""
        return (
            self.times,
            self.texts,
            self.values,
            self.announced,
            self.runs,
            self.levels,
            self.rest,
            self.silent,
            self.missed,
            self.missed_error,
            None if self.tally is None else self.tally.state(),
        )

    def set_state(self, state: WindowState) -> None:
        """Become what ``state`` gave; for a window without sightings."""
        (
            self.times,
            self.texts,
            self.values,
            self.announced,
            self.runs,
            self.levels,
            self.rest,
            self.silent,
            self.missed,
            self.missed_error,
            tally,
        ) = state
        self.tally = None if tally is None else Tally.of(tally)
        self._roll = None

    def _caught_up(self) -> Roll:
        """Whose all sightings are."""
        roll = self._roll
        if roll is None:
            roll = self._roll = Roll(self)
        roll.catch_up(self)
        return roll

    def _levels_to(self, rule: int, place: int) -> bytearray:
        """What sightings have reached by a rule, as many as there are before a place or more."""
        if self.announced is None:
            self.announced = [bytearray() for _ in self.levels]
        levels = self.announced[rule]
        if len(levels) < place:
            levels.extend(bytes(place - len(levels)))
        return levels

    def _raise(self, rule: int, begin: int, end: int, level: int) -> list[int]:
        announced = self._levels_to(rule, end)
        raised = []
        for lower in range(level):
            place = announced.find(lower, begin, end)
            while place >= 0:
                announced[place] = level
                raised.append(place)
                place = announced.find(lower, place + 1, end)
        raised.sort()
        return raised

    def _reach_late(self, rule: int, pane_ms: int, place: int, level_of: LevelOf) -> Sequence[int]:
        times = self.times
        newest = times[-1] // pane_ms
        ends = self._window_ends(times[place] // pane_ms, pane_ms, place)
        if self.tally is not None and (level := self.tally.standing(rule, ends, self)) is not None:
            return self._join(rule, place, level) if level else _NOBODY
        changed = set[int]()
        for pane in ends:
            begin = bisect_left(times, (pane - PANES + 1) * pane_ms)
            end = bisect_left(times, (pane + 1) * pane_ms)
            level, _ = level_of(self, begin, end, pane)
            if pane == newest:
                self.levels[rule] = level
            if level:
                changed.update(self._raise(rule, begin, end, level))
                if self._heat(rule, pane):
                    changed |= self._members(rule, pane_ms, pane)
        return sorted(changed)

    def _join(self, rule: int, place: int, level: int) -> list[int]:
        """Give one sighting the level that all around it have."""
        levels = self._levels_to(rule, place)
        if place < len(levels):
            levels[place] = level
        else:
            levels.append(level)
        return [place]

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
        if runs and runs[-1][0] <= pane <= runs[-1][1] + PANES:
            runs[-1][1] = max(runs[-1][1], pane)
            return False
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
        return {place for place in range(begin, min(end, len(announced))) if announced[place]}
