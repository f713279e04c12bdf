from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.alignment.path import STEP_COST, best_path, fit_line

Gains = NDArray[np.float32]


def by_brute_force(gains: Gains) -> float:
    """The best sum over all paths, by asking each cell for the best that ends there."""
    height, width = gains.shape
    ending = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            before = [0.0]
            for step in range(3):
                if row and column >= step:
                    cost = 0.0 if step == 1 else STEP_COST
                    before.append(ending[row - 1, column - step] - cost)
            ending[row, column] = gains[row, column] + max(before)
    return float(max(0.0, ending.max(initial=0.0)))


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    lean=st.floats(-0.5, 0.5),
)
def test_no_path_is_better(seed: int, height: int, width: int, lean: float) -> None:
    gains = np.random.default_rng(seed).normal(lean, 1, (height, width)).astype(np.float32)
    path = best_path(gains)
    best = by_brute_force(gains)
    if path is None:
        assert best == pytest.approx(0, abs=1e-5)
        return
    assert path.gain == pytest.approx(best, abs=1e-4)
    assert (np.diff(path.upload) == 1).all()
    steps = np.diff(path.reference)
    assert ((steps >= 0) & (steps <= 2)).all()
    told = gains[path.upload, path.reference].sum() - STEP_COST * (steps != 1).sum()
    assert told == pytest.approx(path.gain, abs=1e-4)


@settings(deadline=None)
@given(
    rate=st.floats(0.8, 1.25), start=st.integers(0, 30), at=st.integers(0, 20), seed=st.integers(0)
)
def test_a_stretch_at_any_speed_is_followed(rate: float, start: int, at: int, seed: int) -> None:
    gains = np.full((80, 110), -0.3, np.float32)
    gains += np.random.default_rng(seed).uniform(0, 0.05, gains.shape).astype(np.float32)
    rows = np.arange(at, at + 50)
    columns = np.round(start + rate * (rows - at)).astype(int)
    gains[rows, columns] = 0.4
    path = best_path(gains)
    assert path is not None
    assert abs(path.upload[0] - at) <= 1
    assert abs(path.upload[-1] - rows[-1]) <= 1
    assert np.abs(path.reference - (start + rate * (path.upload - at))).max() <= 1.5
    line = fit_line(path.upload / 4, path.reference / 4, np.ones(len(path.upload)))
    assert line.rate == pytest.approx(rate, abs=0.02)


def test_a_cut_ends_a_path() -> None:
    gains = np.full((60, 60), -0.3, np.float32)
    rows = np.arange(60)
    gains[rows, rows] = np.where((rows < 25) | (rows >= 37), 0.4, -0.3)
    through, ended = best_path(gains), best_path(gains, max_drop=3.0)
    assert through is not None
    assert ended is not None
    assert len(through.upload) == 60
    assert (ended.upload[0], ended.upload[-1]) == (0, 24)


def test_pairs_far_off_a_line_do_not_move_it() -> None:
    at_s = np.arange(0, 10, 0.25)
    reference_s = 1.1 * at_s + 7
    reference_s[5:9] += 6
    line = fit_line(at_s, reference_s, np.ones(len(at_s)))
    assert line.rate == pytest.approx(1.1, abs=0.02)
    assert line.offset_s == pytest.approx(7, abs=0.1)


def test_two_pairs_say_nothing_of_the_speed() -> None:
    line = fit_line(np.array([1.0, 1.25]), np.array([5.0, 5.75]), np.ones(2))
    assert line.rate == 1.0


def test_nothing_gained_is_no_path() -> None:
    assert best_path(np.full((3, 3), -0.1, np.float32)) is None
