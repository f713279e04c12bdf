"""The sound of a file as plain samples, decoded by ffmpeg in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from media_screening.decoding.child import INPUT
from media_screening.decoding.ffmpeg import INPUT_OPTIONS, ffmpeg_path
from media_screening.decoding.output import read_output
from media_screening.sound.sound_fingerprint import HOP_SAMPLES, SAMPLE_RATE_HZ

SAMPLE_BYTES = 2
CHUNK_BYTES = HOP_SAMPLES * SAMPLE_BYTES * 64

_FRAME_SAMPLES = 8_192
"""ffmpeg hands frames from thread to thread, which costs as much as to decode one of AAC's 1,024
samples: larger ones are handed on less often."""


def read_pcm(path: Path, *, max_seconds: float, timeout_seconds: float) -> Iterator[bytes]:
    """Yield the sound: one channel of signed 16-bit samples, 11,025 a second, little-endian.

    The first sample is the file's second 0, as the first frame's times are counted, and a pause in
    the sound track is silence: seconds of sound are seconds of the picture. What is broken off is
    yielded as far as it goes; beyond ``max_seconds`` nothing is, nor of a file without sound.

    Raises:
        TimeLimit: ffmpeg took longer than ``timeout_seconds`` and was ended.
        OverLimit: It needed more memory than it may.
        DecoderFailed: ffmpeg could not be run, or crashed.
    """
    options = [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", str(value))]
    command = [
        ffmpeg_path(), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error",
        "-threads", "1", *options, "-i", INPUT, "-vn", "-sn", "-dn",
        "-af",
        f"aresample={SAMPLE_RATE_HZ}:async=1:first_pts=0,aformat=s16:channel_layouts=mono,"
        f"asetnsamples={_FRAME_SAMPLES}:pad=0",
        "-t", f"{max_seconds:g}", "-f", "s16le", "pipe:1",
    ]  # fmt: skip
    return read_output(
        command, reads=path, piece_bytes=CHUNK_BYTES, timeout_seconds=timeout_seconds
    )
