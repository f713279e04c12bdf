"""When the events of a block of lines happened, read for all lines at once.

A line is read here if it says ``"occurred_at"`` once, and a time after it as the platform writes it
as a rule: ``2026-05-04T18:00:05Z``, or with three or six digits of a second's fraction. All others
are left to a reader that takes one line at a time and knows more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[tuple[int], np.dtype[Any]]

UNREAD = -(1 << 63)
"""In place of the time of a line that was not read."""

_KEY = b'"occurred_at"'
_MOST = 28
"""Characters of a time at most, with the quote that ends it."""
_NINE = np.uint8(9)
_DIGITS = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_MARKS = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))


def scan(block: bytes) -> tuple[Array, Array, Array]:
    """Find the lines of a block, which begins with a line.

    Returns:
        ``int64[lines]`` each: where lines begin in the block, where they end (newlines left
        out), and when they happened, in epoch milliseconds rounded down, or ``UNREAD``.
    """
    text = np.frombuffer(block + bytes(_MOST + 4), np.uint8)
    ends = np.flatnonzero(text[: len(block)] == ord("\n"))
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    begins = np.concatenate(([0], ends[:-1] + 1))
    times = np.full(len(ends), UNREAD)
    after_key = np.array(_after_keys(block), np.int64)
    line = np.searchsorted(ends, after_key)
    once = np.bincount(line, minlength=len(ends))[line] == 1
    after_key, line = after_key[once], line[once]
    quote = after_key + 1 + (text[after_key + 1] == ord(" "))
    quoted = (text[after_key] == ord(":")) & (text[quote] == ord('"'))
    at_ms, is_time = _times([text[quote + 1 + place] for place in range(_MOST)])
    read = quoted & is_time
    times[line[read]] = at_ms[read]
    return begins, ends, times


def _after_keys(block: bytes) -> list[int]:
    places: list[int] = []
    at = block.find(_KEY)
    while at >= 0:
        at += len(_KEY)
        places.append(at)
        at = block.find(_KEY, at)
    return places


def _times(column: list[Array]) -> tuple[Array, Array]:
    """Times by their characters, a column a place; and which of them are times in truth."""
    digit = [one - np.uint8(ord("0")) for one in column]  # what is none wraps around, past 9

    def is_digit(*places: int) -> Array:
        found: Array = np.maximum.reduce([digit[at] for at in places]) <= _NINE
        return found

    def ends_at(place: int) -> Array:
        found: Array = (column[place] == ord("Z")) & (column[place + 1] == ord('"'))
        return found

    def number(*places: int) -> Array:
        value = digit[places[0]].astype(np.int64)
        for at in places[1:]:
            value = value * 10 + digit[at]
        return value

    valid = is_digit(*_DIGITS)
    for place, mark in _MARKS:
        valid &= column[place] == ord(mark)
    in_thousandths = (column[19] == ord(".")) & is_digit(20, 21, 22)
    in_millionths = in_thousandths & is_digit(23, 24, 25) & ends_at(26)
    has_fraction = in_millionths | (in_thousandths & ends_at(23))
    valid &= has_fraction | ends_at(19)
    year, month, day = number(0, 1, 2, 3), number(5, 6), number(8, 9)
    hour, minute, second = number(11, 12), number(14, 15), number(17, 18)
    for value, least, most in (
        (year, 1, 9_999), (month, 1, 12), (hour, 0, 23), (minute, 0, 59), (second, 0, 59),
    ):  # fmt: skip
        valid &= (value >= least) & (value <= most)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0)
    first_day, next_first_day = _days(months), _days(months + 1)
    valid &= (day >= 1) & (day <= next_first_day - first_day)
    seconds = (((first_day + day - 1) * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000 + np.where(has_fraction, number(20, 21, 22), 0), valid


def _days(months: Array) -> Array:
    """When months of the Gregorian calendar begin, both counted from 1970."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
