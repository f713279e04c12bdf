"""Small grey frames of a video, each with its time, decoded by ffmpeg in a process of its own."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from media_screening.errors import CutOff, DecoderFailed, OverLimit, TimeLimit
from media_screening.ffmpeg import ENVIRONMENT, INPUT_OPTIONS, ffmpeg_path, input_url
from media_screening.pdq import PDQ_SIDE_PIXELS
from media_screening.probe import Probe

FRAME_SIDE_PIXELS = PDQ_SIDE_PIXELS
"""PDQ scales every picture to 64x64 before it does anything else; ffmpeg does that faster, in its
filter graph."""

BATCH_FRAMES = 64
CUT_OFF_TOLERANCE_SECONDS = 1.0
"""A file that says it was cut but lost less than this at its end is taken as whole."""

_TIME = re.compile(rb"^frame:(\d+) +pts:-?\d+ +pts_time:(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$")
_CUT_OFF = re.compile(rb"partial file|File ended prematurely")
_LOG_LINES = 20
_FAREWELL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameBatch:
    """Frames in the order of the video.

    Attributes:
        times_s: Seconds from the start of the file, shape (n,).
        pixels: Grey, shape (n, height, width), 0 to 255.
    """

    times_s: NDArray[np.float64]
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Which frames of a video are handed over, and how large.

    Attributes:
        frames_per_second: At most so many are.
        key_frames: Only those that the codec can decode by themselves; see ``skips_to_key_frames``.
        start_s: Nothing before this.
        end_s: Nothing from here on; None for all there is.
        width: In pixels.
        height: In pixels.
    """

    frames_per_second: float
    key_frames: bool = False
    start_s: float = 0.0
    end_s: float | None = None
    width: int = FRAME_SIDE_PIXELS
    height: int = FRAME_SIDE_PIXELS


KEY_FRAME_CODECS = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vc1", "wmv3"})
"""Decoders that leave the other frames alone when they are told to (``-skip_frame nokey``). Those
of VP8, VP9 and AV1 decode every frame all the same (measured), and of others nothing is known."""


def skips_to_key_frames(probe: Probe) -> bool:
    """Whether key frames of this video cost less than all of it."""
    return probe.video.codec in KEY_FRAME_CODECS


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameLimits:
    """How much of a video is decoded at most."""

    timeout_seconds: float = 900.0
    max_seconds: float = 6 * 3_600.0
    decode_threads: int = 0
    """0 leaves it to ffmpeg; workers that run one to a core use 1."""


def read_frames(
    path: Path, *, probe: Probe, sampling: Sampling, limits: FrameLimits
) -> Iterator[FrameBatch]:
    """Decode a video and yield some of its frames, with their own times.

    A frame is taken as soon as a whole period has gone by since the last one taken: at a variable
    frame rate each keeps its true time, and none is made up.

    Raises:
        OverLimit: The video goes on beyond ``max_seconds``.
        CutOff: The file ends before its video does; all frames before the cut have been yielded.
        TimeLimit: ffmpeg took longer than ``timeout_seconds`` and was ended.
        DecoderFailed: ffmpeg could not be run, or nothing could be decoded.
    """
    if probe.duration_s is not None and probe.duration_s > limits.max_seconds:
        raise _too_long(probe.duration_s, limits)
    command = _command(path, probe=probe, sampling=sampling, limits=limits)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(ENVIRONMENT),
        )
    except OSError as error:
        reason = f"ffmpeg could not be started: {error.strerror}"
        raise DecoderFailed(reason) from None
    with process:
        run = _Run(process=process, timeout_seconds=limits.timeout_seconds, sampling=sampling)
        try:
            yield from run.batches(limits)
        finally:
            run.stop()
    run.check(probe)


def _command(path: Path, *, probe: Probe, sampling: Sampling, limits: FrameLimits) -> list[str]:
    # Half a millisecond of grace, because containers round their times.
    period = 1.0 / sampling.frames_per_second - 0.0005
    options: dict[str, str | int | float] = {"threads": limits.decode_threads, **INPUT_OPTIONS}
    if sampling.key_frames:
        # Key frames that are looked at small need no deblocking either.
        options |= {"skip_frame": "nokey", "skip_loop_filter": "all"}
    if sampling.start_s:
        options["ss"] = round(sampling.start_s, 3)
    if sampling.end_s is not None:
        options["t"] = round(sampling.end_s - sampling.start_s, 3)
    source = ffmpeg.input(input_url(path), **options)
    frames = (
        source[str(probe.video.index)]
        .filter("select", f"isnan(prev_selected_t)+gte(t-prev_selected_t,{period:.6f})")
        .filter("scale", sampling.width, sampling.height, flags="area")
        .filter("format", "gray")
        # The metadata filter prints times, but only of frames that have something to print.
        .filter("metadata", mode="add", key="doorstaff", value="1")
        .filter("metadata", mode="print", file="pipe:2", direct=1)
    )
    output = frames.output("pipe:1", format="rawvideo", fps_mode="passthrough")
    command: list[str] = output.global_args(
        "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error"
    ).compile(cmd=ffmpeg_path())
    return command


