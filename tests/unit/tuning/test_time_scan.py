"""What is read of a block at once is what is read of its lines one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import epoch_ms
from tuning.time_scan import UNREAD, scan


def read(*lines: bytes) -> list[int]:
    block = b"\n".join(lines)
    begins, ends, times = scan(block)
    assert [block[begin:end] for begin, end in zip(begins, ends, strict=True)] == list(lines)
    return list(map(int, times))


def said(at: str, **more: object) -> bytes:
    return json.dumps({"type": "signup", "occurred_at": at, **more}).encode()


FORMS = st.sampled_from(["seconds", "milliseconds", "microseconds"])


@given(st.lists(st.tuples(st.datetimes(), FORMS, st.booleans()), min_size=1, max_size=6))
def test_every_time_that_is_read_is_read_right(times: list[tuple[datetime, str, bool]]) -> None:
    lines, expected = [], []
    for naive, form, is_compact in times:
        at = naive.replace(tzinfo=UTC)
        text = at.isoformat(timespec=form).replace("+00:00", "Z")
        line = said(text, bio='she said "occurred_at": "2001-01-01T00:00:00Z" to me')
        lines.append(line.replace(b": ", b":") if is_compact else line)
        expected.append(epoch_ms(datetime.fromisoformat(text)))
    assert read(*lines) == expected


@given(st.text("0123456789-T:.Z", max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"))
def test_what_is_no_time_is_left_alone(text: str) -> None:
    (at_ms,) = read(said(text))
    if at_ms != UNREAD:
        assert at_ms == epoch_ms(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        said("2026-02-29T18:00:00Z"),
        said("2026-05-04T18:00:60Z"),
        said("2026-05-04T18:00:05+00:00"),
        said("2026-05-04T18:00:05.1Z"),
        said("0000-05-04T18:00:05Z"),
        b'{"occurred_at":1777917605}',
        b'{"occurred_at"  :"2026-05-04T18:00:05Z"}',
        b'{"occurred_at":"2026-05-04T18:00:05Z","occurred_at":"2026-05-04T18:00:06Z"}',
        b'{"occurred_at":"2026-05-04T18:00:05',
        b'{"occurred_at"',
    ],
)
def test_what_is_unusual_is_left_to_a_slower_reader(line: bytes) -> None:
    """Also on the block's last line, where there is nothing after it."""
    good = said("2026-05-04T18:00:05.250Z")
    assert read(good, line, good, line)[:3] == [1_777_917_605_250, UNREAD, 1_777_917_605_250]
