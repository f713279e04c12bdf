"""What a file holds, as ffmpeg reads it, before anything of it is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from media_screening.decoding.child import INPUT, ChildLimits, run
from media_screening.decoding.ffmpeg import INPUT_OPTIONS, MAX_PIXELS, ffmpeg_path
from media_screening.errors import CutOff, NotAVideo, OverLimit, TimeLimit

PROBE_TIMEOUT_SECONDS = 30.0
REPORT_BYTES = 4 << 20
"""An ordinary file's headers are told in a few thousand."""

_FORMAT = re.compile(r"^Input #0, (.+), from '", re.MULTILINE)
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
# An indented "Stream" of our own line start only: a hostile title is printed behind "key : ".
_STREAM = re.compile(
    r"^  Stream #0:(?P<index>\d+)(?:\[\w+\])?(?:\([^)\n]*\))?: "
    r"(?P<kind>\w+): (?P<codec>\w+)(?P<rest>.*)$",
    re.MULTILINE,
)
_SIZE = re.compile(r" (\d{1,6})x(\d{1,6})\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoStream:
    """One moving picture in a file."""

    index: int
    codec: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What a file says of itself; only decoding shows whether it is true.

    Attributes:
        container: ffmpeg's name for it: ``mov,mp4,m4a,3gp,3g2,mj2``.
        duration_s: None where the container does not say.
        video: The stream people would see: the one with most pixels.
        has_sound: Whether there is a sound track.
    """

    container: str
    duration_s: float | None
    video: VideoStream
    has_sound: bool


def probe(path: Path, *, timeout_seconds: float = PROBE_TIMEOUT_SECONDS) -> Probe:
    """Read a file's headers.

    Raises:
        NotAVideo: There is no moving picture in it.
        CutOff: Its index is missing, as in a recording that was broken off.
        TimeLimit: It took longer than ``timeout_seconds``.
        OverLimit: Its pictures are too large, it needs too much memory, or it says too much.
        DecoderFailed: ffmpeg could not be run, or crashed.
    """
    options = [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", str(value))]
    command = [ffmpeg_path(), "-nostdin", "-hide_banner", *options, "-i", INPUT]
    limits = ChildLimits(
        wall_seconds=timeout_seconds, cpu_seconds=timeout_seconds, output_bytes=REPORT_BYTES
    )
    try:
        report = run(command, reads=[path], limits=limits).log
    except TimeLimit:
        reason = f"its headers could not be read in {timeout_seconds:g} s"
        raise TimeLimit(reason) from None
    return parse_probe(report)


def parse_probe(report: str) -> Probe:
    """Read what ``ffmpeg -i FILE`` prints. There is no ffprobe in the wheel.

    Raises:
        NotAVideo: As ``probe``.
        CutOff: As ``probe``.
        OverLimit: Its pictures are too large.
    """
    container = _FORMAT.search(report)
    if not container:
        raise _refusal(report)
    streams = list(_STREAM.finditer(report))
    videos = [video for stream in streams if (video := _video(stream))]
    if not videos:
        reason = _why_none({stream["kind"]: stream["rest"] for stream in streams})
        raise NotAVideo(reason)
    duration = _DURATION.search(report, container.end())
    video = max(videos, key=lambda video: (video.width * video.height, -video.index))
    if video.width * video.height > MAX_PIXELS:
        reason = f"more pixels than may be screened: {video.width:,} by {video.height:,}"
        raise OverLimit(reason)
    return Probe(
        container=container[1],
        duration_s=_seconds(duration) if duration else None,
        video=video,
        has_sound=any(stream["kind"] == "Audio" for stream in streams),
    )


def _video(stream: re.Match[str]) -> VideoStream | None:
    size = _SIZE.search(stream["rest"])
    # A cover picture is a "video" stream of one frame.
    if stream["kind"] != "Video" or size is None or "(attached pic)" in stream["rest"]:
        return None
    return VideoStream(
        index=int(stream["index"]), codec=stream["codec"], width=int(size[1]), height=int(size[2])
    )


def _why_none(streams: dict[str, str]) -> str:
    if "(attached pic)" in streams.get("Video", ""):
        return "only a still picture, no moving one"
    if "Video" in streams:
        return "the size of its pictures cannot be read, or is more than may be screened"
    if "Audio" in streams:
        return "only sound, no moving picture"
    return "there is no moving picture in it"


def _seconds(duration: re.Match[str]) -> float:
    return int(duration[1]) * 3_600 + int(duration[2]) * 60 + float(duration[3])


def _refusal(report: str) -> NotAVideo | CutOff:
    if "moov atom not found" in report:
        if "detected only with low score" in report:
            return NotAVideo("no video that can be read")
        return CutOff("cut off: the index of the file (its moov atom) is missing")
    if "Format not on whitelist" in report:
        return NotAVideo("a kind of file that is not screened")
    if "End of file" in report:
        return CutOff("cut off: it ends before its video begins")
    return NotAVideo("no video that can be read")
