"""Sketches: near copies meet, strangers do not, in any language."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from detectors.sketch import BANDS, GRAM_BYTES, MIN_BYTES, ROWS, bands

LONG = st.binary(min_size=MIN_BYTES, max_size=400)


def likeness(one: bytes, other: bytes) -> float:
    """The share of pieces that two texts have in common, counted by brute force."""
    first, second = (
        {text[at : at + GRAM_BYTES] for at in range(len(text) - GRAM_BYTES + 1)}
        for text in (one, other)
    )
    return len(first & second) / len(first | second)


@given(LONG)
def test_a_text_has_the_same_bands_wherever_it_is_sketched(letters: bytes) -> None:
    assert bands(letters) == bands(bytes(bytearray(letters)))
    assert len(bands(letters)) == len(set(bands(letters))) == BANDS


@given(st.binary(max_size=MIN_BYTES - 1))
def test_a_short_text_has_none(letters: bytes) -> None:
    assert bands(letters) == []


def test_they_meet_as_often_as_the_formula_says() -> None:
    draw = random.Random(7)
    met = expected = strangers = 0.0
    for _ in range(400):
        text = bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz", k=400))
        at = draw.randrange(300)
        other = text[:at] + bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz", k=40)) + text[at:]
        met += bool({*bands(text)} & {*bands(other)})
        expected += 1 - (1 - likeness(text, other) ** ROWS) ** BANDS
        stranger = bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz", k=400))
        strangers += bool({*bands(text)} & {*bands(stranger)})
    assert abs(met - expected) < 20  # of some 395, three deviations
    assert strangers == 0
