"""A file of recorded events, one JSON object a line, read in the order they happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from pydantic import BaseModel, ValidationError

from contracts.event import Timestamp, epoch_ms
from tuning.time_scan import UNREAD, Array, scan

Progress = Callable[[int, int], None]
"""Called with bytes read and bytes in all."""

BLOCK_BYTES = 2 * 1024**2

_LONG_AGO_MS = -(1 << 62)
_NO_PLACES: Array = np.empty(0, np.int64)


class _Stamp(msgspec.Struct):
    occurred_at: datetime


class _AnyStamp(BaseModel):
    occurred_at: Timestamp


_stamp = msgspec.json.Decoder(_Stamp)


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """Some lines of a recording.

    Attributes:
        numbers: From 1.
        raw: Without the ends of the lines.
    """

    numbers: list[int]
    raw: list[bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Where each line of a file lies, in event time.

    Only places are kept in memory, 20 bytes a line, so that a day's traffic fits.

    Attributes:
        begins: Bytes from the file's start, in event time; a line without a time keeps the place of
            the line before it.
        ends: Likewise, without the line's end.
        numbers: Line numbers from 1.
        unordered: Lines that happened before the line above them.
    """

    path: Path
    size: int
    begins: Array
    ends: Array
    numbers: Array
    unordered: int

    def __len__(self) -> int:
        """Lines, blank ones left out."""
        return len(self.begins)

    def chunks(self, most: int, progress: Progress) -> Iterator[Lines]:
        """The lines in the order they happened, those of one time in the order of the file.

        Args:
            most: Lines in a chunk.
            progress: Told of each chunk.
        """
        done = 0
        with self.path.open("rb") as file:
            for first in range(0, len(self), most):
                begins, ends = self.begins[first : first + most], self.ends[first : first + most]
                gaps = np.flatnonzero(begins[1:] != ends[:-1] + 1) + 1
                raw: list[bytes] = []
                for begin, end in pairwise((0, *gaps.tolist(), len(begins))):
                    raw += _run(file, int(begins[begin]), int(ends[end - 1]))
                yield Lines(numbers=self.numbers[first : first + most].tolist(), raw=raw)
                done += int((ends - begins).sum()) + len(begins)
                progress(min(done, self.size), self.size)
        progress(self.size, self.size)


def open_recording(path: Path, progress: Progress) -> Recording:
    """Find the order of a file's events, without reading them whole.

    Raises:
        OSError: The file cannot be read.
    """
    size = path.stat().st_size
    parts = [(_NO_PLACES, _NO_PLACES, _NO_PLACES, np.empty(0, np.int32))]
    offset, number, before_ms = 0, 1, _LONG_AGO_MS
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            block += file.readline()
            begins, ends, times = scan(block)
            numbers = np.arange(number, number + len(begins), dtype=np.int32)
            number += len(begins)
            is_line = _read_the_rest(block, begins, ends, times, before_ms)
            if is_line.any():
                before_ms = int(times[is_line][-1])
            begins, ends = begins + offset, ends + offset
            parts.append((begins[is_line], ends[is_line], times[is_line], numbers[is_line]))
            offset += len(block)
            progress(offset, size)
    begins, ends, times, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")
    return Recording(
        path=path,
        size=size,
        begins=begins[order],
        ends=ends[order],
        numbers=numbers[order],
        unordered=int(np.count_nonzero(times[1:] < times[:-1])),
    )


def _run(file: BinaryIO, begin: int, end: int) -> list[bytes]:
    """Lines that follow one another in the file, from where the first begins to the last's end."""
    if file.tell() != begin:
        file.seek(begin)
    block = file.read(end - begin + 1)
    return block.removesuffix(b"\n").split(b"\n")


def _read_the_rest(block: bytes, begins: Array, ends: Array, times: Array, before_ms: int) -> Array:
    """Read one by one what could not be read at once; give which are lines and not blank."""
    is_line = np.ones(len(times), np.bool_)
    for at in np.flatnonzero(times == UNREAD).tolist():
        raw = block[begins[at] : ends[at]]
        at_ms = _time_of(raw) if raw.strip() else None
        if at_ms is None:  # broken: the reader will say how
            at_ms = int(times[at - 1]) if at else before_ms
        times[at] = at_ms
        is_line[at] = bool(raw.strip())
    return is_line


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
