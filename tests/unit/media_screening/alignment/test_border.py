from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.alignment.border import find_windows
from media_screening.alignment.view import Window

HEIGHT, WIDTH = 90, 160


def moving(seed: int, count: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width)).astype(np.uint8)


def put(film: NDArray[np.uint8], ground: NDArray[np.uint8], top: int, left: int) -> None:
    _, height, width = film.shape
    ground[:, top : top + height, left : left + width] = film


def near(windows: tuple[Window, ...], *edges: float) -> bool:
    top, left, bottom, right = edges
    return any(
        np.allclose(
            (window.top, window.left, window.bottom, window.right),
            (top / HEIGHT, left / WIDTH, bottom / HEIGHT, right / WIDTH),
            atol=0.02,
        )
        for window in windows
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    top=st.integers(0, 25),
    left=st.integers(0, 40),
    bottom=st.integers(65, 90),
    right=st.integers(120, 160),
    level=st.integers(0, 250),
)
def test_bars_of_one_colour_are_taken_away(  # noqa: PLR0917 -- hypothesis names them
    seed: int, top: int, left: int, bottom: int, right: int, level: int
) -> None:
    pictures = np.full((6, HEIGHT, WIDTH), level, np.uint8)
    pictures += moving(seed, 6, HEIGHT, WIDTH) // 64  # noise of coding
    put(moving(seed, 6, bottom - top, right - left), pictures, top, left)
    windows = find_windows(pictures)
    if max(top, HEIGHT - bottom) > 2 or max(left, WIDTH - right) > 3:
        assert near(windows, top, left, bottom, right)


def test_a_painted_frame_that_stands_is_taken_away() -> None:
    frame = moving(3, 1, HEIGHT, WIDTH)
    pictures = np.repeat(frame, 8, axis=0)
    put(moving(4, 8, 54, 96), pictures, 20, 30)
    assert near(find_windows(pictures), 20, 30, 74, 126)


def test_bars_inside_a_frame_are_taken_away_too() -> None:
    pictures = np.repeat(moving(3, 1, HEIGHT, WIDTH), 8, axis=0)
    inner = np.zeros((8, 60, 100), np.uint8)
    inner[:, 10:50] = moving(5, 8, 40, 100)
    inner[:, 0, 0] = inner[:, -1, -1] = moving(6, 8, 1, 1)[:, 0, 0]
    put(inner, pictures, 15, 30)
    assert near(find_windows(pictures), 25, 30, 65, 130)


@pytest.mark.parametrize("count", [0, 1, 2, 8])
def test_a_picture_without_a_border_has_no_window(count: int) -> None:
    assert find_windows(moving(1, count, HEIGHT, WIDTH)) == ()


@pytest.mark.parametrize("level", [0, 90])
def test_what_is_flat_or_stands_still_has_none_either(level: int) -> None:
    assert find_windows(np.full((5, HEIGHT, WIDTH), level, np.uint8)) == ()
    assert find_windows(np.repeat(moving(1, 1, HEIGHT, WIDTH), 5, axis=0)) == ()
