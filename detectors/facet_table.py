"""Where the facets of one kind are kept: most of them in a line of text, the busy ones as windows.

Nearly every facet is seen once or twice and never again. While it has fewer sightings than the
lowest level of any rule, none can fire on it, and its sightings are kept as one string. The strings
lie in generations, dicts of what was last seen in one span of event time; a generation that no
window reaches any more is dropped whole, so forgetting costs nothing.

Memory has a budget. Past it the generation that is oldest goes before its time, and what it held is
counted from then on by a count-min sketch: too high by no more than an error that is known, never
too low (``detectors.frequency``). Windows, in which something may be building up, go last.
"""

from __future__ import annotations

from collections.abc import Callable

from contracts.ids import AccountId, EventId, Facet
from detectors.frequency import FrequencySketch
from detectors.window import FacetWindow

SPANS = 2
"""Generations to a window's length: a facet is kept for at most half a window too long."""

SHARES = 8
"""A generation takes no more than one in so many parts of the budget: what goes at once."""

ENTRY_BYTES = 230
"""What a facet takes besides the text of its sightings: its name, and its part of a dict. Measured
on CPython 3.11 by ``bench.memory``, as the next two."""
WINDOW_BYTES = 700
SIGHTING_BYTES = 260


class _Generation:
    __slots__ = ("facets", "newest_ms", "taken_bytes")

    def __init__(self) -> None:
        self.facets: dict[Facet, str] = {}
        self.newest_ms = 0
        self.taken_bytes = 0


