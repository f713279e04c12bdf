"""The sound of a file as plain samples, decoded by ffmpeg in a process of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from media_screening.errors import DecoderFailed, TimeLimit
from media_screening.ffmpeg import ENVIRONMENT, INPUT_OPTIONS, ffmpeg_path, input_url
from media_screening.sound import HOP_SAMPLES, SAMPLE_RATE_HZ

SAMPLE_BYTES = 2
CHUNK_BYTES = HOP_SAMPLES * SAMPLE_BYTES * 64
_FAREWELL_SECONDS = 5.0


def read_pcm(path: Path, *, max_seconds: float, timeout_seconds: float) -> Iterator[bytes]:
    """Yield the sound: one channel of signed 16-bit samples, 11,025 a second, little-endian.

    The first sample is the file's second 0, as the first frame's times are counted, and a pause in
    the sound track is silence: seconds of sound are seconds of the picture. What is broken off is
    yielded as far as it goes; beyond ``max_seconds`` nothing is, nor of a file without sound.

    Raises:
        TimeLimit: ffmpeg took longer than ``timeout_seconds`` and was ended.
        DecoderFailed: ffmpeg could not be run.
    """
    options = [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", str(value))]
    command = [
        ffmpeg_path(), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error",
        "-threads", "1", *options, "-i", input_url(path), "-vn", "-sn", "-dn",
        "-af", f"aresample={SAMPLE_RATE_HZ}:async=1:first_pts=0,aformat=s16:channel_layouts=mono",
        "-t", f"{max_seconds:g}", "-f", "s16le", "pipe:1",
    ]  # fmt: skip
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
        while chunk := process.stdout.read(CHUNK_BYTES):
            yield chunk
        process.wait(timeout=_FAREWELL_SECONDS)
    finally:
        watchdog.cancel()
        process.kill()
        process.stdout.close()
        process.wait()
    if overdue.is_set():
        reason = f"decoding the sound took longer than {timeout_seconds:g} s"
        raise TimeLimit(reason)
