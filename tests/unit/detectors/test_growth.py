"""A campaign's size over time depends on the times alone, and is short."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.event import epoch_ms, from_epoch_ms
from detectors.growth import MAX_POINTS, growth

TIMES = st.lists(st.integers(0, 400 * 86_400_000), min_size=1, max_size=80)


def test_each_step_counts_all_who_came_before_its_end() -> None:
    points = growth([61_000, 60_000, 63_999, 64_000])
    assert [(epoch_ms(point.at), point.accounts) for point in points] == [
        (61_000, 1), (62_000, 2), (63_000, 2), (64_000, 3), (65_000, 4),
    ]  # fmt: skip
    assert growth([]) == ()


def test_steps_begin_at_multiples_of_their_length() -> None:
    points = growth([7 * 3_600_000 + 5, 9 * 3_600_000 + 5])
    assert points[0].at == from_epoch_ms(7 * 3_600_000 + 300_000)
    assert points[-1].at == from_epoch_ms(9 * 3_600_000 + 300_000)


@given(TIMES, st.randoms(use_true_random=False))
def test_it_ends_with_all_of_them_in_few_even_steps(times: list[int], order: random.Random) -> None:
    points = growth(times)
    assert len(points) <= MAX_POINTS
    assert points[-1].accounts == len(times)
    for point in points:
        assert point.accounts == sum(at_ms < epoch_ms(point.at) for at_ms in times)
    assert len({later.at - earlier.at for earlier, later in pairwise(points)}) <= 1
    order.shuffle(times)
    assert growth(times) == points
