"""The sketch's bound on a million skewed keys, and that it forgets."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.frequency import FULL, GENERATIONS, ROWS, Frequency, FrequencySketch

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 20_000 * DAY_MS

added = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 20), st.integers(0, DAY_MS)), max_size=80
)
Added = list[tuple[int, int, int]]


def sketch(budget_bytes: int = 4_096, key: bytes = b"doorstaff") -> FrequencySketch:
    return FrequencySketch(budget_bytes=budget_bytes, span_ms=DAY_MS, key=key)


def filled(items: Added) -> FrequencySketch:
    made = sketch()
    for name, count, after_ms in items:
        assert made.add([(f"k{name}", count)], START_MS + after_ms)
    return made


def estimates(made: FrequencySketch) -> list[Frequency]:
    return [made.estimate(f"k{name}") for name in range(40)]


@given(added)
def test_an_estimate_is_never_too_few(items: Added) -> None:
    true: Counter[int] = Counter()
    for name, count, _ in items:
        true[name] += count
    made = filled(items)
    assert made.total == true.total()
    for name in range(40):
        assert made.estimate(f"k{name}").count >= min(true[name], FULL)


@given(added)
def test_what_was_surely_added_is_what_the_estimate_says(items: Added) -> None:
    made = sketch(budget_bytes=256)  # so small that keys collide
    for name, count, after_ms in items:
        made.add([(f"k{name}", count)], START_MS + after_ms)
    for name in range(40):
        seen = made.estimate(f"k{name}")
        assert made.surely(f"k{name}") == (seen if seen.count > seen.error else None)


@given(added, st.randoms(use_true_random=False))
def test_order_and_snapshots_change_nothing(items: Added, order: random.Random) -> None:
    wanted = estimates(filled(items))
    shuffled = items.copy()
    order.shuffle(shuffled)
    assert estimates(filled(shuffled)) == wanted

    cut = order.randrange(len(items) + 1)
    restored = sketch()
    restored.load(filled(items[:cut]).to_bytes())
    for name, count, after_ms in items[cut:]:
        restored.add([(f"k{name}", count)], START_MS + after_ms)
    assert estimates(restored) == wanted
    assert restored.to_bytes() == filled(items).to_bytes()


def test_the_error_holds_on_skewed_traffic() -> None:
    chance = random.Random(1)
    made = sketch(budget_bytes=1 << 20)
    true: Counter[int] = Counter(range(150_000))
    true.update(int(chance.paretovariate(0.9)) % 150_000 for _ in range(150_000))
    for name, count in true.items():
        made.add([(str(name), count)], START_MS)
    over, worst = 0, 0
    names = chance.sample(range(200_000), 20_000)  # a quarter was never seen
    for name in names:
        estimate = made.estimate(str(name))
        if estimate.count < FULL:
            assert estimate.count >= true[name]
            off = estimate.count - true[name]
            over += off > estimate.error
            worst = max(worst, off)
    assert over <= 0.01 * len(names)
    assert worst >= 1, "the sketch is full enough to err"
    assert made.estimate("0").error <= 16


def test_a_smaller_budget_says_a_larger_error() -> None:
    errors = []
    for budget_bytes in (1 << 12, 1 << 14):
        made = sketch(budget_bytes=budget_bytes)
        for name in range(1_000):
            made.add([(str(name), 1)], START_MS)
        errors.append(made.estimate("0").error)
        assert len(made.to_bytes()) <= budget_bytes + 100
    assert errors[0] == pytest.approx(4 * errors[1], rel=0.2)


def test_it_forgets_by_generations_of_event_time() -> None:
    made = sketch()
    made.add([("k", 3)], START_MS)
    for hours in (0, 12, 24):
        made.add([("clock", 1)], START_MS + hours * HOUR_MS)
        assert made.estimate("k").count == 3, "kept for at least the span"
    made.add([("clock", 1)], START_MS + 32 * HOUR_MS)
    assert made.estimate("k").count == 0
    assert not made.add([("k", 1)], START_MS)
    assert made.add([("k", 1)], START_MS + 8 * HOUR_MS), "late, but within what is kept"
    assert made.estimate("k").count == 1
    made.add([("clock", 1)], START_MS + 400 * DAY_MS)
    assert made.total == 1


def test_a_full_cell_stays_full() -> None:
    made = sketch()
    made.add([("k", FULL - 1)], START_MS)
    assert made.estimate("k").count == FULL - 1
    for count in (1, 1, 100_000):
        made.add([("k", count)], START_MS)
        assert made.estimate("k").count == FULL


def test_keys_of_the_hash_make_other_collisions() -> None:
    def count(key: bytes) -> list[int]:
        made = sketch(budget_bytes=GENERATIONS * ROWS * 8, key=key)
        for name in range(8):
            made.add([(str(name), 1)], START_MS)
        return [made.estimate(str(name)).count for name in range(100)]

    assert count(b"one") == count(b"one")
    assert count(b"one") != count(b"two")


def test_a_snapshot_goes_to_its_like_alone() -> None:
    snapshot = filled([(1, 1, 1)]).to_bytes()
    for other in (sketch(key=b"other"), sketch(budget_bytes=8_192)):
        with pytest.raises(ValueError, match="another budget, span or key"):
            other.load(snapshot)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        sketch(budget_bytes=15)
