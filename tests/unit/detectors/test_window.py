"""A facet's window against a brute-force count."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, EventId
from detectors.window import EXACT_ACCOUNTS, NEVER, PANES, FacetWindow, PaneRing, Sighting

WINDOWS_MS = (60_000, 3_600_000)
Seen = tuple[int, int]
"""Account and milliseconds."""


def last_seen(sightings: list[Seen]) -> dict[int, int]:
    last: dict[int, int] = {}
    for account, at_ms in sightings:
        last[account] = max(at_ms, last.get(account, at_ms))
    return last


def true_count(sightings: list[Seen], window_ms: int, *, left_out_ms: int = 0) -> int:
    """Accounts last seen in the window, without its oldest ``left_out_ms``."""
    last = last_seen(sightings)
    oldest_ms = max(last.values()) - window_ms + left_out_ms
    return sum(at_ms > oldest_ms for at_ms in last.values())


def filled(sightings: list[Seen], windows_ms: tuple[int, ...] = WINDOWS_MS) -> FacetWindow:
    window = FacetWindow(len(windows_ms))
    for number, (account, at_ms) in enumerate(sightings):
        window.add(AccountId(str(account)), Sighting(at_ms, EventId(str(number))), windows_ms)
    return window


def seen(accounts: int, span_ms: int, *, most: int) -> st.SearchStrategy[list[Seen]]:
    return st.lists(
        st.tuples(st.integers(0, accounts - 1), st.integers(10**12, 10**12 + span_ms)),
        min_size=1,
        max_size=most,
    )


@given(seen(EXACT_ACCOUNTS, 3 * WINDOWS_MS[0], most=60))
def test_few_accounts_are_counted_exactly_in_whatever_order_they_come(
    sightings: list[Seen],
) -> None:
    window = filled(sightings)
    for index, window_ms in enumerate(WINDOWS_MS):
        assert window.count(index, window_ms) == true_count(sightings, window_ms)


@given(
    seen(80, 2 * WINDOWS_MS[1], most=200),
    st.tuples(st.integers(1, 400), st.integers(1, 7_200)).map(
        lambda seconds: (seconds[0] * 1_000, seconds[1] * 1_000)
    ),
)
def test_many_accounts_are_counted_within_the_stated_error(
    sightings: list[Seen], windows_ms: tuple[int, int]
) -> None:
    window = filled(sightings, windows_ms)
    for index, window_ms in enumerate(windows_ms):
        at_most = true_count(sightings, window_ms)
        left_out_ms = window_ms // PANES + 59
        at_least = true_count(sightings, window_ms, left_out_ms=left_out_ms)
        assert at_least <= window.count(index, window_ms) <= at_most


@given(seen(40, WINDOWS_MS[0], most=80), st.randoms(use_true_random=False))
def test_repeats_change_nothing(sightings: list[Seen], order: random.Random) -> None:
    once = filled(sightings)
    again = [*sightings, *order.sample(sightings, len(sightings))]
    twice = filled(again)
    assert twice.accounts.keys() == once.accounts.keys()
    assert [twice.count(i, w) for i, w in enumerate(WINDOWS_MS)] == [
        once.count(i, w) for i, w in enumerate(WINDOWS_MS)
    ]


@given(seen(60, 3 * WINDOWS_MS[0], most=120))
def test_within_gives_exactly_the_accounts_of_the_window(sightings: list[Seen]) -> None:
    window = filled(sightings)
    for window_ms in WINDOWS_MS:
        found = list(window.within(window_ms))
        last = last_seen(sightings)
        oldest_ms = max(last.values()) - window_ms
        assert {int(account): sighting.at_ms for account, sighting in found} == {
            account: at_ms for account, at_ms in last.items() if at_ms > oldest_ms
        }


def test_add_tells_when_the_account_was_last_here() -> None:
    window = FacetWindow(2)

    def add(at_ms: int) -> int:
        return window.add(AccountId("a"), Sighting(at_ms, EventId(str(at_ms))), WINDOWS_MS)

    assert add(1_000) == NEVER
    assert add(3_000) == 1_000
    assert add(2_000) == 3_000  # late: the newer sighting stays
    assert window.accounts[AccountId("a")] == Sighting(3_000, EventId("3000"))


def test_what_is_held_is_bounded_by_what_the_longest_window_holds() -> None:
    window = FacetWindow(1)
    for number in range(5_000):  # one a second, through a window of a minute
        sighting = Sighting(number * 1_000, EventId(str(number)))
        window.add(AccountId(str(number)), sighting, (60_000,))
        assert len(window.accounts) <= 2 * 60 + EXACT_ACCOUNTS + 1
    assert 59 <= window.count(0, 60_000) <= 60


@pytest.mark.parametrize("gap_panes", [1, PANES - 1, PANES, 10 * PANES])
def test_a_ring_slides_over_any_gap(gap_panes: int) -> None:
    ring = PaneRing(60_000)
    ring.move_to(0)
    ring.add(0, 3)
    ring.move_to(gap_panes * ring.pane_ms)
    assert ring.total == (3 if gap_panes < PANES else 0)
    ring.move_to(0)  # never back
    assert ring.head == gap_panes
    ring.add((gap_panes - PANES) * ring.pane_ms, 1)  # too late for it
    ring.add((gap_panes + 1) * ring.pane_ms, 1)  # not there yet
    assert ring.total == sum(ring.counts) == (3 if gap_panes < PANES else 0)