class FacetTable:
    """The facets of one kind that are not too old.

    Args:
        kept_ms: For how long sightings are kept, in event time.
        quiet_below: Number of sightings below which nothing can fire.
        budget_bytes: About how much memory it may take.
        new_window: Makes an empty window.
    """

    def __init__(
        self,
        *,
        kept_ms: int,
        quiet_below: int,
        budget_bytes: int,
        new_window: Callable[[], FacetWindow],
    ) -> None:
        self._kept_ms = kept_ms
        self._quiet_below = quiet_below
        self._packable_nuls = 3 * (quiet_below - 2)
        """A string with fewer NUL characters takes one more sighting and still cannot fire."""
        self._rest_bytes = budget_bytes // 16
        self._budget_bytes = budget_bytes - self._rest_bytes
        self._new_window = new_window
        self.windows: dict[Facet, FacetWindow] = {}
        self._generations = [_Generation()]
        """The youngest first."""
        self._rest: FrequencySketch | None = None
        """What had to go before its time."""
        self._to_tend: list[Facet] = []
        self._newest_ms = 0
        self._turn_ms = 0
        self.taken_bytes = 0
        """About how much memory it takes."""

    def __len__(self) -> int:
        """Facets kept."""
        return len(self.windows) + sum(len(one.facets) for one in self._generations)

    def see(self, facet: Facet, text: str, at_ms: int) -> FacetWindow | None:
        """Note a sighting.

        Args:
            facet: What was seen.
            text: ``TIME NUL ACCOUNT NUL EVENT``.
            at_ms: The same time.

        Returns:
            None if it is kept and nothing can fire; else the window that it has to be added to.
        """
        window = self.windows.get(facet)
        if window is not None:
            self.taken_bytes += SIGHTING_BYTES
            return window
        young = self._generations[0]
        known = young.facets.get(facet)
        if known is None:
            if at_ms > self._newest_ms:
                self._move_to(at_ms)
            known = self._taken_from_older(facet)
            young = self._generations[0]
            if known is None and self._quiet_below > 1 and not self._may_be_in_rest(facet):
                young.facets[facet] = text
                self._take(young, ENTRY_BYTES + len(text))
                return None
        if known is not None and known.count("\0") < self._packable_nuls:
            young.facets[facet] = f"{known}\0{text}"
            self._take(young, len(text))
            return None
        return self._promoted(facet, known, at_ms)

    def trim(self, window: FacetWindow, panes_ms: tuple[int, ...], most: int) -> None:
        """Let go of a window's sightings that are too old, and of the older half if it is full."""
        before = len(window)
        oldest_ms = window.times[-1] - self._kept_ms
        if window.times[0] <= oldest_ms:
            window.prune(oldest_ms + 1, panes_ms)
        if len(window) > most:
            window.prune(window.times[most // 2], panes_ms)
        self.taken_bytes -= SIGHTING_BYTES * (before - len(window))

    def _may_be_in_rest(self, facet: Facet) -> bool:
        return self._rest is not None and self._estimate(facet)[0] > 0

    def _estimate(self, facet: Facet) -> tuple[int, int]:
        """Sightings that had to go, at least so many; and by how many the estimate may be off."""
        if self._rest is None:
            return 0, 0
        seen = self._rest.estimate(facet)
        return max(0, seen.count - seen.error), seen.error

    def _promoted(self, facet: Facet, known: str | None, at_ms: int) -> FacetWindow | None:
        window = self._new_window()
        oldest_ms = at_ms - self._kept_ms
        if known is not None:
            for seen_ms, account_id, event_id in _sightings(known):
                if seen_ms > oldest_ms:
                    window.add(seen_ms, account_id, event_id)
            young = self._generations[0]
            young.facets.pop(facet, None)
            self._take(young, -ENTRY_BYTES - len(known))
        window.missed, window.missed_error = self._estimate(facet)
        self.windows[facet] = window
        self.taken_bytes += WINDOW_BYTES + SIGHTING_BYTES * (len(window) + 1)
        return window

    def _taken_from_older(self, facet: Facet) -> str | None:
        for generation in self._generations[1:]:
            known = generation.facets.pop(facet, None)
            if known is not None:
                taken = ENTRY_BYTES + len(known)
                generation.taken_bytes -= taken
                self._generations[0].facets[facet] = known
                self._generations[0].taken_bytes += taken
                return known
        return None

    def _take(self, generation: _Generation, taken_bytes: int) -> None:
        generation.taken_bytes += taken_bytes
        self.taken_bytes += taken_bytes
        if taken_bytes > ENTRY_BYTES:
            self._tend()
            if generation.taken_bytes > self._budget_bytes // SHARES:
                self._turn()
            while self.taken_bytes > self._budget_bytes:
                self._make_room()

    def _move_to(self, at_ms: int) -> None:
        self._newest_ms = at_ms
        if at_ms >= self._turn_ms:
            self._turn()
            kept = self._generations
            while len(kept) > 1 and kept[-1].newest_ms < at_ms - self._kept_ms:
                self.taken_bytes -= kept.pop().taken_bytes

    def _turn(self) -> None:
        """Begin a new generation, and take stock."""
        self._turn_ms = self._newest_ms + self._kept_ms // SPANS
        sightings = sum(map(len, self.windows.values()))
        self.taken_bytes = (
            sum(one.taken_bytes for one in self._generations)
            + WINDOW_BYTES * len(self.windows)
            + SIGHTING_BYTES * sightings
        )
        if self._generations[0].facets:
            self._generations[0].newest_ms = self._newest_ms
            self._generations.insert(0, _Generation())

    def _make_room(self) -> None:
        """Let the oldest generation go, or, if there is none, the windows longest unseen."""
        rest = self._rest
        if rest is None:
            rest = self._rest = FrequencySketch(
                budget_bytes=self._rest_bytes, span_ms=self._kept_ms
            )
        if len(self._generations) > 1:
            oldest = self._generations.pop()
            for facet, text in oldest.facets.items():
                rest.add(facet, (text.count("\0") + 1) // 3, self._newest_ms)
            self.taken_bytes -= oldest.taken_bytes
            return
        if not self.windows:
            self._turn()
            return
        cold = sorted(self.windows, key=lambda facet: self.windows[facet].times[-1])
        for facet in cold[: len(cold) // SHARES + 1]:
            rest.add(facet, len(self.windows[facet]), self._newest_ms)
            self._drop(facet)

    def _tend(self) -> None:
        """Look at two windows: is anything left to be counted in them?

        Two for each new facet: no more windows are made than facets come, so all get their turn.
        """
        if not self._to_tend:
            self._to_tend = list(self.windows)
        oldest_ms = self._newest_ms - self._kept_ms
        for facet in (self._to_tend.pop() for _ in range(min(2, len(self._to_tend)))):
            window = self.windows.get(facet)
            if window is not None and window.times[-1] <= oldest_ms:
                self._drop(facet)

    def _drop(self, facet: Facet) -> None:
        window = self.windows.pop(facet)
        self.taken_bytes -= WINDOW_BYTES + SIGHTING_BYTES * len(window)


def _sightings(text: str) -> list[tuple[int, AccountId, EventId]]:
    fields = text.split("\0")
    return [
        (int(fields[at]), AccountId(fields[at + 1]), EventId(fields[at + 2]))
        for at in range(0, len(fields), 3)
    ]
