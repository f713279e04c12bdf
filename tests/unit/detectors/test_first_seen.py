"""Fresh facets: what nobody had seen until lately, in any order, within any memory."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvalidRuleset
from contracts.ids import AccountId, Code, EventId, Facet
from contracts.ruleset import Level, Ruleset, VelocityRule, default_ruleset, parse_ruleset
from contracts.signal import Signal
from detectors.first_seen import BUCKETS, PERIOD_MS, FirstSeen
from detectors.pane import PANES
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import Velocity
from tests.traffic import START_MS, ruleset

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WINDOW_H = 24
WATCHED_H = 72
LATENESS_H = 1
SEEDS = st.integers(0, 1 << 32)


def fresh(*levels: int) -> Ruleset:
    return ruleset(
        VelocityRule(
            code=Code("velocity.email_domain.fresh"),
            facet="email_domain",
            window=WINDOW_H * 3_600,
            measure="fresh",
            watched_for=WATCHED_H * 3_600,
            levels=tuple(Level(at_least=level, points=level) for level in levels),
            group="any",
        )
    )


RULES = fresh(2, 4)

Seen = tuple[float, str, str]
"""Hour, domain and account."""


def sighting(seen: Seen) -> Sighting:
    hour, domain, account = seen
    at_ms = START_MS + int(hour * HOUR_MS)
    text = sighting_text(at_ms, AccountId(account), EventId(f"{account}@{hour:g}"))
    return Sighting(at_ms, text, (Facet(f"email_domain:{domain}"),))


def told(velocity: Velocity, seen: Iterable[Seen]) -> dict[str, int]:
    """Each event's points in the end."""
    points: dict[str, int] = {}
    for one in seen:
        for signal in velocity.observe(sighting(one)):
            assert points.get(signal.event_id, 0) <= signal.points
            points[signal.event_id] = signal.points
    return points


def one_of_each_bucket() -> list[str]:
    found: dict[int, str] = {}
    for number in range(5_000):
        name = f"{number}old{number**2}.example"
        found.setdefault(zlib.crc32(f"email_domain:{name}".encode()) % BUCKETS, name)
    assert len(found) == BUCKETS
    return sorted(found.values())


FIRST: list[Seen] = [(0.0, name, f"of {name}") for name in one_of_each_bucket()]
"""By which every bucket is watched from the first moment on."""


def watched(days: int = 30) -> list[Seen]:
    return FIRST + [(day * 24.0, "usual.example", f"usual{day}") for day in range(days)]


def test_accounts_on_a_domain_that_nobody_had_seen_are_told_the_first_ones_too() -> None:
    velocity = Velocity(RULES)
    assert told(velocity, watched(10)) == {}
    new = [(240.0 + number, "new.example", f"a{number}") for number in range(3)]
    assert told(velocity, new) == {"a0@240": 2, "a1@241": 2, "a2@242": 2}
    signals: list[Signal] = velocity.observe(sighting((243.0, "new.example", "a3")))
    assert [signal.points for signal in signals] == [4, 4, 4, 4]
    assert signals[0].evidence == {
        "facet": "email_domain:new.example",
        "accounts": 4,
        "unseen_before": True,
        "window": "24h",
        "since": "2026-05-14T18:48:00Z",
    }


def test_what_was_seen_before_is_never_fresh_again() -> None:
    velocity = Velocity(RULES)
    told(velocity, watched(10))
    once = [(240.0, "slow.example", "first")]
    burst = [(265.0 + number / 10, "slow.example", f"a{number}") for number in range(9)]
    assert told(velocity, [*once, *burst]) == {}


def test_nothing_is_fresh_before_the_stream_was_watched_long_enough() -> None:
    velocity = Velocity(RULES)
    begin = [(0.5, name, account) for _, name, account in FIRST]
    early = [(95.0 + number / 10, "early.example", f"e{number}") for number in range(9)]
    assert told(velocity, [*begin, *early]) == {}
    late = [(97.5 + number / 10, "late.example", f"l{number}") for number in range(3)]
    assert set(told(velocity, late)) == {"l0@97.5", "l1@97.6", "l2@97.7"}


