"""Chromaprint's values of plain samples, at several speeds in one pass, by ffmpeg's muxer.

What is read here are samples that another process decoded: nothing of an upload's container or
codec reaches this one.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.ffmpeg import ENVIRONMENT, ffmpeg_path
from media_screening.errors import DecoderFailed
from media_screening.sound.sound_fingerprint import SAMPLE_RATE_HZ

_ANSWER_SECONDS = 10.0


@cache
def has_chromaprint() -> bool:
    """Tell whether ffmpeg has the muxer; the wheel's and Debian's have.

    Raises:
        DecoderFailed: There is no ffmpeg.
    """
    try:
        answer = subprocess.run(
            [ffmpeg_path(), "-hide_banner", "-muxers"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(ENVIRONMENT),
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return re.search(rb"^\s*E\s+chromaprint\s", answer.stdout, re.MULTILINE) is not None


class Chromaprinter:
    """Takes samples as they come, and tells their values at each speed when they end.

    At a speed of 1.25 the samples are played 1.25 times slower before they are fingerprinted: an
    upload that was sped up by as much, pitch and all, then sounds as its reference does. The values
    are those of the slowed sound, ``PERIOD_S`` of it apart.
    """

    def __init__(self, speeds: tuple[float, ...] = (1.0,)) -> None:
        self._speeds = speeds
        self._folder = tempfile.TemporaryDirectory(prefix="doorstaff-sound-")
        self._log = (Path(self._folder.name) / "log").open("wb")
        try:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=dict(ENVIRONMENT),
            )
        except OSError as error:
            self._log.close()
            self._folder.cleanup()
            reason = f"ffmpeg could not be started: {error.strerror}"
            raise DecoderFailed(reason) from None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process, whether it was heard out or not, and take its files away."""
        self._process.kill()
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def feed(self, pcm: bytes) -> None:
        """Take samples: one channel, 16 bits, 11,025 a second.

        Raises:
            DecoderFailed: ffmpeg ended early.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pcm)
        except BrokenPipeError:
            raise self._failed() from None

    def finish(self) -> list[NDArray[np.uint32]]:
        """The values at each speed, in the order of the speeds; none of sound that is too short.

        Raises:
            DecoderFailed: ffmpeg ended with an error.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._failed() from None
        if self._process.wait():
            raise self._failed()
        return [np.fromfile(self._output(number), "=u4") for number in range(len(self._speeds))]

    def _command(self) -> list[str]:
        count = len(self._speeds)
        graph = "[0:a]asplit=" + str(count) + "".join(f"[in{number}]" for number in range(count))
        outputs: list[str] = []
        for number, speed in enumerate(self._speeds):
            graph += f";[in{number}]asetrate={round(SAMPLE_RATE_HZ / speed)}[out{number}]"
            outputs += ["-map", f"[out{number}]", "-f", "chromaprint", "-fp_format", "raw"]
            outputs.append(f"file:{self._output(number)}")
        return [
            ffmpeg_path(), "-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1",
            "-f", "s16le", "-ar", str(SAMPLE_RATE_HZ), "-ac", "1", "-i", "pipe:0",
            "-filter_complex_threads", "1", "-filter_complex", graph, *outputs,
        ]  # fmt: skip

    def _output(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.raw"

    def _failed(self) -> DecoderFailed:
        self._process.wait()
        log = (Path(self._folder.name) / "log").read_text(errors="replace").strip().splitlines()
        told = log[-1][:200] if log else f"it ended with {self._process.returncode}"
        return DecoderFailed(f"the sound could not be fingerprinted: {told}")
