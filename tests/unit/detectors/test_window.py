"""A facet's window: what it counts, at its edges too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, EventId, Facet
from detectors.pane import PANES
from detectors.window import FacetWindow

PANE_MS = 1_000
WINDOW_MS = PANES * PANE_MS


def added(times: list[int]) -> FacetWindow:
    window = FacetWindow(Facet("ip:192.0.2.1"), 1)
    for number, at_ms in enumerate(times):
        window.add(at_ms, AccountId(f"a{number}"), EventId(f"e{number}"))
    return window


@given(st.lists(st.integers(0, 3 * WINDOW_MS), min_size=1, max_size=60))
def test_a_count_misses_at_most_what_lies_in_the_oldest_sixtieth(times: list[int]) -> None:
    newest = max(times)
    counted: list[int] = []

    def level_of(_: FacetWindow, begin: int, end: int, pane: int) -> int:
        assert pane == newest // PANE_MS
        counted.append(end - begin)
        return 0

    window = added(sorted(times))
    window.reach(0, PANE_MS, len(times) - 1, level_of)
    within = [at_ms for at_ms in times if newest - WINDOW_MS < at_ms]
    surely = [at_ms for at_ms in times if newest - WINDOW_MS + PANE_MS <= at_ms]
    assert len(surely) <= counted[0] <= len(within)


@given(st.permutations(range(8)))
def test_sightings_lie_in_the_order_of_time_and_a_repeat_is_none(order: list[int]) -> None:
    window = FacetWindow(Facet("ip:192.0.2.1"), 1)
    for number in [*order, *order]:
        window.add(number // 2, AccountId(f"a{number}"), EventId(f"e{number}"))
    assert window.times == [0, 0, 1, 1, 2, 2, 3, 3]
    assert sorted(window.events) == [f"e{number}" for number in range(8)]
    assert not window.has_repeats


@pytest.mark.parametrize("accounts", [3, 100])
def test_an_account_that_comes_again_is_known(accounts: int) -> None:
    window = added(list(range(accounts)))
    known = [window.has_repeats]
    window.add(accounts, AccountId("a0"), EventId("again"))
    known.append(window.has_repeats)
    window.forget(1)
    known.append(window.has_repeats)
    assert known == [False, True, False]


def test_many_at_the_same_moment_can_be_let_go_too() -> None:
    window = added([5] * 100)
    window.forget(60)
    assert (len(window), window.events[0]) == (40, "e60")
