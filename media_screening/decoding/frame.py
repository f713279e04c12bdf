"""Small grey frames of a video, each with its time, decoded by ffmpeg in a process of its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.child import INPUT, Child, ChildLimits, start
from media_screening.decoding.ffmpeg import INPUT_OPTIONS, ffmpeg_path
from media_screening.decoding.key_frame import KEY_PACKETS, drops_packets
from media_screening.decoding.probe import Probe
from media_screening.errors import CutOff, Damaged, NotAVideo, OverLimit
from media_screening.fingerprinting.pdq import PDQ_SIDE_PIXELS

FRAME_SIDE_PIXELS = PDQ_SIDE_PIXELS
"""PDQ scales every picture to 64x64 before it does anything else; ffmpeg does that faster, in its
filter graph."""

BATCH_FRAMES = 64
CUT_OFF_TOLERANCE_SECONDS = 1.0
"""A file that says it was cut but lost less than this at its end is taken as whole."""

MAX_DAMAGED_SHARE = 0.1
"""Of the frames, as ffmpeg counts those it cannot decode."""

_DAMAGED_EXIT = 69  # ffmpeg's, for more than that; the frames have all been given out

_TIME = re.compile(rb"frame:\d+ +pts:-?\d+ +pts_time:(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$")
_CUT_OFF = re.compile(rb"partial file|File ended prematurely")
_LOG_LINES = 20
_LINE_BYTES = 8_192
_MAX_TIMES_AHEAD = 10_000  # pipes hold some twenty frames


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
        key_frames: Only those that the codec can decode by themselves; see ``key_frame.py``.
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
        OverLimit: Decoding needs more memory than it may have.
        Damaged: Much of it cannot be decoded; what can be has been yielded.
        NotAVideo: Nothing of it can be decoded.
        DecoderFailed: ffmpeg could not be run, or crashed.
    """
    if probe.duration_s is not None and probe.duration_s > limits.max_seconds:
        raise _too_long(probe.duration_s, limits)
    command = _command(probe=probe, sampling=sampling, limits=limits)
    child_limits = ChildLimits(wall_seconds=limits.timeout_seconds)
    with start(command, reads=[path], limits=child_limits) as child:
        run = _Run(child=child, sampling=sampling)
        try:
            yield from run.batches(limits)
        finally:
            run.stop()
    run.check(probe)


def _command(*, probe: Probe, sampling: Sampling, limits: FrameLimits) -> list[str]:
    # Half a millisecond of grace, because containers round their times.
    period = 1.0 / sampling.frames_per_second - 0.0005
    options: dict[str, str | int | float] = {"threads": limits.decode_threads, **INPUT_OPTIONS}
    if sampling.key_frames:
        # Containers with an index let the rest lie in the file, decoders what comes all the same.
        # Key frames that are looked at small need no deblocking either.
        options |= {"discard:v": "nokey", "skip_frame": "nokey", "skip_loop_filter": "all"}
        if drops_packets():
            options["bsf:v"] = KEY_PACKETS
    if sampling.start_s:
        options["ss"] = round(sampling.start_s, 3)
    if sampling.end_s is not None:
        options["t"] = round(sampling.end_s - sampling.start_s, 3)
    source = ffmpeg.input(INPUT, **options)
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
        "-nostdin",
        "-hide_banner",
        "-nostats",
        "-loglevel",
        "error",
        "-max_error_rate",
        str(MAX_DAMAGED_SHARE),
    ).compile(cmd=ffmpeg_path())
    return command


@dataclass(kw_only=True, slots=True)
class _Run:
    """One ffmpeg process: its frames on stdout, their times and its complaints on stderr."""

    child: Child
    sampling: Sampling
    ended: bool = False
    cut_off: bool = False
    complaints: int = 0
    frames: int = 0
    end_s: float = 0.0
    _log: list[str] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _listener: threading.Thread | None = None
    _listened: bool = False

    def batches(self, limits: FrameLimits) -> Iterator[FrameBatch]:
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        height, width = self.sampling.height, self.sampling.width
        frame_bytes = height * width
        while raw := self.child.stdout.read(BATCH_FRAMES * frame_bytes):
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
        # At the end of its output it is ending by itself; before that, nobody wants the rest.
        if self.ended:
            self.child.finish()
        else:
            self.child.stop()
        if self._listener is not None:
            self._listener.join()

    def check(self, probe: Probe) -> None:
        """Say what was wrong with the run, if anything was."""
        self.child.check("\n".join(self._log))
        if self.frames and self._falls_short(probe):
            whole = f" of {probe.duration_s:.1f} s" if probe.duration_s else ""
            reason = f"cut off: it ends after {self.end_s:.1f} s{whole}"
            raise CutOff(reason)
        if not self.frames and self.cut_off:
            raise CutOff("cut off: it ends before its first frame")  # noqa: EM101 -- as people read it
        if not self.frames:
            reason = "no frame of it can be decoded"
            if self._log:
                reason += f": {self._log[0]}"
            raise NotAVideo(reason)
        if self.child.exit_code == _DAMAGED_EXIT:
            reason = f"damaged: over {MAX_DAMAGED_SHARE:.0%} of its frames cannot be decoded"
            raise Damaged(reason)

    def _falls_short(self, probe: Probe) -> bool:
        """Whether it ends before it should; that its sound goes on is no sign of it by itself."""
        if not self.cut_off and (not self.complaints or probe.duration_s is None):
            return False
        if probe.duration_s is None:
            return True
        tolerance_s = CUT_OFF_TOLERANCE_SECONDS
        if not self.cut_off:
            tolerance_s = max(3 * tolerance_s, probe.duration_s * MAX_DAMAGED_SHARE)
        return self.end_s < probe.duration_s - tolerance_s

    def _take_times(self, count: int) -> NDArray[np.float64]:
        """Wait for the times of frames that have come; they are written before their pictures."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._times) >= count or self._listened)
            times, self._times = self._times[:count], self._times[count:]
        return np.array(times, np.float64)

    def _listen(self) -> None:
        while line := self.child.stderr.readline(_LINE_BYTES):
            if (at_s := time_told(line)) is not None:
                with self._arrived:
                    if len(self._times) >= _MAX_TIMES_AHEAD:
                        self.child.condemn("ffmpeg tells of more frames than it gives out")
                        break
                    self._times.append(at_s)
                    self._arrived.notify()
                continue
            if _CUT_OFF.search(line):
                self.cut_off = True
            text = line.decode(errors="replace").strip()
            if not text or text.startswith("doorstaff="):
                continue
            self.complaints += 1
            if len(self._log) < _LOG_LINES:
                self._log.append(_without_address(text)[:200])
        with self._arrived:
            self._listened = True
            self._arrived.notify_all()


def time_told(line: bytes) -> float | None:
    """The time of a frame that a line of ffmpeg's tells; None if it tells of something else.

    It may come in the middle of a line: a decoder complains from a thread of its own, and writes
    where it is and what is wrong one after the other.
    """
    match = _TIME.search(line)
    return None if match is None else float(match[1])


def _without_address(line: str) -> str:
    return re.sub(r"^(\[[^\]]*\]\s*)+", "", line)


def _too_long(seconds: float, limits: FrameLimits) -> OverLimit:
    reason = f"longer than may be screened: {seconds:.0f} s, at most {limits.max_seconds:.0f}"
    return OverLimit(reason)
