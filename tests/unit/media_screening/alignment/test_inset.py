from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.alignment.inset import MAX_INSETS, find_insets

HEIGHT, WIDTH = 135, 240


def film(seed: int, count: int, size: tuple[int, int], low: int, high: int) -> NDArray[np.uint8]:
    """Pictures without sharp edges, each another."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(low, high, (count, 5, 8)).astype(np.uint8)
    return np.array([cv2.resize(one, size[::-1]) for one in coarse])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    top=st.integers(0, 60),
    left=st.integers(0, 110),
    height=st.integers(50, 75),
    width=st.integers(90, 130),
)
def test_a_film_within_a_film_is_found(
    seed: int, top: int, left: int, height: int, width: int
) -> None:
    pictures = film(seed, 6, (HEIGHT, WIDTH), 130, 250)
    inner = film(seed + 1, 6, (height, width), 0, 110)
    pictures[:, top : top + height, left : left + width] = inner
    found = find_insets(pictures)
    assert any(
        np.allclose(
            (one.top * HEIGHT, one.left * WIDTH, one.bottom * HEIGHT, one.right * WIDTH),
            (top, left, top + height, left + width),
            atol=1.5,
        )
        for one in found
    )


def test_two_films_beside_each_other_are_both_found() -> None:
    pictures = film(3, 6, (HEIGHT, WIDTH), 130, 250)
    pictures[:, :, :100] = film(4, 6, (HEIGHT, 100), 0, 110)
    found = find_insets(pictures)
    assert [(round(one.left * WIDTH), round(one.right * WIDTH)) for one in found] == [
        (0, 100),
        (100, WIDTH),
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_a_film_alone_has_none(count: int) -> None:
    assert find_insets(film(5, count, (HEIGHT, WIDTH), 0, 255)) == ()


def test_edges_everywhere_give_a_few_windows_at_most() -> None:
    noise = np.random.default_rng(6).integers(0, 256, (6, HEIGHT, WIDTH)).astype(np.uint8)
    assert len(find_insets(noise)) <= MAX_INSETS