@dataclass(kw_only=True, slots=True)
class _Run:
    """One ffmpeg process: its frames on stdout, their times and its complaints on stderr."""

    process: subprocess.Popen[bytes]
    timeout_seconds: float
    sampling: Sampling
    timed_out: bool = False
    ended: bool = False
    cut_off: bool = False
    frames: int = 0
    end_s: float = 0.0
    _log: list[str] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _listener: threading.Thread | None = None
    _listened: bool = False
    _watchdog: threading.Timer | None = None

    def batches(self, limits: FrameLimits) -> Iterator[FrameBatch]:
        stdout, stderr = self.process.stdout, self.process.stderr
        assert stdout is not None
        assert stderr is not None
        self._watchdog = threading.Timer(self.timeout_seconds, self._end)
        self._watchdog.daemon = True
        self._watchdog.start()
        self._listener = threading.Thread(target=self._listen, args=(stderr,), daemon=True)
        self._listener.start()
        height, width = self.sampling.height, self.sampling.width
        frame_bytes = height * width
        while raw := stdout.read(BATCH_FRAMES * frame_bytes):
            count = len(raw) // frame_bytes
            if not count:
                break
            pixels = np.frombuffer(raw, np.uint8, count * frame_bytes)
            # After a seek, ffmpeg counts from where it was told to seek to.
            times = self._take_times(count) + self.sampling.start_s
            if not len(times):
                break
            self.frames += len(times)
            self.end_s = max(self.end_s, float(times[-1]))
            if self.end_s > limits.max_seconds:
                raise _too_long(self.end_s, limits)
            shape = (count, height, width)
            yield FrameBatch(times_s=times, pixels=pixels.reshape(shape)[: len(times)])
        self.ended = True

    def stop(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        try:
            # At the end of its output it is ending by itself; before that, nobody wants the rest.
            self.process.wait(timeout=_FAREWELL_SECONDS if self.ended else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._listener is not None:
            self._listener.join()

    def check(self, probe: Probe) -> None:
        """Say what was wrong with the run, if anything was."""
        if self.timed_out:
            reason = f"decoding took longer than {self.timeout_seconds:g} s"
            raise TimeLimit(reason)
        if self.cut_off and not self._reached_end(probe):
            whole = f" of {probe.duration_s:.1f} s" if probe.duration_s else ""
            reason = f"cut off: it ends after {self.end_s:.1f} s{whole}"
            raise CutOff(reason)
        if not self.frames:
            reason = "no frame could be decoded"
            if self._log:
                reason += f": {self._log[-1]}"
            raise DecoderFailed(reason)

    def _reached_end(self, probe: Probe) -> bool:
        return (
            probe.duration_s is not None
            and self.frames > 0
            and self.end_s >= probe.duration_s - CUT_OFF_TOLERANCE_SECONDS
        )

    def _end(self) -> None:
        self.timed_out = True
        self.process.kill()

    def _take_times(self, count: int) -> NDArray[np.float64]:
        """Wait for the times of frames that have come; they are written before their pictures."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._times) >= count or self._listened)
            times, self._times = self._times[:count], self._times[count:]
        return np.array(times, np.float64)

    def _listen(self, stderr: IO[bytes]) -> None:
        for line in stderr:
            if match := _TIME.match(line):
                with self._arrived:
                    self._times.append(float(match[2]))
                    self._arrived.notify()
                continue
            if _CUT_OFF.search(line):
                self.cut_off = True
            text = line.decode(errors="replace").strip()
            if text and not text.startswith("doorstaff=") and len(self._log) < _LOG_LINES:
                self._log.append(_without_address(text)[:200])
        with self._arrived:
            self._listened = True
            self._arrived.notify_all()


def _without_address(line: str) -> str:
    return re.sub(r"^(\[[^\]]*\]\s*)+", "", line)


def _too_long(seconds: float, limits: FrameLimits) -> OverLimit:
    reason = f"longer than may be screened: {seconds:.0f} s, at most {limits.max_seconds:.0f}"
    return OverLimit(reason)
