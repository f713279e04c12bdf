from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from media_screening.alignment.seam import find_stacked
from media_screening.alignment.view import Window

HEIGHT, WIDTH = 270, 480
LEFT = Window(left=0.0, top=0.0, right=0.5, bottom=1.0)
UPPER = Window(left=0.0, top=0.0, right=1.0, bottom=0.5)
QUARTER = Window(left=0.5, top=0.5, right=1.0, bottom=1.0)


def film(
    seed: int, *, count: int = 8, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> NDArray[np.uint8]:
    """Pictures with detail of many sizes and no edge that stands."""
    chance = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        total = np.zeros(size, np.float32)
        for cells in (4, 9, 30, 90):
            coarse = chance.uniform(-40, 40, (cells, 2 * cells))
            total += cv2.resize(coarse.astype(np.float32), size[::-1])
        pictures.append(np.clip(120 + total, 0, 255))
    return np.array(pictures, np.uint8)


def stacked(*rows: tuple[int, ...]) -> NDArray[np.uint8]:
    size = (HEIGHT // len(rows), WIDTH // len(rows[0]))
    return np.concatenate(
        [np.concatenate([film(seed, size=size) for seed in row], axis=2) for row in rows], axis=1
    )


def coded(pictures: NDArray[np.uint8], *, quality: int, blur: float) -> NDArray[np.uint8]:
    made = []
    for picture in pictures:
        soft = cv2.GaussianBlur(picture, (0, 0), blur)
        _, data = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, quality])
        made.append(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    return np.array(made, np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_a_film_that_is_whole_is_looked_up_whole(seed: int) -> None:
    assert find_stacked(film(seed)) == ()


@pytest.mark.parametrize("seed", range(5))
def test_films_side_by_side_are_looked_up_as_halves(seed: int) -> None:
    found = find_stacked(coded(stacked((seed, seed + 50)), quality=70, blur=0.8))
    assert LEFT in found
    assert UPPER not in found
    assert QUARTER not in found


@pytest.mark.parametrize("seed", range(5))
def test_films_above_one_another_are_looked_up_as_halves(seed: int) -> None:
    found = find_stacked(coded(stacked((seed,), (seed + 50,)), quality=70, blur=0.8))
    assert UPPER in found
    assert LEFT not in found


@pytest.mark.parametrize("seed", range(5))
def test_four_of_the_same_are_looked_up_as_quarters_too(seed: int) -> None:
    found = find_stacked(coded(stacked((seed, seed), (seed, seed)), quality=50, blur=0.8))
    assert len(found) == 8
    assert {LEFT, UPPER, QUARTER} <= set(found)


def test_one_stacked_picture_among_others_is_enough() -> None:
    pictures = film(3)
    pictures[5] = stacked((7, 8))[0]
    pictures[5, :, : WIDTH // 2] //= 4
    assert LEFT in find_stacked(pictures)


def test_where_a_seam_could_not_be_seen_all_is_looked_up() -> None:
    flat = np.full((4, HEIGHT, WIDTH), 250, np.uint8)
    flat[:, 40:60, 30:200] = 0
    assert len(find_stacked(flat)) == 8


def test_small_pictures_are_looked_up_in_all_parts() -> None:
    assert len(find_stacked(film(1, size=(24, 24)))) == 8


def test_no_pictures_have_no_parts() -> None:
    assert find_stacked(np.zeros((0, HEIGHT, WIDTH), np.uint8)) == ()
