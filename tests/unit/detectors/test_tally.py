"""Facets with more sightings than are kept: counted in panes, with the error said."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import Any

import pytest

from contracts.ids import AccountId, Code, EventId, Facet
from contracts.ruleset import Level, Measure, Ruleset, VelocityRule
from contracts.signal import Signal
from detectors import velocity as velocity_module
from detectors.distinct import RELATIVE_STANDARD_ERROR
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import MAX_SIGHTINGS, Velocity
from tests.traffic import START_MS, rule, ruleset

ACCOUNTS = 100_000


def counting(measure: Measure, *levels: int, window: int = 3_600, **more: Any) -> Ruleset:
    return ruleset(
        VelocityRule(
            code=Code("velocity.counted"),
            facet="ip",
            window=window,
            measure=measure,
            levels=tuple(Level(at_least=level, points=at) for at, level in enumerate(levels, 1)),
            group="any",
            **more,
        )
    )


def sighting(number: int, at_ms: int, *, account: int | None = None) -> Sighting:
    at_ms += START_MS
    account_id = AccountId(f"a{number if account is None else account}")
    return Sighting(
        at_ms,
        sighting_text(at_ms, account_id, EventId(f"e{number}")),
        (Facet("ip:192.0.2.1"),),
        (("country", f"c{number}"),),
    )


@pytest.mark.parametrize(
    ("measure", "more"), [("accounts", {}), ("events", {}), ("distinct", {"of": "country"})]
)
def test_a_hundred_thousand_reach_a_level_of_fifty_thousand(
    measure: Measure, more: dict[str, Any]
) -> None:
    velocity = Velocity(counting(measure, 10, 1_000, 50_000, **more))
    points: list[int] = []
    spent: list[float] = []
    for number in range(ACCOUNTS):
        if number % 10_000 == 0:
            spent.append(time.process_time())
        signals = velocity.observe(sighting(number, number * 20))
        own = [signal for signal in signals if signal.event_id == f"e{number}"]
        points.append(own[0].points if own else 0)
    spent.append(time.process_time())
    first = points.index(3)
    assert first == pytest.approx(50_000, rel=3 * RELATIVE_STANDARD_ERROR)
    assert all(points[MAX_SIGHTINGS:first])  # newcomers go on being flagged
    assert set(points[int(50_000 * 1.1) :]) == {3}
    [evidence] = [one.evidence for one in signals if one.event_id == f"e{ACCOUNTS - 1}"]
    assert evidence[measure] == 50_000
    assert evidence["estimated"] is True
    assert evidence["error"] == pytest.approx(50_000 * RELATIVE_STANDARD_ERROR, abs=1)
    tenths = [later - one for one, later in pairwise(spent)]
    assert min(tenths[7:]) < 3 * min(tenths[1:4])  # a tenth costs what it cost before


def test_surprise_is_reached_beyond_what_is_kept() -> None:
    velocity = Velocity(counting("surprise", 20, window=600, min_accounts=5_000))
    fired = [number for number in range(10_000) if velocity.observe(sighting(number, number * 50))]
    assert fired[0] == pytest.approx(5_000, rel=3 * RELATIVE_STANDARD_ERROR)


def test_what_is_counted_exactly_is_not_called_an_estimate() -> None:
    velocity = Velocity(ruleset(rule((3, 30), (500, 60), facet="ip")))
    signals: list[Signal] = []
    for number in range(2 * MAX_SIGHTINGS):
        signals = velocity.observe(sighting(number, number * 10))
    assert signals[0].points == 60
    assert "estimated" not in signals[0].evidence


def test_one_account_a_thousand_times_over_is_one() -> None:
    velocity = Velocity(counting("accounts", 2_500))
    for number in range(3 * MAX_SIGHTINGS):
        assert not velocity.observe(sighting(number, number * 10, account=number % 50))


def test_once_the_crowd_is_gone_all_is_exact_again() -> None:
    velocity = Velocity(ruleset(rule((3, 30), (2_500, 60), facet="ip")))
    for number in range(6_000):
        velocity.observe(sighting(number, number * 10))
    table = velocity._kinds["ip"].table
    assert table.tallies == 1
    later = [
        velocity.observe(sighting(10_000 + number, 100_000_000 + number)) for number in range(5)
    ]
    assert [len(signals) for signals in later] == [0, 0, 3, 1, 1]
    assert (len(table.windows), table.tallies) == (1, 0)
    assert all(window.tally is None for window in table.windows.values())


def test_a_snapshot_holds_the_counts() -> None:
    rules = counting("accounts", 10, 5_000)
    velocity, copy = Velocity(rules), Velocity(rules)
    for number in range(4_000):
        velocity.observe(sighting(number, number * 20))
    for piece in velocity.snapshot():
        copy.load(piece)
    for number in range(4_000, 7_000):
        one = sighting(number, number * 20)
        assert copy.observe(one) == velocity.observe(one)


def test_in_any_order_within_the_lateness_the_counts_come_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(velocity_module, "MAX_SIGHTINGS", 100)
    chance = random.Random(1)
    seen = [sighting(number, number * 500) for number in range(3_000)]
    shuffled = sorted(seen, key=lambda one: one.at_ms + chance.uniform(0, 120_000))

    def last_points(sightings: list[Sighting]) -> int:
        velocity = Velocity(counting("accounts", 50, 300, 700, 1_000, 2_000))
        told = [signal for one in sightings for signal in velocity.observe(one)]
        return max(signal.points for signal in told)

    assert last_points(shuffled) == last_points(seen) == 5
