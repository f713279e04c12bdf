"""Velocity: a burst is caught whole, from its first account to its last, in whatever order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.ids import AccountId, Code, EventId, Facet, Mode
from contracts.ruleset import Level, Measure, Ruleset, VelocityRule
from contracts.signal import Signal
from detectors.pane import PANES
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import MAX_SIGHTINGS, Velocity
from tests.traffic import START_MS, rule, ruleset

RULES = ruleset(rule((3, 30), (5, 60)))


def sighting(
    account: int | str,
    at_s: float = 0,
    *,
    facet: str = "device:d",
    event: str = "",
    values: tuple[tuple[str, str], ...] = (),
    is_new: bool = False,
) -> Sighting:
    at_ms = START_MS + int(at_s * 1_000)
    return Sighting(
        at_ms,
        sighting_text(at_ms, AccountId(str(account)), EventId(event or f"{account}@{at_s:g}")),
        (Facet(facet),),
        values,
        is_new,
    )


def observed(velocity: Velocity, *seen: Sighting) -> list[list[Signal]]:
    return [velocity.observe(one) for one in seen]


def who(signals: list[Signal]) -> list[str]:
    return [signal.account_id for signal in signals]


def measuring(measure: Measure, *levels: int, window: int = 3_600, **more: str | int) -> Ruleset:
    return ruleset(
        VelocityRule.model_validate(
            {
                "code": Code("velocity.measured"),
                "facet": "device",
                "window": window,
                "measure": measure,
                "levels": [Level(at_least=level, points=level) for level in levels],
                "group": "any",
                **more,
            }
        )
    )


def test_the_first_accounts_are_flagged_once_it_is_seen_to_be_a_burst() -> None:
    first, second, third = observed(Velocity(RULES), *(sighting(n, n) for n in range(3)))
    assert first == second == []
    assert who(third) == ["0", "1", "2"]
    assert [signal.event_id for signal in third] == ["0@0", "1@1", "2@2"]
    assert [signal.points for signal in third] == [30, 30, 30]
    assert third[0].evidence == third[2].evidence
    assert third[0].evidence == {
        "facet": "device:d",
        "accounts": 3,
        "window": "1h",
        "since": "2026-05-04T18:00:00Z",
    }
    assert all(signal.burst and signal.burst.ties for signal in third)


def test_each_newcomer_is_flagged_alone_until_the_next_level_flags_all() -> None:
    *_, third, fourth, fifth, sixth = observed(Velocity(RULES), *(sighting(n, n) for n in range(6)))
    assert who(third) == ["0", "1", "2"]
    assert who(fourth) == ["3"]
    assert who(fifth) == ["0", "1", "2", "3", "4"]
    assert {signal.points for signal in fifth} == {60}
    assert (who(sixth), sixth[0].points) == (["5"], 60)


def test_a_repeated_event_changes_nothing_and_hears_its_own_standing_again() -> None:
    velocity = Velocity(RULES)
    *_, third = observed(velocity, *(sighting(n, n) for n in range(3)))
    again = observed(velocity, sighting(2, 2), sighting(0, 0))
    assert [who(signals) for signals in again] == [["2"], ["0"]]
    assert again[0][0] == third[2]
    assert (
        observed(velocity, sighting(9, 3))[0][0].points == 30
    )  # the fourth account, not the sixth


def test_one_account_however_often_it_comes_is_one() -> None:
    assert not any(observed(Velocity(RULES), *(sighting("a", at_s) for at_s in range(50))))


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
    assert late[2][0].evidence["since"] == "2026-05-04T20:46:00Z"  # to the minute: a pane of 1 h


def test_a_late_sighting_counts_where_it_belongs() -> None:
    velocity = Velocity(RULES)
    signals = observed(velocity, sighting(0, 100), sighting(1, 50), sighting(2, 0))
    assert who(signals[2]) == ["2", "1", "0"]
    assert {signal.evidence["since"] for signal in signals[2]} == {"2026-05-04T18:01:00Z"}


def test_a_level_is_reached_also_where_two_come_in_the_same_millisecond() -> None:
    velocity = Velocity(ruleset(rule((10, 30))))
    times = [*range(8), 7, 9]  # the eighth makes a window, which then may rest for one sighting
    told = observed(velocity, *(sighting(n, at_s) for n, at_s in enumerate(times)))
    assert [len(signals) for signals in told] == [0] * 9 + [10]


def test_one_that_lies_before_the_window_is_not_of_the_burst() -> None:
    velocity = Velocity(RULES)
    observed(velocity, *(sighting(n, 100_000) for n in range(3)))
    assert observed(velocity, sighting("late", 0)) == [[]]
    assert "in time" in who(observed(velocity, sighting("in time", 99_000))[0])


@pytest.mark.parametrize(("mode", "signals"), [("live", 3), ("shadow", 3), ("off", 0)])
def test_shadow_rules_signal_but_do_not_tie_and_rules_that_are_off_do_neither(
    mode: Mode, signals: int
) -> None:
    velocity = Velocity(ruleset(rule((3, 30), mode=mode)))
    *_, third = observed(velocity, *(sighting(n) for n in range(3)))
    assert len(third) == signals
    assert {signal.mode for signal in third} <= {mode}
    assert all(signal.burst and signal.burst.ties == (mode == "live") for signal in third)
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


def test_what_no_window_reaches_any_more_is_let_go() -> None:
    velocity = Velocity(RULES)
    for hour in range(24):
        observed(
            velocity,
            *(
                sighting(f"{hour}-{n}", hour * 3_600 + n, facet=f"device:{hour}-{n % 50}")
                for n in range(200)
            ),
        )
    assert len(velocity) <= 150


def test_one_huge_facet_stays_bounded_and_flags_every_newcomer() -> None:
    velocity = Velocity(RULES)
    told = observed(velocity, *(sighting(n, n / 100) for n in range(3 * MAX_SIGHTINGS)))
    assert all(str(n) in who(signals) for n, signals in enumerate(told[4:], 4))


def test_events_are_counted_each_once() -> None:
    velocity = Velocity(measuring("events", 3, 5))
    told = observed(velocity, *(sighting("a", at_s) for at_s in (0, 1, 1, 2, 3)))
    assert [len(signals) for signals in told] == [0, 0, 0, 3, 1]
    assert told[3][0].evidence["events"] == 3


def test_distinct_values_of_another_kind_are_counted() -> None:
    velocity = Velocity(measuring("distinct", 3, of="country"))
    seen = [
        sighting(n, n, values=(("country", country),) if country else ())
        for n, country in enumerate(["DE", "DE", "", "FR", "DE", "JP"])
    ]
    *before, last = observed(velocity, *seen)
    assert not any(before)
    assert len(last) == 6
    assert last[0].evidence == {
        "facet": "device:d",
        "distinct": 3,
        "of": "country",
        "window": "1h",
        "since": "2026-05-04T18:00:00Z",
    }


def test_the_share_of_new_accounts_counts_from_enough_accounts_on() -> None:
    velocity = Velocity(measuring("new_account_share", 75, min_accounts=4))
    seen = [sighting(n, n, is_new=n != 1) for n in range(4)]
    *before, last = observed(velocity, *seen)
    assert not any(before)
    assert len(last) == 4
    assert last[0].evidence["new_accounts_percent"] == 75


Seen = tuple[int, int]
"""Account and second."""


def truth(seen: Iterable[Seen], rule: VelocityRule) -> dict[str, tuple[int, int]]:
    """By the definition: each event's points, and since when its burst lasts."""
    events = sorted({(at_s * 1_000, str(account)) for account, at_s in seen})
    pane_ms = max(1, rule.window * 1_000 // PANES)
    panes = sorted({(START_MS + at_ms) // pane_ms for at_ms, _ in events})

    def level(pane: int) -> int:
        accounts = {
            account
            for at_ms, account in events
            if pane - PANES < (START_MS + at_ms) // pane_ms <= pane
        }
        return rule.level_for(len(accounts))

    hot = [pane for pane in panes if level(pane)]
    starts = [pane for before, pane in pairwise([-(10**12), *hot]) if pane - before > PANES]
    found = {}
    for at_ms, account in events:
        own = (START_MS + at_ms) // pane_ms
        reached = [pane for pane in hot if own <= pane < own + PANES]
        if reached:
            points = rule.levels[max(map(level, reached)) - 1].points
            since = max(start for start in starts if start <= reached[0])
            found[f"{account}@{at_ms / 1_000:g}"] = (points, since * pane_ms)
    return found


def told(velocity: Velocity, seen: Iterable[Seen]) -> dict[str, tuple[int, int]]:
    standing: dict[str, tuple[int, int]] = {}
    for account, at_s in seen:
        for signal in velocity.observe(sighting(account, at_s)):
            assert signal.burst is not None
            before = standing.get(signal.event_id)
            assert before is None or (
                before[0] <= signal.points and before[1] >= signal.burst.since_ms
            )
            standing[signal.event_id] = (signal.points, signal.burst.since_ms)
    return standing


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40_000)), max_size=80),
    st.sampled_from([1, 7, 60, 600, 3_600]),
    st.randoms(use_true_random=False),
    st.integers(0, 120),
)
@example([(0, 0), (1, 3_599), (2, 3_600), (3, 7_300)], 3_600, random.Random(0), 120)
def test_what_each_has_in_the_end_is_the_definition_in_any_order_within_the_lateness(
    seen: list[Seen], window: int, chance: random.Random, lateness: int
) -> None:
    rules = ruleset(rule((2, 10), (3, 20), (6, 40), window=window))
    in_order = sorted(seen, key=lambda one: one[1])
    shuffled = sorted(seen, key=lambda one: one[1] + chance.uniform(0, lateness))
    expected = truth(seen, rules.velocity[0])
    assert told(Velocity(rules), in_order) == expected
    assert told(Velocity(rules), shuffled) == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9_000)), max_size=60))
def test_events_that_come_again_change_nothing(seen: list[Seen]) -> None:
    in_order = sorted(seen, key=lambda one: one[1])
    again = [
        one for at, one in enumerate(in_order) for one in (one, *in_order[max(0, at - 2) : at])
    ]
    assert told(Velocity(RULES), again) == truth(seen, RULES.velocity[0])
