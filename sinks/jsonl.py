"""Alerts to a file, one JSON object a line, for log shippers and for the record.

Guaranteed: a delivery has arrived when its line is on the disk (``fsync``). The file holds whole
lines only: what a crash or a full disk left of a line is cut off before the next one is written,
and that alert, never having arrived, is delivered again. Several processes may write to one file,
and it may be moved away at any time: the next line makes a new one.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Final

from contracts import wire
from contracts.alert import Alert
from sinks.errors import Unreachable
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff
from sinks.thread import OwnThread

_CHUNK_BYTES = 65_536


class JsonlSink:
    """Appends to ``path``, whose folder is made where it is missing."""

    name: Final = "jsonl"
    timeout_seconds: Final = 10.0
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = OwnThread("jsonl-sink")

    async def deliver(self, alert: Alert) -> None:
        """Append it.

        Raises:
            Unreachable: The file cannot be written: no space, no permission.
        """
        try:
            await self._thread.run(append_line, self._path, wire.encode(alert))
        except OSError as error:
            reason = f"cannot write ({error.strerror or type(error).__name__})"
            raise Unreachable(sink=self.name, reason=reason) from None

    async def aclose(self) -> None:
        """Let go of the thread."""
        self._thread.close()


def append_line(path: Path, line: bytes) -> None:
    """Append a line, durably, wholly or not at all.

    Raises:
        OSError: It was not appended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = _whole_end(file)
        try:
            _write_all(file, line + b"\n", end)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)
            raise
    finally:
        os.close(file)  # which unlocks it
    if is_new:
        _sync_folder(path.parent)


def _whole_end(file: int) -> int:
    """Where the last whole line ends; what is torn behind it is cut off."""
    size = os.fstat(file).st_size
    tail, begin = b"", size
    while begin > 0 and b"\n" not in tail:
        length = min(_CHUNK_BYTES, begin)
        begin -= length
        tail = os.pread(file, length, begin) + tail
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return size
    if _is_whole(torn):  # somebody's editor took the last newline away
        _write_all(file, b"\n", size)
        return size + 1
    os.ftruncate(file, size - len(torn))
    return size - len(torn)


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _write_all(file: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


def _sync_folder(folder: Path) -> None:
    """Make the new file's name durable too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
