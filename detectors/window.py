"""Distinct accounts within a sliding event-time window, counted in panes.

A window of length ``w`` that ends at ``t`` holds the accounts last seen in ``(t - w, t]``. It is
counted exactly until more than ``EXACT_ACCOUNTS`` accounts were in the longest window at once. From
then on it is counted in panes, ``PANES`` to a window (Li et al., "No pane, no gain", SIGMOD Record
34(1), 2005): the oldest pane that the window only partly covers is left out, so the count may miss
accounts last seen in the oldest ``w / PANES`` of the window (59 ms more where ``PANES`` does not
divide it), and never counts one from before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.ids import AccountId, EventId

PANES = 60
EXACT_ACCOUNTS = 16
NEVER = -1 << 62
"""A time before all events, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """When an account last showed a facet, and by which event."""

    at_ms: int
    event_id: EventId


class PaneRing:
    """How many accounts were last seen in each of the newest ``PANES`` panes."""

    __slots__ = ("counts", "head", "pane_ms", "total")

    def __init__(self, window_ms: int) -> None:
        self.pane_ms = max(1, window_ms // PANES)
        self.counts = [0] * PANES
        self.head = 0
        """Number of the newest pane, counted from the epoch."""
        self.total = 0

    def move_to(self, at_ms: int) -> None:
        """Slide so that the newest pane holds ``at_ms``; never back."""
        pane = at_ms // self.pane_ms
        steps = pane - self.head
        if steps <= 0:
            return
        if steps >= PANES:
            self.counts = [0] * PANES
            self.total = 0
        else:
            for passed in range(self.head + 1, pane + 1):
                self.total -= self.counts[passed % PANES]
                self.counts[passed % PANES] = 0
        self.head = pane

    def add(self, at_ms: int, accounts: int) -> None:
        """Add to the pane that holds ``at_ms``, if the ring still does."""
        pane = at_ms // self.pane_ms
        if self.head - PANES < pane <= self.head:
            self.counts[pane % PANES] += accounts
            self.total += accounts


class FacetWindow:
    """The accounts that lately showed one facet, counted over several windows at once.

    Windows end at the newest sighting. A sighting may come late: it counts where it belongs.
    """

    __slots__ = ("accounts", "levels", "newest_ms", "rings", "since_ms")

    def __init__(self, rules: int) -> None:
        self.accounts: dict[AccountId, Sighting] = {}
        self.newest_ms = 0
        self.rings: tuple[PaneRing, ...] | None = None
        self.levels = [0] * rules
        """Per rule, how many of its levels the count has reached."""
        self.since_ms = [0] * rules
        """Per rule, when the oldest account was seen that the last level was reached with."""

    def add(self, account_id: AccountId, sighting: Sighting, windows_ms: tuple[int, ...]) -> int:
        """Note a sighting.

        Args:
            account_id: Who showed the facet.
            sighting: When, and by which event.
            windows_ms: The lengths counted for this facet's kind; the same at every call.

        Returns:
            When the account was last seen here before, or ``NEVER``.
        """
        at_ms = sighting.at_ms
        self.newest_ms = max(self.newest_ms, at_ms)
        before = self.accounts.get(account_id)
        if before is not None and before.at_ms >= at_ms:
            return before.at_ms
        self.accounts[account_id] = sighting
        if self.rings is not None:
            for ring in self.rings:
                ring.move_to(self.newest_ms)
                if before is not None:
                    ring.add(before.at_ms, -1)
                ring.add(at_ms, 1)
            if len(self.accounts) > 2 * max(ring.total for ring in self.rings) + EXACT_ACCOUNTS:
                self._forget(max(windows_ms))
        elif len(self.accounts) > EXACT_ACCOUNTS:
            self._forget(max(windows_ms))
            if len(self.accounts) > EXACT_ACCOUNTS:
                self._count_in_panes(windows_ms)
        return NEVER if before is None else before.at_ms

    def count(self, index: int, window_ms: int) -> int:
        """Distinct accounts in the window of ``window_ms``, the ``index``-th of those counted."""
        if self.rings is not None:
            return self.rings[index].total
        oldest_ms = self.newest_ms - window_ms
        return sum(sighting.at_ms > oldest_ms for sighting in self.accounts.values())

    def within(self, window_ms: int) -> Iterator[tuple[AccountId, Sighting]]:
        """The accounts of a window, in the order in which they were first seen."""
        oldest_ms = self.newest_ms - window_ms
        for account_id, sighting in self.accounts.items():
            if sighting.at_ms > oldest_ms:
                yield account_id, sighting

    def _count_in_panes(self, windows_ms: tuple[int, ...]) -> None:
        self.rings = tuple(PaneRing(window_ms) for window_ms in windows_ms)
        for ring in self.rings:
            ring.move_to(self.newest_ms)
            for sighting in self.accounts.values():
                ring.add(sighting.at_ms, 1)

    def _forget(self, longest_ms: int) -> None:
        oldest_ms = self.newest_ms - longest_ms
        self.accounts = {
            account_id: sighting
            for account_id, sighting in self.accounts.items()
            if sighting.at_ms > oldest_ms
        }
