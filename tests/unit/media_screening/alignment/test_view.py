from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_screening.alignment.view import WHOLE, View, Window, mirrored, window_view

shares = st.floats(0, 0.4)


@given(left=shares, top=shares, right=shares, bottom=shares, flip=st.booleans())
def test_a_window_is_where_its_corners_are(
    left: float, top: float, right: float, bottom: float, flip: bool
) -> None:
    window = Window(left=left, top=top, right=1 - right, bottom=1 - bottom)
    view = window_view(window, mirrored=flip)
    first, second = (window.right, window.left) if flip else (window.left, window.right)
    np.testing.assert_allclose(
        view.corners,
        [[first, top], [second, top], [second, 1 - bottom], [first, 1 - bottom]],
        atol=1e-12,
    )
    assert view.share == 1.0
    assert view.distance(view) == 0


@given(left=shares, width=st.floats(0.3, 0.6), x=st.floats(0, 1), y=st.floats(0, 1))
def test_mirrored_twice_is_as_it_was(left: float, width: float, x: float, y: float) -> None:
    view = window_view(Window(left=left, right=left + width))
    point = np.array([[x, y]])
    once = mirrored(view).points(point)
    np.testing.assert_allclose(once[:, 0], 1 - view.points(point)[:, 0], atol=1e-12)
    np.testing.assert_allclose(
        mirrored(mirrored(view)).points(point), view.points(point), atol=1e-12
    )


def turned(degrees: float, scale: float = 1.0) -> View:
    angle = np.radians(degrees)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return View(matrix=np.array([[cos, -sin, 0.1], [sin, cos, 0.1], [0, 0, 1.0]]))


@pytest.mark.parametrize(
    ("view", "plausible"),
    [
        (window_view(WHOLE), True),
        (window_view(WHOLE, mirrored=True), True),
        (turned(5), True),
        (turned(-12, 0.5), True),
        (turned(90), False),
        (turned(0, 0.05), False),
        (turned(0, 9.0), False),
        (View(matrix=np.array([[1, 2.0, 0], [0, 1, 0], [0, 0, 1]])), False),
        (View(matrix=np.array([[1, 0, 0], [0, 1, 0], [0, -2.0, 1]])), False),
    ],
)
def test_views_that_no_edit_makes_are_told(view: View, plausible: bool) -> None:
    assert view.is_plausible() is plausible


def test_a_crop_leaves_a_share() -> None:
    # The upload shows the middle half of the reference.
    view = View(matrix=np.array([[2.0, 0, -0.5], [0, 1, 0], [0, 0, 1]]))
    assert view.share == pytest.approx(0.5)


def test_a_window_is_cut_out() -> None:
    picture = np.arange(200, dtype=np.uint8).reshape(10, 20)
    cut = Window(left=0.5, top=0.2, right=0.75, bottom=0.5).of(picture)
    np.testing.assert_array_equal(cut, picture[2:5, 10:15])
    assert Window(left=0.999, right=1.0).of(picture).shape == (10, 1)
