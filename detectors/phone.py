"""Phone numbers as people type them, in the form in which two spellings of one are equal."""

from __future__ import annotations

import re
import unicodedata

MIN_DIGITS, MAX_DIGITS = 7, 15
"""E.164 has at most 15; fewer than 7 are an extension or a short code."""

_NUMBER = re.compile(r"\+?\s*\(?\d[\d\s()./\u2010-\u2015-]+")


def phone_digits(written: str) -> str | None:
    """The digits of a number, with a ``+`` if it names its country.

    ``+49 (30) 901 820``, ``0049 30 901820`` and ``Tel. +49-30-901820 ext. 7`` are one. A number
    without its country stays what it is: which one is meant is not for us to guess.

    Returns:
        None for what is no number, or is one digit over and over, as people type to get on.
    """
    if not written.isascii():
        written = unicodedata.normalize("NFKC", written)
    found = _NUMBER.search(written)
    if found is None:
        return None
    digits = "".join(str(int(char)) for char in found[0] if char.isdecimal())
    abroad = found[0].startswith("+") or digits.startswith("00")
    digits = digits.removeprefix("00") if digits.startswith("00") else digits
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS or len(set(digits)) == 1:
        return None
    return f"+{digits}" if abroad else digits
