"""Whose the sightings of a facet are, and how many accounts that makes: read when someone asks.

How many accounts were seen in the newest window is counted by when each was last seen, so an
account that comes again and again costs no more than one that is new.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from contracts.ids import AccountId

if TYPE_CHECKING:
    from detectors.window import FacetWindow


class Roll:
    """The accounts of a window's sightings.

    Attributes:
        fresh: When each account was last seen, ascending: the window's ``times`` themselves while
            nobody came twice. As of the last ``catch_up``.
    """

    __slots__ = ("_accounts", "_latest", "fresh")

    def __init__(self, window: FacetWindow) -> None:
        self._accounts: list[AccountId] = []
        """Of the window's sightings, as far as they were read."""
        self._latest: dict[AccountId, int] = {}
        """When each of these accounts was last seen."""
        self.fresh = window.times

    def catch_up(self, window: FacetWindow) -> None:
        """Read the accounts of those that came at the end since this was last done."""
        known = len(self._accounts)
        if known < len(window.times):
            for place in range(known, len(window.times)):
                self._read(window, place)

    def insert(self, window: FacetWindow, place: int) -> None:
        """Know that a sighting was put before others; before those that are not read, it is not."""
        if place < len(self._accounts):
            self._read(window, place)

    def _read(self, window: FacetWindow, place: int) -> None:
        times = window.times
        at_ms, account_id = times[place], account_of(window.texts[place])
        self._accounts.insert(place, account_id)
        latest, fresh = self._latest, self.fresh
        known_ms = latest.get(account_id)
        latest[account_id] = at_ms if known_ms is None else max(at_ms, known_ms)
        if known_ms is None:
            if fresh is not times:
                insort(fresh, at_ms)
        elif fresh is times:
            self.fresh = sorted(latest.values())
        elif at_ms > known_ms:
            del fresh[bisect_left(fresh, known_ms)]
            insort(fresh, at_ms)

    def count(self, window: FacetWindow, begin: int, end: int) -> int:
        """How many accounts the sightings from one place to before another have.

        All are read. ``begin`` is the first of its time.
        """
        fresh = self.fresh
        if fresh is window.times or begin == end:
            return end - begin
        if end == len(window.times):
            return len(fresh) - bisect_left(fresh, window.times[begin])
        return len(set(self._accounts[begin:end]))

    def let_go(self, window: FacetWindow, count: int) -> None:
        """Know that so many sightings, the oldest, are about to be forgotten."""
        times, latest, fresh = window.times, self._latest, self.fresh
        for account_id, at_ms in zip(self._accounts[:count], times, strict=False):
            if latest.get(account_id) == at_ms:
                self._drop(account_id, window)
        del self._accounts[:count]
        for account_id, at_ms in zip(self._accounts, times[count:], strict=False):
            if at_ms > times[count - 1]:
                break
            if account_id not in latest:  # it was seen twice in that millisecond
                latest[account_id] = at_ms
                if fresh is not times:
                    insort(fresh, at_ms)
        if len(latest) == len(self._accounts):
            self.fresh = times

    def _drop(self, account_id: AccountId, window: FacetWindow) -> None:
        at_ms = self._latest.pop(account_id)
        if self.fresh is not window.times:
            del self.fresh[bisect_left(self.fresh, at_ms)]


def account_of(text: str) -> AccountId:
    """Whose sighting a text is of."""
    return AccountId(text.split("\0", 2)[1])
