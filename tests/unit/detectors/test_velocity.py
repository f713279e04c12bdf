"""Velocity: a burst is caught whole, from its first account to its last."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, EventId, Facet, Mode
from contracts.ruleset import Ruleset
from contracts.signal import Signal
from detectors.velocity import FacetSighting, Velocity
from tests.traffic import START_MS, rule, ruleset

RULES = ruleset(rule((3, 30), (5, 60)))


def sighting(account: int | str, at_s: float = 0, *, facet: str = "device:d") -> FacetSighting:
    return FacetSighting(
        facet=Facet(facet),
        account_id=AccountId(str(account)),
        event_id=EventId(f"{account}@{at_s:g}"),
        occurred_at_ms=START_MS + int(at_s * 1_000),
    )


def observed(velocity: Velocity, *seen: FacetSighting) -> list[list[Signal]]:
    return [list(velocity.observe(one)) for one in seen]


def who(signals: list[Signal]) -> list[str]:
    return [signal.account_id for signal in signals]


def test_the_first_accounts_are_flagged_once_it_is_seen_to_be_a_burst() -> None:
    first, second, third = observed(Velocity(RULES), *(sighting(n, n) for n in range(3)))
    assert first == second == []
    assert who(third) == ["0", "1", "2"]
    assert [signal.event_id for signal in third] == ["0@0", "1@1", "2@2"]
    assert [signal.points for signal in third] == [30, 30, 30]
    assert third[0].evidence == {
        "facet": "device:d",
        "accounts": 3,
        "window": "1h",
        "since": "2026-05-04T18:00:00Z",
        "retroactive": True,
    }
    assert "retroactive" not in third[2].evidence
    assert all(signal.ties and signal.facet == "device:d" for signal in third)


def test_each_newcomer_is_flagged_alone_until_the_next_level_flags_all() -> None:
    *_, third, fourth, fifth, sixth = observed(Velocity(RULES), *(sighting(n) for n in range(6)))
    assert who(third) == ["0", "1", "2"]
    assert who(fourth) == ["3"]
    assert who(fifth) == ["0", "1", "2", "3", "4"]
    assert {signal.points for signal in fifth} == {60}
    assert (who(sixth), sixth[0].points) == (["5"], 60)


def test_an_account_that_comes_again_is_not_flagged_again() -> None:
    velocity = Velocity(RULES)
    observed(velocity, *(sighting(n) for n in range(3)))
    assert observed(velocity, sighting(1, 5), sighting(1), sighting(2, 6)) == [[], [], []]


def test_the_window_slides() -> None:
    velocity = Velocity(RULES)
    spread = [sighting(n, n * 1_800) for n in range(10)]  # never three in one hour
    assert not any(observed(velocity, *spread))


def test_a_burst_after_a_quiet_spell_is_a_burst_of_its_own() -> None:
    velocity = Velocity(RULES)
    observed(velocity, *(sighting(n, n) for n in range(3)))
    late = observed(velocity, *(sighting(n, 10_000 + n) for n in range(10, 13)))
    assert late[:2] == [[], []]
    assert who(late[2]) == ["10", "11", "12"]
    assert late[2][0].evidence["since"] == "2026-05-04T20:46:50Z"


def test_one_who_left_the_window_and_comes_back_is_a_newcomer() -> None:
    velocity = Velocity(RULES)
    observed(velocity, *(sighting(n, n) for n in range(3)))
    observed(velocity, *(sighting(n, 3_000) for n in range(3, 6)))
    assert who(observed(velocity, sighting(0, 3_700))[0]) == ["0"]


def test_a_late_sighting_counts_where_it_belongs() -> None:
    velocity = Velocity(RULES)
    signals = observed(velocity, sighting(0, 100), sighting(1, 50), sighting(2, 0))
    assert who(signals[2]) == ["0", "1", "2"]
    assert signals[2][0].evidence["since"] == "2026-05-04T18:00:00Z"


def test_one_that_comes_too_late_for_the_window_is_not_of_the_burst() -> None:
    velocity = Velocity(RULES)
    observed(velocity, *(sighting(n, 100_000) for n in range(3)))
    assert observed(velocity, sighting("late", 0)) == [[]]
    assert who(observed(velocity, sighting("in time", 99_000))[0]) == ["in time"]


@pytest.mark.parametrize(("mode", "signals"), [("live", 3), ("shadow", 3), ("off", 0)])
def test_shadow_rules_signal_but_do_not_tie_and_rules_that_are_off_do_neither(
    mode: Mode, signals: int
) -> None:
    velocity = Velocity(ruleset(rule((3, 30), mode=mode)))
    *_, third = observed(velocity, *(sighting(n) for n in range(3)))
    assert len(third) == signals
    assert {signal.mode for signal in third} <= {mode}
    assert all(signal.ties == (mode == "live") for signal in third)
    assert len(velocity) == (mode != "off")


def test_rules_of_one_facet_are_counted_each_in_its_window() -> None:
    short, long = rule((2, 10), window=60), rule((3, 20), window=3_600)
    velocity = Velocity(ruleset(short, long))
    _, second, third = observed(velocity, sighting(0), sighting(1, 600), sighting(2, 620))
    assert second == []
    assert sorted((signal.code, signal.account_id) for signal in third) == [
        ("velocity.device.3600s", "0"),
        ("velocity.device.3600s", "1"),
        ("velocity.device.3600s", "2"),
        ("velocity.device.60s", "1"),
        ("velocity.device.60s", "2"),
    ]


def test_a_facet_that_no_rule_counts_is_not_kept() -> None:
    velocity = Velocity(RULES)
    assert observed(velocity, *(sighting(n, facet="ip:192.0.2.1") for n in range(9))) == [[]] * 9
    assert len(velocity) == 0


def test_the_facet_longest_unseen_goes_first() -> None:
    velocity = Velocity(RULES, max_facets=2)
    observed(velocity, sighting(0, facet="device:a"), sighting(1, facet="device:a"))
    observed(velocity, sighting(0, facet="device:b"))
    observed(velocity, sighting(0, facet="device:a"))  # seen again: now b is the oldest
    observed(velocity, sighting(0, facet="device:c"))
    assert len(velocity) == 2
    assert who(observed(velocity, sighting(2, facet="device:a"))[0]) == ["0", "1", "2"]
    observed(velocity, sighting(1, facet="device:b"))
    assert observed(velocity, sighting(2, facet="device:b")) == [[]]  # b began anew


@given(
    st.lists(st.tuples(st.integers(0, 25), st.integers(0, 3_599)), max_size=60),
    st.sampled_from([RULES, ruleset(rule((2, 10), (4, 20), (8, 40), (17, 80)))]),
)
def test_within_one_window_everyone_ends_with_the_points_of_the_whole(
    seen: list[tuple[int, int]], rules: Ruleset
) -> None:
    """However they come: all have the points of the level that was reached, or nobody has any."""
    velocity = Velocity(rules)
    points: dict[str, int] = defaultdict(int)
    counted = 0
    for account, at_s in seen:
        for signal in velocity.observe(sighting(account, at_s)):
            points[signal.account_id] = max(points[signal.account_id], signal.points)
            counted = max(counted, signal.evidence["accounts"])
    accounts = {str(account) for account, _ in seen}
    levels = rules.velocity[0].levels
    level = rules.velocity[0].level_for(counted)
    if level:
        assert dict(points) == dict.fromkeys(accounts, levels[level - 1].points)
    if len(accounts) <= 16:  # exact up to here
        assert level == rules.velocity[0].level_for(len(accounts))
