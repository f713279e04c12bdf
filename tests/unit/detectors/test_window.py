"""A facet's window: what it counts, at its edges too."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import Facet
from detectors.pane import PANES
from detectors.window import FacetWindow, Reached

PANE_MS = 1_000
WINDOW_MS = PANES * PANE_MS


def added(times: list[int]) -> FacetWindow:
    window = FacetWindow(Facet("ip:192.0.2.1"), 1)
    for number, at_ms in enumerate(times):
        add(window, at_ms, number)
    return window


def add(window: FacetWindow, at_ms: int, account: int, event: str = "") -> None:
    window.add(at_ms, f"{at_ms}\0a{account}\0{event or f'e{account}'}")


def events(window: FacetWindow) -> list[str]:
    return [text.split("\0")[2] for text in window.texts]


def repeats(window: FacetWindow) -> int:
    return len(window) - window.accounts(0, len(window))


@given(st.lists(st.integers(0, 3 * WINDOW_MS), min_size=1, max_size=60))
def test_a_count_misses_at_most_what_lies_in_the_oldest_sixtieth(times: list[int]) -> None:
    newest = max(times)
    counted: list[int] = []

    def level_of(_: FacetWindow, begin: int, end: int, pane: int) -> Reached:
        assert pane == newest // PANE_MS
        counted.append(end - begin)
        return 0, 0

    window = added(sorted(times))
    window.reach(0, PANE_MS, len(times) - 1, level_of)
    within = [at_ms for at_ms in times if newest - WINDOW_MS < at_ms]
    surely = [at_ms for at_ms in times if newest - WINDOW_MS + PANE_MS <= at_ms]
    assert len(surely) <= counted[0] <= len(within)


@given(st.permutations(range(8)))
def test_sightings_lie_in_the_order_of_time_and_a_repeat_is_none(order: list[int]) -> None:
    window = FacetWindow(Facet("ip:192.0.2.1"), 1)
    for number in [*order, *order]:
        add(window, number // 2, number)
    assert window.times == [0, 0, 1, 1, 2, 2, 3, 3]
    assert sorted(events(window)) == [f"e{number}" for number in range(8)]
    assert not repeats(window)


@pytest.mark.parametrize("asked_early", [False, True])
@pytest.mark.parametrize("accounts", [3, 100])
def test_an_account_that_comes_again_is_known(accounts: int, asked_early: bool) -> None:
    window = added(list(range(accounts)))
    if asked_early:
        assert not repeats(window)
    add(window, accounts, 0, "again")
    assert repeats(window) == 1
    window.forget(1)
    assert not repeats(window)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 5), st.sampled_from([0, 0, 0, 1, 5])),
        max_size=30,
    )
)
def test_accounts_are_counted_as_in_a_set(seen: list[tuple[int, int, int]]) -> None:
    window = added([])
    kept: list[tuple[int, int]] = []
    for number, (at_ms, account, forgotten) in enumerate(seen):
        add(window, at_ms, account, f"e{number}")
        kept = sorted([*kept, (at_ms, account)], key=lambda one: one[0])
        if forgotten:
            window.forget(min(forgotten, len(kept)))
            del kept[:forgotten]
        edges = [at for at in range(len(kept)) if at == 0 or kept[at - 1][0] < kept[at][0]]
        for begin, end in combinations([*edges, len(kept)], 2):
            accounts = {account for _, account in kept[begin:end]}
            assert window.accounts(begin, end) == len(accounts)


def test_many_at_the_same_moment_can_be_let_go_too() -> None:
    window = added([5] * 100)
    window.forget(60)
    assert (len(window), events(window)[0]) == (40, "e60")
