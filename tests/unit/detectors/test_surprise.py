"""One rule against home routers, gateways and attacks."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.surprise import (
    BITS,
    DAY_MS,
    HISTORY_DAYS,
    HOUR_MS,
    LATENESS_MS,
    START_MS,
    UNIVERSITY,
    WINDOW_MS,
    Watch,
    attack,
    town,
)
from detectors.surprise import (
    Baseline,
    KindBaseline,
    block_ms,
    settled_before,
)

BLOCK_MS = block_ms(WINDOW_MS, LATENESS_MS)
RUSH_DAYS = (17, 24)


Blocks = dict[int, dict[str, int]]
blocks = st.dictionaries(
    st.integers(0, 400),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 50), min_size=1),
    min_size=1,
    max_size=30,
)


def settled(history: Blocks, before: int, order: random.Random) -> tuple[KindBaseline, Baseline]:
    """A kind, and its facet a, with the blocks before one; facets of a block in any order."""
    kind, facets = KindBaseline(), {name: Baseline() for name in "abc"}
    for block in sorted(number for number in history if number < before):
        counts = list(history[block].items())
        order.shuffle(counts)
        for name, count in counts:
            facets[name].settle(START_MS + block * BLOCK_MS, count, kind)
    return kind, facets["a"]


@given(blocks, st.integers(1, 402), st.randoms(use_true_random=False))
@example({0: {"b": 1}, 200: {"a": 3, "b": 2}}, 200, random.Random(0))
def test_a_late_window_expects_what_it_would_have_expected_in_time(
    history: Blocks, block: int, order: random.Random
) -> None:
    at_ms = START_MS + block * BLOCK_MS + WINDOW_MS + LATENESS_MS + 7
    settled_ms = settled_before(at_ms, WINDOW_MS, LATENESS_MS)
    assert settled_ms == START_MS + block * BLOCK_MS
    expectations = set()
    for before in (block, block + 1):  # in time; with one block more
        kind, facet = settled(history, before, order)
        for _ in range(2):  # as it is, and from a snapshot
            expectations.add(
                kind.expected(facet, at_ms=at_ms, window_ms=WINDOW_MS, settled_ms=settled_ms)
            )
            kind, facet = KindBaseline.of(kind.state()), Baseline.of(facet.state())
    assert len(expectations) == 1


@given(st.integers(0, 10**13), st.integers(1_000, 30 * DAY_MS), st.integers(0, HOUR_MS))
def test_a_window_knows_only_what_is_older_and_final(
    at_ms: int, window_ms: int, lateness_ms: int
) -> None:
    block = block_ms(window_ms, lateness_ms)
    settled_ms = settled_before(at_ms, window_ms, lateness_ms)
    assert settled_ms % block == 0
    assert at_ms - window_ms - lateness_ms - block < settled_ms <= at_ms - window_ms - lateness_ms
    late_ms = settled_before(at_ms - lateness_ms, window_ms, lateness_ms)
    assert settled_ms - late_ms <= block


def test_blocks_are_settled_in_order() -> None:
    kind, first, second = KindBaseline(), Baseline(), Baseline()
    first.settle(START_MS + BLOCK_MS, 1, kind)
    with pytest.raises(ValueError, match="settled after"):
        first.settle(START_MS, 1, kind)
    with pytest.raises(ValueError, match="settled after"):
        second.settle(START_MS, 1, kind)


def test_counts_of_one_block_add_up() -> None:
    states = []
    for counts in ((3,), (1, 2)):
        kind, facet = KindBaseline(), Baseline()
        for count in counts:
            facet.settle(START_MS, count, kind)
        states.append((kind.state(), facet.state()))
    assert states[0] == states[1]


def test_the_hour_of_the_day_counts_once_some_days_have_shown_it() -> None:
    kind, facet = KindBaseline(), Baseline()

    def mean(hour: int, day: int) -> float:
        at_ms = START_MS + day * DAY_MS + hour * HOUR_MS
        return kind.expected(
            facet, at_ms=at_ms, window_ms=WINDOW_MS, settled_ms=START_MS + day * DAY_MS
        ).mean

    for day in range(20):
        if day == 1:
            assert mean(12, day) < 2.5 * mean(0, day)
        for hour in range(10, 14):
            facet.settle(START_MS + day * DAY_MS + hour * HOUR_MS, 50, kind)
    assert mean(12, 20) > 10 * mean(0, 20)
    whole_day = kind.expected(
        facet, at_ms=START_MS + 20 * DAY_MS, window_ms=DAY_MS, settled_ms=START_MS + 20 * DAY_MS
    )
    assert whole_day.mean == pytest.approx(200, rel=0.05)


@pytest.fixture(scope="module")
def traffic() -> dict[str, list[int]]:
    return town(1, homes=500, rush_days=RUSH_DAYS)


def test_ordinary_days_rushes_and_weather_do_not_fire(traffic: dict[str, list[int]]) -> None:
    watch = Watch(traffic)
    facets = ("home1", "office0", "university0", "university1", "carrier")
    windows = (HISTORY_DAYS - 14) * 144
    assert windows > 2_000
    fired = dict.fromkeys(facets, 0)
    rushing = 0.0
    for number in range(windows):
        end_ms = START_MS + 14 * DAY_MS + number * WINDOW_MS
        for facet in facets:
            bits = watch.bits(facet, end_ms)
            fired[facet] += bits >= BITS
            rushing = max(rushing, bits if facet == "university0" else 0)
    assert fired == dict.fromkeys(facets, 0)
    assert rushing > 5, "the rush is there to be seen"


@pytest.mark.parametrize(
    ("facet", "accounts"),
    [("home3", 5), ("never seen", 5), ("office1", 8), ("university0", 33), ("carrier", 165)],
)
def test_twenty_times_the_usual_fires_before_it_is_over(
    traffic: dict[str, list[int]], facet: str, accounts: int
) -> None:
    noon_ms = START_MS + 26 * DAY_MS + 12 * HOUR_MS
    for seed in range(3):
        burst = attack(noon_ms, accounts, WINDOW_MS, random.Random(seed))
        assert Watch(traffic).delay_s(facet, burst) is not None


def test_a_new_gateway_is_at_home_within_hours(traffic: dict[str, list[int]]) -> None:
    born_ms = 14 * DAY_MS
    arrivals = [at_ms + born_ms for at_ms in UNIVERSITY.arrivals(3, random.Random(5))]
    watch = Watch({**traffic, "new": arrivals})
    assert watch.alarms("new", START_MS + born_ms, 36) <= 5
    assert watch.alarms("new", START_MS + born_ms + 6 * HOUR_MS, 300) == 0


def test_little_surprises_while_the_whole_kind_is_new() -> None:
    watch = Watch(town(2, homes=50, days=2))
    for facet in ("university0", "university1", "carrier", "office0"):
        assert watch.alarms(facet, START_MS, 1) == 0
    watch = Watch(town(2, homes=50, days=2))
    assert watch.alarms("carrier", START_MS, 2 * 144 - 1) == 0
