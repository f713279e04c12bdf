"""Whether an event came before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from contracts.ids import EventId

MAX_REMEMBERED = 1_000_000
"""Events remembered at a time; past it, the oldest is forgotten first."""


class Repeats:
    """Remembers idempotency keys, the newest ``capacity`` of them."""

    def __init__(self, *, capacity: int = MAX_REMEMBERED) -> None:
        self._capacity = capacity
        self._known: set[EventId] = set()
        # Beside a deque, and not the keys of one dict: the first key of a dict is looked for past
        # all those that were deleted before it, 45 µs an event with 50,000 of them.
        self._oldest_first: deque[EventId] = deque()

    def __contains__(self, event_id: EventId) -> bool:
        """Whether it is remembered."""
        return event_id in self._known

    def add(self, event_id: EventId) -> None:
        """Remember it."""
        if event_id in self._known:
            return
        self._known.add(event_id)
        self._oldest_first.append(event_id)
        if len(self._oldest_first) > self._capacity:
            self._known.remove(self._oldest_first.popleft())

    def __iter__(self) -> Iterator[EventId]:
        """All that it remembers, the oldest first."""
        return iter(self._oldest_first)
