"""What is counted: facets, each with the event that it was seen at."""

from __future__ import annotations

from msgspec import Struct, field

from contracts.ids import AccountId, EventId, Facet

Shown = tuple[tuple[tuple[str, str], ...], bool]
"""What of an event rules read besides its account: kind and value, of the kinds that some rule
counts by ``of``; and whether the account was new."""

NOTHING_SHOWN: Shown = ((), False)


class Sighting(Struct, frozen=True, gc=False):
    """An event, and those of its facets that are counted in one place.

    Attributes:
        text: ``sighting_text``, made once an event however many places count it.
        values: Kind and value, of the kinds that some rule counts by ``of``.
        is_new: Whether the account was new at the event.
    """

    at_ms: int
    text: str
    facets: tuple[Facet, ...]
    values: tuple[tuple[str, str], ...] = ()
    is_new: bool = False


class Sightings(Struct, frozen=True, kw_only=True, array_like=True):
    """Many of them, a facet a row, in columns of one length: they travel, and are counted, so.

    A list of texts is read in a fifth of the time that as many values with fields take.

    Attributes:
        shown: Empty where no rule reads it.
    """

    facets: list[Facet] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    def add(self, seen: Sighting) -> None:
        """Add a row for each facet of an event."""
        for facet in seen.facets:
            self.facets.append(facet)
            self.times_ms.append(seen.at_ms)
            self.texts.append(seen.text)
            self.shown.append((seen.values, seen.is_new))


def sighting_text(at_ms: int, account_id: AccountId, event_id: EventId) -> str:
    """What is kept of a sighting: ``TIME NUL ACCOUNT NUL EVENT``."""
    return f"{at_ms}\0{account_id}\0{event_id}"
