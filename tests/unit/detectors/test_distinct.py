"""Distinct values in panes against sets, and the laws that an estimate must keep."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.distinct import EXACT_VALUES, RELATIVE_STANDARD_ERROR, DistinctPanes, Estimate

Seen = tuple[int, int]
"""Pane and value."""

few = st.lists(st.tuples(st.integers(0, 70), st.integers(0, EXACT_VALUES - 1)), max_size=300)
many = st.tuples(st.integers(1, 600), st.integers(1, 70), st.integers(0, 2**32)).map(
    lambda made: _random_sightings(*made)
)


def _random_sightings(values: int, panes: int, seed: int) -> list[Seen]:
    chance = random.Random(seed)
    return [(chance.randrange(panes), chance.randrange(values)) for _ in range(2 * values)]


def filled(seen: list[Seen]) -> DistinctPanes:
    distinct = DistinctPanes()
    for pane, value in seen:
        distinct.add(pane, f"value{value}")
    return distinct


def estimates(distinct: DistinctPanes) -> list[Estimate]:
    return [distinct.estimate(newest, 60) for newest in range(0, 130, 7)]


@given(few)
def test_up_to_64_values_are_counted_exactly(seen: list[Seen]) -> None:
    distinct = filled(seen)
    for newest in (0, 30, 59, 65, 128, 131):
        true = {value for pane, value in seen if newest - 60 < pane <= newest}
        assert distinct.estimate(newest, 60) == Estimate(
            count=len(true), relative_standard_error=0.0
        )


@given(many, st.randoms(use_true_random=False))
def test_order_repeats_caching_merges_and_snapshots_change_nothing(
    seen: list[Seen], order: random.Random
) -> None:
    wanted = estimates(filled(seen))

    shuffled = seen + seen[: len(seen) // 2]
    order.shuffle(shuffled)
    assert estimates(filled(shuffled)) == wanted

    asked = DistinctPanes()
    for pane, value in shuffled:
        asked.add(pane, f"value{value}")
        asked.estimate(60, 60)
    assert estimates(asked) == wanted

    cut = order.randrange(len(seen) + 1)
    merged, other = filled(seen[cut:]), filled(seen[:cut])
    merged.merge(other)
    assert estimates(merged) == wanted
    assert estimates(other) == estimates(filled(seen[:cut])), "what is merged stays as it was"

    restored = DistinctPanes.of(filled(seen[:cut]).state())
    for pane, value in seen[cut:]:
        restored.add(pane, f"value{value}")
    assert estimates(restored) == wanted


def test_an_estimate_never_falls_and_is_within_its_error() -> None:
    errors = []
    for seed in range(8):
        distinct, before = DistinctPanes(), 0
        for number in range(3_000):
            distinct.add(number % 60, f"{seed}:{number}")
            estimate = distinct.estimate(59, 60)
            assert estimate.count >= before
            before = estimate.count
            if number == EXACT_VALUES:
                assert estimate.count > EXACT_VALUES
                assert estimate.relative_standard_error == RELATIVE_STANDARD_ERROR
        errors.append(before / 3_000 - 1)
    assert max(map(abs, errors)) < 4 * RELATIVE_STANDARD_ERROR


def test_many_values_stay_within_three_percent() -> None:
    assert RELATIVE_STANDARD_ERROR < 0.03
    squares = []
    for seed in range(20):
        distinct = DistinctPanes()
        for number in range(10_000):
            distinct.add(number // 170, f"{seed}:{number % 9_000}")
        squares.append((distinct.estimate(59, 60).count / 9_000 - 1) ** 2)
    assert (sum(squares) / len(squares)) ** 0.5 < 1.5 * RELATIVE_STANDARD_ERROR


def test_a_window_is_the_union_of_its_panes_alone() -> None:
    distinct = DistinctPanes()
    for number in range(4_000):
        distinct.add(number // 100, f"v{number}")
    assert distinct.estimate(39, 10).count == pytest.approx(1_000, rel=0.1)
    assert distinct.estimate(29, 30).count == pytest.approx(3_000, rel=0.1)
    distinct.forget_before(35)
    assert len(distinct) == 5
    assert distinct.estimate(39, 10).count == pytest.approx(500, rel=0.1)
    assert distinct.estimate(29, 30).count == 0


def test_an_empty_value_is_a_value() -> None:
    exact, sketched = DistinctPanes(), DistinctPanes()
    exact.add(0, "")
    assert exact.estimate(0, 1).count == 1
    for number in range(EXACT_VALUES + 1):
        sketched.add(0, f"v{number}")
    before = sketched.estimate(0, 1).count
    sketched.add(0, "")
    assert sketched.estimate(0, 1).count > before


def test_a_pane_takes_little_room() -> None:
    distinct = DistinctPanes()
    for number in range(100_000):
        distinct.add(0, f"v{number}")
    ((_, sketch),) = distinct.state()
    assert len(sketch) < 1_000