def test_what_was_not_seen_for_three_periods_is_new_again() -> None:
    firsts = FirstSeen(pane_ms=HOUR_MS, watched_ms=DAY_MS, budget_bytes=1 << 20)
    facet = Facet("email_domain:x.example")
    asked = []
    for day in range(0, 400, 50):
        at_ms = START_MS + day * DAY_MS
        firsts.see(Facet(f"email_domain:{day}"), AccountId("b"), at_ms)
        if day == 0:
            firsts.see(facet, AccountId("a"), at_ms)
        elif day == 350:
            firsts.see(facet, AccountId("a"), at_ms)
            asked.append(firsts.is_fresh(facet, at_ms // HOUR_MS + 1))
        elif day == 100:
            asked.append(firsts.is_fresh(facet, at_ms // HOUR_MS + 1))
    assert asked == [False, True]


def truth(seen: Sequence[Seen]) -> dict[str, int]:
    """By the definition, of events in whatever order."""
    pane_ms = WINDOW_H * HOUR_MS // PANES
    events = [(START_MS + int(hour * HOUR_MS), domain, account) for hour, domain, account in seen]
    found: dict[str, int] = {}
    for domain in {domain for _, domain, _ in events}:
        own = [(at_ms, account) for at_ms, one, account in events if one == domain]
        first_ms = min(own)[0]
        for pane in {at_ms // pane_ms for at_ms, _ in own}:  # windows end where it is seen
            begin_ms = (pane - PANES + 1) * pane_ms
            if first_ms < begin_ms or begin_ms < START_MS + WATCHED_H * HOUR_MS:
                continue
            within = [one for one in own if begin_ms <= one[0] < (pane + 1) * pane_ms]
            points = (0, 2, 4)[RULES.velocity[0].level_for(len({account for _, account in within}))]
            for at_ms, account in within if points else ():
                name = f"{account}@{(at_ms - START_MS) / HOUR_MS:g}"
                found[name] = max(found.get(name, 0), points)
    return found


@given(
    st.lists(
        st.tuples(
            st.integers(60 * 60, 160 * 60).map(lambda minute: minute / 60),
            st.sampled_from(["a.example", "b.example", FIRST[0][1]]),
            st.sampled_from("uvwxyz"),
        ),
        max_size=40,
        unique_by=lambda one: (one[0], one[2]),
    ),
    SEEDS,
    st.booleans(),
)
@settings(max_examples=150)
def test_what_each_has_is_the_definition_in_any_order_within_the_lateness(
    seen: list[Seen], order: int, is_small: bool
) -> None:
    expected = truth([*FIRST, *seen])
    late_by = random.Random(order).uniform
    in_order = sorted(seen)
    shuffled = sorted(seen, key=lambda one: one[0] + late_by(0, LATENESS_H))
    for events in (in_order, shuffled):
        velocity = Velocity(RULES, budget_bytes=1 << 28)
        for usual in velocity._usuals.values():
            if isinstance(usual, FirstSeen) and is_small:
                usual._most_facets = 1
        assert told(velocity, [*FIRST, *events]) == expected


@given(SEEDS, st.sampled_from([2, 8, 64]))
@settings(max_examples=20)
def test_partitions_know_what_a_replay_knows(seed: int, partitions: int) -> None:
    chance = random.Random(seed)
    names = [f"d{number}.example" for number in range(60)]
    begun = [(chance.uniform(0, 72), name, f"of {name}") for _, name, _ in FIRST]
    events = sorted(
        [
            *begun,
            *(
                (chance.uniform(60, 240), chance.choice(names), f"a{number}")
                for number in range(600)
            ),
        ]
    )
    apart = [Velocity(RULES) for _ in range(partitions)]
    found: dict[str, int] = {}
    for one in events:
        partition = zlib.crc32(f"email_domain:{one[1]}".encode()) % partitions
        found |= told(apart[partition], [one])
    assert found == told(Velocity(RULES), events) != {}


@given(SEEDS, st.sampled_from([1 << 14, 1 << 17, 1 << 24]))
@settings(max_examples=20)
def test_a_sketch_calls_nothing_fresh_that_was_seen(seed: int, budget: int) -> None:
    chance = random.Random(seed)
    firsts = FirstSeen(pane_ms=HOUR_MS, watched_ms=0, budget_bytes=budget)
    seen = {
        Facet(f"email_domain:{number}"): START_MS + chance.randrange(200) * DAY_MS
        for number in range(1_000)
    }
    for facet, at_ms in sorted(seen.items(), key=lambda one: one[1]):
        firsts.see(facet, AccountId("a"), at_ms)
    pane = (START_MS + 210 * DAY_MS) // HOUR_MS
    assert not any(firsts.is_fresh(facet, pane) for facet in seen)


@given(SEEDS, st.sampled_from([1 << 14, 1 << 24]))
@settings(max_examples=20)
def test_a_snapshot_goes_on_as_the_whole(seed: int, budget: int) -> None:
    chance = random.Random(seed)
    whole = FirstSeen(pane_ms=HOUR_MS, watched_ms=DAY_MS, budget_bytes=budget)
    again = FirstSeen(pane_ms=HOUR_MS, watched_ms=DAY_MS, budget_bytes=1 << 20)
    events = [
        (START_MS + chance.randrange(300) * DAY_MS, Facet(f"email_domain:{chance.randrange(400)}"))
        for _ in range(2_000)
    ]
    for at_ms, facet in sorted(events):
        whole.see(facet, AccountId("a"), at_ms)
    for piece in whole.pieces():
        again.load(piece)
    panes = [(START_MS + day * DAY_MS) // HOUR_MS for day in range(300, 320, 5)]
    facets = [Facet(f"email_domain:{number}") for number in range(400)]
    newest = START_MS + 300 * DAY_MS
    for one in (whole, again):
        one.see(Facet("email_domain:last"), AccountId("a"), newest + PERIOD_MS // 50)
        for facet in facets:
            one.see(facet, AccountId("a"), newest + PERIOD_MS // 40)
    for pane in panes:
        assert [whole.is_fresh(facet, pane) for facet in facets] == [
            again.is_fresh(facet, pane) for facet in facets
        ]


def test_a_velocity_goes_on_from_its_snapshot() -> None:
    velocity, again = Velocity(RULES), Velocity(RULES)
    told(velocity, watched(10))
    for piece in list(velocity.snapshot()):
        again.load(piece)
    new = [(240.0 + number, "new.example", f"a{number}") for number in range(3)]
    assert told(velocity, new) == told(again, new) != {}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("window: 1h", "longer than an hour"),
        ("window: 3d, watched_for: 30m", "greater than 3600"),
        ("window: 3d, watched_for: soon", "a number and a unit"),
    ],
)
def test_a_rule_that_could_not_be_kept_in_any_order_is_refused(line: str, problem: str) -> None:
    text = (
        "version: v\ngroups: {g: 1}\nvelocity:\n  - {code: c.d, facet: email_domain,"
        f" measure: fresh, {line}, levels: [{{at_least: 3, points: 1}}], group: g}}\n"
    )
    with pytest.raises(InvalidRuleset, match=problem):
        parse_ruleset(text)


def test_the_ruleset_that_ships_never_brings_a_review_by_freshness_alone() -> None:
    rules = default_ruleset()
    of_freshness = [rule for rule in rules.velocity if rule.measure == "fresh"]
    assert {rule.facet for rule in of_freshness} == {"email_domain", "link_domain"}
    for rule in of_freshness:
        assert rules.action_for(rules.groups[rule.group]) == "allow"
        assert not rule.ties
