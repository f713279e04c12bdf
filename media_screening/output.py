"""What ffmpeg writes, piece by piece, from a process of its own that has so long for it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator

from media_screening.errors import DecoderFailed, TimeLimit
from media_screening.ffmpeg import ENVIRONMENT

_FAREWELL_SECONDS = 5.0


def read_output(command: list[str], *, piece_bytes: int, timeout_seconds: float) -> Iterator[bytes]:
    """Yield what a command writes to its standard output; only the last piece may be short.

    Raises:
        TimeLimit: It took longer than ``timeout_seconds`` and was ended.
        DecoderFailed: It could not be started.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(ENVIRONMENT),
        )
    except OSError as error:
        reason = f"ffmpeg could not be started: {error.strerror}"
        raise DecoderFailed(reason) from None
    overdue = threading.Event()

    def end() -> None:
        overdue.set()
        process.kill()

    watchdog = threading.Timer(timeout_seconds, end)
    watchdog.daemon = True
    watchdog.start()
    assert process.stdout is not None
    try:
        while piece := process.stdout.read(piece_bytes):
            yield piece
        process.wait(timeout=_FAREWELL_SECONDS)
    except subprocess.TimeoutExpired:
        pass  # it has said all it had to say
    finally:
        watchdog.cancel()
        process.kill()
        process.stdout.close()
        process.wait()
    if overdue.is_set():
        reason = f"decoding took longer than {timeout_seconds:g} s"
        raise TimeLimit(reason)
