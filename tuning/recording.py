"""A file of recorded events, one JSON object a line, read in the order they happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from pydantic import BaseModel, ValidationError

from contracts.event import Timestamp, epoch_ms

Progress = Callable[[int, int], None]
"""Called with bytes read and bytes in all."""

_EVERY_LINES = 2_000


class _Stamp(msgspec.Struct):
    occurred_at: datetime


class _AnyStamp(BaseModel):
    occurred_at: Timestamp


_stamp = msgspec.json.Decoder(_Stamp)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a recording.

    Attributes:
        number: From 1.
    """

    number: int
    raw: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Where each line of a file begins, in event time.

    Only times and places are kept in memory, 20 bytes a line, so that a day's traffic fits.

    Attributes:
        offsets: ``int64[lines]``, bytes from the file's start, in event time; a line without a
            time keeps the place of the line before it.
        numbers: ``int32[lines]``, line numbers from 1.
        unordered: Lines that happened before the line above them.
    """

    path: Path
    size: int
    offsets: np.ndarray[tuple[int], np.dtype[np.int64]]
    numbers: np.ndarray[tuple[int], np.dtype[np.int32]]
    unordered: int

    def __len__(self) -> int:
        """Lines, blank ones left out."""
        return len(self.offsets)

    def lines(self, progress: Progress) -> Iterator[Line]:
        """Each line, in the order it happened; lines of one time in the order of the file."""
        done = 0
        with self.path.open("rb") as file:
            places = zip(self.offsets.tolist(), self.numbers.tolist(), strict=True)
            at = 0
            for index, (offset, number) in enumerate(places):
                if at != offset:
                    file.seek(offset)
                raw = file.readline()
                at = offset + len(raw)
                done += len(raw)
                if index % _EVERY_LINES == 0:
                    progress(done, self.size)
                yield Line(number=number, raw=raw)
        progress(self.size, self.size)


def open_recording(path: Path, progress: Progress) -> Recording:
    """Find the order of a file's events, without reading them whole.

    Raises:
        OSError: The file cannot be read.
    """
    offsets: list[int] = []
    numbers: list[int] = []
    times: list[int] = []
    size, offset, unordered, before_ms = path.stat().st_size, 0, 0, -(1 << 62)
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if raw.strip():
                at_ms = _time_of(raw)
                if at_ms is None:
                    at_ms = before_ms  # broken: the reader will say how
                unordered += at_ms < before_ms
                offsets.append(offset)
                numbers.append(number)
                times.append(at_ms)
                before_ms = at_ms
            offset += len(raw)
            if number % (_EVERY_LINES * 10) == 0:
                progress(offset, size)
    order = np.argsort(np.array(times, dtype=np.int64), kind="stable")
    return Recording(
        path=path,
        size=size,
        offsets=np.array(offsets, dtype=np.int64)[order],
        numbers=np.array(numbers, dtype=np.int32)[order],
        unordered=unordered,
    )


def _time_of(raw: bytes) -> int | None:
    try:
        at = _stamp.decode(raw).occurred_at
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _unusual_time_of(raw)
    return epoch_ms(at) if at.tzinfo is not None else None


def _unusual_time_of(raw: bytes) -> int | None:
    """Read what events are accepted with and ``msgspec`` does not know: no seconds, or a number."""
    try:
        return epoch_ms(_AnyStamp.model_validate_json(raw).occurred_at)
    except ValidationError:
        return None
