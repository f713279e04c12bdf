"""The tail against exact sums."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import takewhile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detectors.negative_binomial import surprise_bits


def log_probability(count: int, mean: float, shape: float) -> float:
    """Of exactly so many; factor by factor, without gamma functions of large arguments."""
    if math.isinf(shape):
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    total = -shape * math.log1p(mean / shape)
    for step in range(count):
        total += math.log((shape + step) / (shape + mean) * mean / (step + 1))
    return total


def brute_force_bits(count: int, mean: float, shape: float) -> float:
    """The tail, summed up from ``count`` until nothing more is added."""

    def terms() -> Iterator[float]:
        term, at = 1.0, count
        while True:
            yield term
            grow = mean if math.isinf(shape) else (shape + at) / (shape + mean) * mean
            at += 1
            term *= grow / at

    def more(term: float) -> bool:
        return term > 1e-18

    first = log_probability(count, mean, shape)
    if count > mean:
        added: Iterator[float] = takewhile(more, terms())
        total = math.fsum(added)
        return -(first + math.log(total)) / math.log(2)
    below = math.fsum(math.exp(log_probability(k, mean, shape)) for k in range(count))
    return -math.log2(1 - below)


@given(
    st.integers(1, 120),
    st.floats(1e-9, 60),
    st.one_of(st.floats(0.01, 1e4), st.sampled_from([1e5, 1e6, 1e9, math.inf])),
)
@example(4, 1e-300, 0.1)
def test_bits_are_those_of_the_exact_tail(count: int, mean: float, shape: float) -> None:
    wanted = brute_force_bits(count, mean, shape)
    assert surprise_bits(count, mean=mean, shape=shape) == pytest.approx(wanted, rel=1e-6, abs=1e-8)


@given(st.floats(1e-12, 1e6), st.floats(0.05, 1e7), st.integers(1, 999_999))
def test_more_is_never_less_surprising(mean: float, shape: float, count: int) -> None:
    fewer = surprise_bits(count, mean=mean, shape=shape)
    more = surprise_bits(count + 1, mean=mean, shape=shape)
    assert 0 <= fewer <= more * (1 + 1e-9) + 1e-9
    assert math.isfinite(more)


def test_a_geometric_tail_has_a_closed_form_also_for_a_million() -> None:
    for mean in (1e-6, 0.5, 300.0, 1e6):
        wanted = 1_000_000 * math.log2((1 + mean) / mean)
        assert surprise_bits(1_000_000, mean=mean, shape=1) == pytest.approx(wanted, rel=1e-9)


def test_nothing_is_no_surprise_and_something_out_of_nothing_is_endless() -> None:
    assert surprise_bits(0, mean=0) == 0
    assert surprise_bits(1, mean=0) == math.inf
