"""Phone numbers: spellings of one are equal, and what is no number is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.phone import MAX_DIGITS, MIN_DIGITS, phone_digits


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+49 (30) 901 820", "+4930901820"),
        ("0049 30 901820", "+4930901820"),
        ("Tel. +49-30-901820 ext. 7", "+4930901820"),
        ("(030) 90 18/20", "030901820"),
        ("(+49) 30 901820", "+4930901820"),
        ("+٤٩ ٣٠ ٩٠١٨٢٠", "+4930901820"),
        ("\uff0b\uff14\uff19 30 901820", "+4930901820"),
        ("1.888.555.0123", "18885550123"),
        ("555-12", None),
        ("0000000000", None),
        ("1111 1111", None),
        ("1" * 8 + "2" * 8, None),
        ("call me", None),
        ("", None),
    ],
)
def test_spellings(written: str, digits: str | None) -> None:
    assert phone_digits(written) == digits


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_none(written: str) -> None:
    digits = phone_digits(written)
    if digits is not None:
        assert digits.isascii()
        assert MIN_DIGITS <= len(digits.removeprefix("+")) <= MAX_DIGITS
        assert phone_digits(digits) == digits
