"""Whether an event came before."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.ids import EventId

MAX_REMEMBERED = 1_000_000
"""Events remembered at a time; past it, the oldest is forgotten first."""


class Repeats:
    """Remembers idempotency keys, the newest ``capacity`` of them."""

    def __init__(self, *, capacity: int = MAX_REMEMBERED) -> None:
        self._capacity = capacity
        self._seen: dict[EventId, None] = {}

    def __contains__(self, event_id: EventId) -> bool:
        """Whether it is remembered."""
        return event_id in self._seen

    def add(self, event_id: EventId) -> None:
        """Remember it."""
        self._seen[event_id] = None
        if len(self._seen) > self._capacity:
            del self._seen[next(iter(self._seen))]

    def __iter__(self) -> Iterator[EventId]:
        """All that it remembers, the oldest first."""
        return iter(self._seen)
