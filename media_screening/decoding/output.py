"""What ffmpeg writes of an upload, piece by piece, from behind the fences."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from media_screening.decoding.child import ChildLimits, start

_LOG_BYTES = 1 << 16


def read_output(
    command: list[str], *, reads: Path, piece_bytes: int, timeout_seconds: float
) -> Iterator[bytes]:
    """Yield what a command writes to its standard output; only the last piece may be short.

    Args:
        command: Calls the file ``child.INPUT``.
        reads: The file.
        piece_bytes: How much is yielded at once.
        timeout_seconds: How long it may take.

    Raises:
        TimeLimit: It took longer, or more of the processor than it may.
        OverLimit: It needed more memory than it may.
        DecoderFailed: It crashed, or could not be started.
    """
    log = bytearray()
    limits = ChildLimits(wall_seconds=timeout_seconds)
    with start(command, reads=[reads], limits=limits) as child:
        listener = threading.Thread(target=_listen, args=(child.stderr, log), daemon=True)
        listener.start()
        try:
            while piece := child.stdout.read(piece_bytes):
                yield piece
            child.finish()
        finally:
            child.stop()
            listener.join()
        child.check(log.decode(errors="replace"))


def _listen(stderr: IO[bytes], log: bytearray) -> None:
    """Take what it complains of, so that it never waits; the beginning is enough to know."""
    while line := stderr.readline(_LOG_BYTES):
        if len(log) < _LOG_BYTES:
            log += line
