from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.alignment.likeness import likeness_of
from media_screening.alignment.overlay import Overlay, OverlayRule, Stretch, lay_over, score_of
from media_screening.alignment.view import WHOLE, window_view
from media_screening.fingerprinting.reference_sketch import Sketches

SIDE = 24
PERIOD_S = 0.25


def film(seed: int, count: int) -> NDArray[np.uint8]:
    """Pictures that go over into each other, a new one every second."""
    chance = np.random.default_rng(seed)
    keys = chance.integers(0, 256, (count // 4 + 2, SIDE, SIDE))
    shares = (np.arange(count) % 4 / 4)[:, None, None]
    rows = np.arange(count) // 4
    return (keys[rows] * (1 - shares) + keys[rows + 1] * shares).astype(np.uint8)


def sketches(pixels: NDArray[np.uint8]) -> Sketches:
    return Sketches(
        times_s=np.arange(len(pixels), dtype=np.float64) * PERIOD_S,
        pixels=pixels,
        key_times_s=np.empty(0),
        key=np.empty(0, np.int64),
        xy=np.empty((0, 2), np.float32),
        descriptors=np.empty((0, 32), np.uint8),
    )


def laid(upload: NDArray[np.uint8], reference: NDArray[np.uint8]) -> Overlay:
    overlay = lay_over(
        likeness=likeness_of(window_view(WHOLE)),
        times_s=np.arange(len(upload), dtype=np.float64) * PERIOD_S,
        pictures=upload.astype(np.float32),
        reference=sketches(reference),
        between_s=(0.0, 1e9),
        end_s=len(upload) * PERIOD_S,
        reference_end_s=len(reference) * PERIOD_S,
    )
    assert overlay is not None
    return overlay


def found(upload: NDArray[np.uint8], reference: NDArray[np.uint8]) -> list[Stretch]:
    stretches = laid(upload, reference).stretches(OverlayRule())
    return sorted(stretches, key=lambda stretch: stretch.upload_start_s)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    rate=st.floats(0.8, 1.25),
    start_s=st.floats(0, 15),
    length_s=st.floats(5, 12),
    before_s=st.floats(0, 10),
)
def test_a_stretch_gives_back_its_seconds_at_any_speed(
    seed: int, rate: float, start_s: float, length_s: float, before_s: float
) -> None:
    reference = film(seed, 160)
    at_s = start_s + rate * np.arange(0, length_s, PERIOD_S)
    shown = reference[np.round(at_s / PERIOD_S).astype(int)]
    before, after = film(seed + 1, round(before_s / PERIOD_S)), film(seed + 2, 20)
    (stretch,) = found(np.concatenate([before, shown, after]), reference)
    put_s = len(before) * PERIOD_S
    assert stretch.upload_start_s == pytest.approx(put_s, abs=0.5)
    assert stretch.upload_end_s == pytest.approx(put_s + length_s, abs=0.5)
    assert stretch.reference_start_s == pytest.approx(start_s, abs=0.6)
    assert stretch.reference_end_s == pytest.approx(start_s + rate * length_s, abs=0.6)
    assert stretch.score > 0.9


def test_pieces_in_another_order_are_told_one_by_one() -> None:
    reference = film(1, 160)
    upload = np.concatenate([reference[80:112], reference[8:40], reference[120:150]])
    starts = [
        (round(stretch.upload_start_s), round(stretch.reference_start_s))
        for stretch in found(upload, reference)
    ]
    assert starts == [(0, 20), (8, 2), (16, 30)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_other_films_do_not_match(seed: int) -> None:
    assert found(film(seed, 80), film(seed + 1, 160)) == []


def test_a_picture_that_stands_is_no_match_however_long() -> None:
    card = np.repeat(film(3, 1), 60, axis=0)
    upload = np.concatenate([film(4, 20), card, film(5, 20)])
    assert found(upload, np.concatenate([card, film(6, 60)])) == []


def test_flat_pictures_neither_begin_a_match_nor_break_one() -> None:
    reference = film(7, 100)
    upload = reference.copy()
    upload[40:52] = 16
    (stretch,) = found(upload, reference)
    assert stretch.upload_start_s == 0
    assert stretch.upload_end_s == pytest.approx(25, abs=0.3)
    assert found(np.full((80, SIDE, SIDE), 16, np.uint8), reference) == []


@given(
    likeness=st.floats(0, 1),
    share=st.floats(0, 1),
    distinct=st.integers(0, 60),
    together=st.floats(-1, 1),
    more=st.floats(0, 0.3),
)
def test_the_score_rises_with_all_that_speaks_for_it(
    likeness: float, share: float, distinct: int, together: float, more: float
) -> None:
    score = score_of(likeness, share, distinct, together)
    assert 0 <= score <= 1
    assert score_of(likeness + more, share, distinct, together) >= score
    assert score_of(likeness, share + more, distinct, together) >= score
    assert score_of(likeness, share, distinct + 1, together) >= score
    assert score_of(likeness, share, distinct, together + more) >= score


def test_decks_that_are_laid_out_alike_do_not_match() -> None:
    layout, chance = film(9, 1)[0].astype(float), np.random.default_rng(10)

    def deck(count: int) -> NDArray[np.uint8]:
        own = chance.integers(0, 256, (count, SIDE, SIDE))
        slides: NDArray[np.uint8] = (0.6 * layout + 0.4 * own).astype(np.uint8)
        return slides.repeat(12, axis=0)

    assert found(deck(6), deck(10)) == []
    same = deck(10)
    (stretch,) = found(same[24:84], same)
    assert stretch.upload_start_s == 0
    assert stretch.reference_start_s == pytest.approx(6, abs=0.3)


def test_too_little_in_common_is_no_overlay() -> None:
    likeness = replace(likeness_of(window_view(WHOLE)), mask=np.zeros((SIDE, SIDE), np.float32))
    assert (
        lay_over(
            likeness=likeness,
            times_s=np.arange(4.0),
            pictures=film(1, 4).astype(np.float32),
            reference=sketches(film(1, 4)),
            between_s=(0, 9),
            end_s=4,
            reference_end_s=4,
        )
        is None
    )
