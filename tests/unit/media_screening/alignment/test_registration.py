from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.alignment.likeness import likeness_of, warp
from media_screening.alignment.registration import mean_likeness, refine_view
from media_screening.alignment.view import WHOLE, View, Window, mirrored, window_view
from media_screening.fingerprinting.reference_sketch import sketch_of
from tests.unit.media_screening.footage import scene, warped

SCENES = np.array([scene(seed) for seed in range(6)])
SKETCHES = np.array([sketch_of(picture) for picture in SCENES])


def shown(view: View) -> NDArray[np.uint8]:
    return np.array([warped(picture, view.matrix) for picture in SCENES])


def off(view: View, seed: int, size: float) -> View:
    """The view, each corner of it moved a little."""
    nudge = np.random.default_rng(seed).uniform(-size, size, (2, 3))
    return View(matrix=view.matrix @ (np.eye(3) + np.vstack([nudge, np.zeros(3)])))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    zoom=st.floats(0.6, 1.3),
    x=st.floats(-0.1, 0.3),
    y=st.floats(-0.1, 0.3),
    flip=st.booleans(),
)
def test_a_view_that_is_a_little_off_is_moved_to_where_it_fits(
    seed: int, zoom: float, x: float, y: float, flip: bool
) -> None:
    true = View(matrix=np.array([[zoom, 0.0, x], [0.0, zoom, y], [0.0, 0.0, 1.0]]))
    true = mirrored(true) if flip else true
    pictures = shown(true)
    start = off(true, seed, 0.025)
    found, fit = refine_view(pictures, SKETCHES, start)
    assert fit >= mean_likeness(pictures, SKETCHES, start)
    assert fit == pytest.approx(mean_likeness(pictures, SKETCHES, found))
    if true.share > 0.6:
        assert found.distance(true) < 0.02
        assert fit > 0.9


def test_a_logo_does_not_move_it() -> None:
    pictures = shown(window_view(WHOLE))
    pictures[:, 10:70, 20:120] = 255
    found, _ = refine_view(pictures, SKETCHES, off(window_view(WHOLE), 3, 0.02))
    assert found.distance(window_view(WHOLE)) < 0.015


def test_other_pictures_do_not_come_to_fit() -> None:
    others = np.array([scene(seed + 50) for seed in range(6)])
    _, fit = refine_view(others, SKETCHES, window_view(WHOLE))
    assert fit < 0.35


@given(gain=st.floats(0.5, 1.2), level=st.floats(-20, 40))
@settings(max_examples=20, deadline=None)
def test_brightness_and_contrast_change_little(gain: float, level: float) -> None:
    changed = np.clip(SCENES * gain + level, 0, 255).astype(np.uint8)
    assert mean_likeness(changed, SKETCHES, window_view(WHOLE)) > 0.85


def test_what_the_upload_does_not_show_is_not_compared() -> None:
    view = window_view(Window(left=-0.5, right=1.5))  # the middle half
    likeness = likeness_of(view)
    columns = np.flatnonzero(likeness.mask.any(axis=0))
    assert (columns.min(), columns.max()) == (6, 17)
    assert likeness.places == 12 * 24
    assert mean_likeness(shown(view), SKETCHES, view) > 0.9
    assert warp(SCENES[0], window_view(WHOLE)).shape == (24, 24)


def test_a_sliver_is_not_compared() -> None:
    view = window_view(Window(left=-9.0, right=9.0))
    assert mean_likeness(shown(view), SKETCHES, view) == -1
    assert refine_view(shown(view), SKETCHES, view) == (view, -1.0)
