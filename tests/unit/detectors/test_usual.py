"""Surprise in the engine: one rule for a home router and a gateway, in any order of arrival."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from heapq import merge

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.surprise import DAY_MS, HOUR_MS, START_MS, UNIVERSITY, WINDOW_MS, attack, town
from contracts.ids import AccountId, Code, EventId, Facet
from contracts.ruleset import Level, Ruleset, VelocityRule
from contracts.signal import Signal
from detectors.sighting import Sighting, sighting_text
from detectors.usual import Usual
from detectors.velocity import Velocity
from tests.traffic import ruleset

DAYS = 15
NOON_MS = START_MS + (DAYS - 1) * DAY_MS + 12 * HOUR_MS


def surprising(*bits: int, window: int = 600, min_accounts: int = 4) -> Ruleset:
    return ruleset(
        VelocityRule(
            code=Code("velocity.ip.surprise"),
            facet="ip",
            window=window,
            measure="surprise",
            min_accounts=min_accounts,
            levels=tuple(Level(at_least=level, points=level) for level in bits),
            group="any",
        )
    )


RULES = surprising(20)


@cache
def usual_days() -> tuple[tuple[int, str], ...]:
    """When an account came to which facet, up to the attack."""
    traffic = town(3, homes=200, days=DAYS)
    del traffic["carrier"]
    return tuple(
        (at_ms, name)
        for at_ms, name in merge(
            *([(at_ms, name) for at_ms in times] for name, times in traffic.items())
        )
        if at_ms < NOON_MS
    )


def sighting(account: str, at_ms: int, facet: str) -> Sighting:
    text = sighting_text(at_ms, AccountId(account), EventId(f"e{account}"))
    return Sighting(at_ms, text, (Facet(f"ip:{facet}"),))


def after_usual_days() -> tuple[Velocity, list[Signal]]:
    velocity = Velocity(RULES)
    signals = []
    for number, (at_ms, facet) in enumerate(usual_days()):
        signals += velocity.observe(sighting(str(number), at_ms, facet))
    return velocity, signals


def test_at_its_usual_rate_nothing_surprises() -> None:
    _, signals = after_usual_days()
    late = [signal for signal in signals if signal.occurred_at_ms > START_MS + 7 * DAY_MS]
    assert late == []


@pytest.mark.parametrize(
    ("facet", "accounts", "fires"),
    [
        ("home7", 5, True),
        ("never seen", 5, True),
        ("home7", 3, False),
        ("university0", 10, False),  # six times the usual of a noon
        ("university0", 33, True),  # twenty times
    ],
)
def test_one_rule_serves_a_home_router_and_a_gateway(
    facet: str, accounts: int, *, fires: bool
) -> None:
    velocity, _ = after_usual_days()
    signals: list[Signal] = []
    for number, at_ms in enumerate(attack(NOON_MS, accounts, WINDOW_MS, random.Random(1))):
        signals += velocity.observe(sighting(f"new{number}", at_ms, facet))
    assert {signal.account_id for signal in signals} >= (
        {f"new{number}" for number in range(accounts)} if fires else set()
    )
    assert bool(signals) == fires
    if signals:
        assert dict(signals[0].evidence) == {
            "facet": f"ip:{facet}",
            "surprise_bits": 20,
            "accounts": 4,
            "window": "10m",
            "since": signals[0].evidence["since"],
        }


def test_a_rush_of_six_times_the_usual_passes_and_twenty_times_does_not() -> None:
    per_window = 10 * UNIVERSITY.rate(12 * 60, 1.0)
    for times, fires in ((1, False), (6, False), (20, True)):
        velocity, _ = after_usual_days()
        rush = attack(NOON_MS, round(times * per_window), WINDOW_MS, random.Random(2))
        signals = [
            signal
            for number, at_ms in enumerate(rush)
            for signal in velocity.observe(sighting(f"new{number}", at_ms, "university1"))
        ]
        assert bool(signals) == fires, times


Seen = tuple[int, int, str]
"""Account, second, facet."""


def told(rules: Ruleset, seen: Iterable[Seen]) -> dict[tuple[str, str], tuple[int, object]]:
    velocity = Velocity(rules)
    standing: dict[tuple[str, str], tuple[int, object]] = {}
    for account, at_s, facet in seen:
        at_ms = START_MS + at_s * 1_000
        text = sighting_text(at_ms, AccountId(str(account)), EventId(f"{account}@{at_s}"))
        one = Sighting(at_ms, text, (Facet(f"ip:{facet}"),))
        for signal in velocity.observe(one):
            assert signal.burst is not None
            key = (signal.event_id, signal.burst.facet)
            before = standing.get(key)
            assert before is None or before[0] <= signal.points
            standing[key] = (signal.points, signal.evidence)
    return standing


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 5_000), st.sampled_from("abc")), max_size=120
    ),
    st.sampled_from([1, 7, 61, 600]),
    st.integers(0, 120),
    st.randoms(use_true_random=False),
)
@example([(n, n * 40, "aab"[n % 3]) for n in range(120)], 61, 120, random.Random(4))
@example([(n % 20, n * 13, "abc"[n % 3]) for n in range(120)], 600, 120, random.Random(5))
def test_what_surprises_does_not_depend_on_the_order_within_the_lateness(
    seen: list[Seen], window: int, lateness: int, chance: random.Random
) -> None:
    rules = surprising(1, 2, 5, window=window, min_accounts=2)
    rules = rules.model_copy(update={"lateness": lateness})
    in_order = sorted(seen, key=lambda one: one[1])
    shuffled = sorted(seen, key=lambda one: one[1] + chance.uniform(0, lateness))
    again = [
        one
        for at, last in enumerate(in_order)
        for one in (last, *in_order[max(0, at - 1) : at])
        if last[1] - one[1] <= lateness
    ]
    expected = told(rules, in_order)
    assert told(rules, shuffled) == expected
    assert told(rules, again) == expected


def learnt(facet: str, accounts: Iterable[tuple[str, int]], *, budget_bytes: int = 10**6) -> float:
    """The mean that is expected in the end."""
    usual = Usual(window_ms=60_000, pane_ms=1_000, lateness_ms=0, budget_bytes=budget_bytes)
    last_ms = 0
    for account, at_s in accounts:
        last_ms = START_MS + at_s * 1_000
        usual.see(Facet(facet), AccountId(account), last_ms)
        usual.see(Facet("ip:clock"), AccountId(account), last_ms)
    return usual.expected(Facet(facet), last_ms // 1_000).mean


def test_an_account_that_comes_often_teaches_as_much_as_one_that_comes_once_a_block() -> None:
    once = learnt("ip:a", [*((f"a{n}", n * 60) for n in range(100)), ("end", 10_000)])
    often = [(f"a{n}", n * 60 + second) for n in range(100) for second in (0, 5, 30)]
    assert learnt("ip:a", [*often, ("end", 10_000)]) == pytest.approx(once)


def test_more_accounts_than_are_counted_exactly_teach_about_right() -> None:
    crowd = [(f"{minute}-{n}", minute * 61) for minute in range(60) for n in range(500)]
    assert learnt("ip:a", crowd) == pytest.approx(500, rel=0.2)


def test_memory_is_bounded_and_a_flood_does_not_wash_away_what_is_known() -> None:
    usual = Usual(window_ms=60_000, pane_ms=1_000, lateness_ms=0, budget_bytes=400_000)
    for second in range(3_000):
        at_ms = START_MS + second * 1_000
        for number in range(3):
            usual.see(Facet(f"ip:{second}-{number}"), AccountId("flood"), at_ms)
        usual.see(Facet("ip:gateway"), AccountId(f"{second}"), at_ms)
    assert 0 < len(usual) <= 500
    pane = START_MS // 1_000 + 2_999
    assert usual.expected(Facet("ip:gateway"), pane).mean == pytest.approx(60, rel=0.1)
    assert usual.expected(Facet("ip:0-0"), pane).mean < 1


def test_what_comes_too_late_teaches_nothing() -> None:
    seen = [(f"a{n}", n * 30) for n in range(100)]
    assert learnt("ip:a", [*seen, ("late", 100), ("end", 3_000)]) == learnt(
        "ip:a", [*seen, ("end", 3_000)]
    )
