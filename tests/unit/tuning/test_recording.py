"""A recording is read in the order things happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import Signup, parse_event
from tests.traffic import START
from tuning.recording import Recording, open_recording


def quiet(_done: int, _whole: int) -> None:
    pass


def opened(folder: Path, *lines: bytes, end: bytes = b"\n") -> Recording:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines) + (end if lines else b""))
    return open_recording(path, quiet)


def line(name: str, at_s: float | None = 0.0, *, at: str | int | None = None) -> bytes:
    fields: dict[str, object] = {"name": name}
    if at_s is not None:
        moment = START + timedelta(seconds=at_s)
        fields["occurred_at"] = at if at is not None else moment.isoformat()
    return json.dumps(fields).encode()


def order(recording: Recording) -> list[int]:
    return [number for lines in recording.chunks(3, quiet) for number in lines.numbers]


def raw_lines(recording: Recording, most: int = 3) -> list[bytes]:
    return [raw for lines in recording.chunks(most, quiet) for raw in lines.raw]


def test_lines_come_in_the_order_they_happened_with_their_numbers(tmp_path: Path) -> None:
    recording = opened(tmp_path, line("c", 30), line("a", 10), line("b", 20.5), line("d", 40))
    assert order(recording) == [2, 3, 1, 4]
    assert recording.unordered == 1
    assert len(recording) == 4
    names = [json.loads(raw)["name"] for raw in raw_lines(recording)]
    assert names == ["a", "b", "c", "d"]


def test_blank_lines_are_no_lines_and_the_last_needs_no_end(tmp_path: Path) -> None:
    recording = opened(tmp_path, b"", line("b", 2), b"  \r", line("a", 1), end=b"")
    assert order(recording) == [4, 2]
    assert raw_lines(recording) == [line("a", 1), line("b", 2)]


@pytest.mark.parametrize(
    "broken", [b"{", b"\xff\xfe", b"[]", line("x", None), line("x", at="yesterday"), b"null"]
)
def test_a_line_without_a_time_keeps_its_place(tmp_path: Path, broken: bytes) -> None:
    recording = opened(tmp_path, line("c", 3), broken, line("a", 1), line("b", 2))
    assert order(recording) == [3, 4, 1, 2]
    assert order(opened(tmp_path, broken, line("a", 1))) == [1, 2]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    recording = opened(tmp_path)
    assert (len(recording), order(recording), recording.unordered) == (0, [], 0)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_recording(tmp_path / "none.jsonl", quiet)


@pytest.mark.parametrize(
    "at",
    [
        "2026-05-04T18:00:05Z",
        "2026-05-04t18:00:05z",
        "2026-05-04 18:00:05+00:00",
        "2026-05-04T20:00:05+02:00",
        "2026-05-04T18:00:05.000001Z",
        "2026-05-04T18:00:05.000000001Z",
        "2026-05-04T20:00:05+0200",
        "2026-05-04T18:00Z",
        1_777_917_605,
        1_777_917_605_000,
        "1777917605",
    ],
)
def test_every_time_that_is_accepted_is_put_in_order(tmp_path: Path, at: str | int) -> None:
    """What the door takes for a time, the recording does too."""
    signup = {"type": "signup", "event_id": "e", "account_id": "a", "ip": "192.0.2.1"}
    event = parse_event(json.dumps({**signup, "occurred_at": at}))
    assert isinstance(event, Signup)
    assert START <= event.occurred_at < START + timedelta(seconds=6)
    recording = opened(tmp_path, line("early", -9), line("late", 9), line("x", at=at))
    assert order(recording) == [1, 3, 2]


def test_progress_goes_from_nothing_to_the_whole(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    recording = opened(tmp_path, *(line(str(number), number) for number in range(5_000)))
    for lines in recording.chunks(256, lambda done, whole: heard.append((done, whole))):
        assert len(lines.raw) == len(lines.numbers) <= 256
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1] == (recording.size, recording.size)
    assert len(heard) > 2


@given(st.lists(st.integers(0, 5) | st.none(), max_size=30))
def test_sorting_is_stable(tmp_path_factory: pytest.TempPathFactory, at: list[int | None]) -> None:
    lines = [line("x", None if second is None else float(second)) for second in at]
    recording = opened(tmp_path_factory.mktemp("recording"), *lines)
    placed: list[int] = []
    newest = -1
    for second in at:
        newest = newest if second is None else second
        placed.append(newest)
    expected = sorted(range(len(at)), key=lambda index: placed[index])
    assert [number - 1 for number in order(recording)] == expected
    falls = sum(later < earlier for earlier, later in pairwise(placed))
    assert recording.unordered == falls


def test_times_before_the_epoch_come_first(tmp_path: Path) -> None:
    old = datetime(1965, 1, 1, tzinfo=UTC).isoformat()
    assert order(opened(tmp_path, line("b", 1), line("a", at=old))) == [2, 1]
