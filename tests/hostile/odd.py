"""Films that are odd rather than evil, and films whose frames were damaged on the way."""

from __future__ import annotations

from collections.abc import Callable

from contracts.screening import ScreeningStatus
from tests.hostile.case import Case, Forge, damaged, drawn, encoded, written
from tests.hostile.mp4 import plain

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", 25)
TRANSPORT = (*H264, "-f", "mpegts")
CODECS: dict[str, tuple[tuple[object, ...], str]] = {
    "h264": (H264, "mp4"),
    "hevc": (("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"), "mp4"),
    "vp8": (
        (
            "-c:v",
            "libvpx",
            "-deadline",
            "realtime",
            "-cpu-used",
            -8,
            "-b:v",
            "300k",
            "-fflags",
            "+bitexact",
        ),
        "webm",
    ),
    "vp9": (
        ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8, "-b:v", "300k"),
        "webm",
    ),
    "av1": (("-c:v", "libsvtav1", "-preset", 12, "-svtav1-params", "lp=1"), "mkv"),
    "mpeg2": (("-c:v", "mpeg2video", "-q:v", 4, "-r", 25), "mpg"),
    "mpeg4": (("-c:v", "mpeg4", "-q:v", 4), "avi"),
    "theora": (("-c:v", "libtheora", "-q:v", 6), "ogv"),
    "prores": (("-c:v", "prores_ks", "-profile:v", 0), "mov"),
    "flv": (("-c:v", "flv", "-q:v", 4), "flv"),
}


def _codec(codec: str) -> Callable[[Forge], bytes]:
    options, ending = CODECS[codec]
    return lambda forge: forge.encoded(f"codec-{codec}.{ending}", *options)


def _damaged(codec: str, count: int) -> Callable[[Forge], bytes]:
    return lambda forge: damaged(_codec(codec)(forge), count=count, spare=4_000)


def _end_of(codec: str, tenths: int) -> Callable[[Forge], bytes]:
    def make(forge: Forge) -> bytes:
        data = _codec(codec)(forge)
        return data[len(data) * tenths // 10 :]

    return make


def _beginning_of(codec: str, tenths: int) -> Callable[[Forge], bytes]:
    def make(forge: Forge) -> bytes:
        data = _codec(codec)(forge)
        return data[: len(data) * tenths // 10]

    return make


def _transport(name: str, *options: object) -> Callable[[Forge], bytes]:
    return lambda forge: forge.encoded(name, *(options or TRANSPORT))


def _joined(*parts: Callable[[Forge], bytes]) -> Callable[[Forge], bytes]:
    return lambda forge: b"".join(part(forge) for part in parts)


_FIRST_HALF = _transport("first.ts", "-t", 5, *TRANSPORT)
_SECOND_HALF_SMALL = _transport(
    "small.ts", "-ss", 5, "-vf", "scale=96:72", "-output_ts_offset", 5, *TRANSPORT
)
_SECOND_HALF_HEVC = _transport(
    "hevc.ts", "-ss", 5, *CODECS["hevc"][0], "-output_ts_offset", 5, "-f", "mpegts"
)


def _zeroed(forge: Forge) -> bytes:
    """A film whose second half was lost in transfer: the right length, all zeros."""
    data = forge.encoded("first.mp4", "-c", "copy", "-movflags", "+faststart")
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


End = tuple[ScreeningStatus] | tuple[ScreeningStatus, str]
WHOLE: End = ("match",)
CUT = "cut off: it ends after"
SCRATCHED: dict[str, End] = {
    **dict.fromkeys(CODECS, WHOLE),
    "av1": ("match", "damaged: over 10% of its frames"),
}
RUINED: dict[str, End] = {
    "h264": ("rejected", "moov atom"),
    "hevc": ("rejected", "no moving picture"),
    "vp8": ("rejected", CUT),
    "vp9": ("clean",),
    "av1": ("rejected", CUT),
    "mpeg2": WHOLE,
    "mpeg4": ("rejected", CUT),
    "theora": ("rejected", "it ends before its video begins"),
    "prores": ("rejected", CUT),
    "flv": ("rejected", CUT),
}
BEGINNINGS: dict[str, End] = {
    "mpeg2": WHOLE,
    "theora": WHOLE,
    "mpeg4": WHOLE,
    "flv": ("match", CUT),
    "vp9": ("match", CUT),
}

CASES: tuple[Case, ...] = (
    *(written(f"whole.{name}", _codec(name), "match") for name in CODECS),
    *(written(f"scratched.{name}", _damaged(name, 3), *end) for name, end in SCRATCHED.items()),
    *(written(f"ruined.{name}", _damaged(name, 3_000), *end) for name, end in RUINED.items()),
    *(
        written(f"beginning.{name}", _beginning_of(name, 6), *end)
        for name, end in BEGINNINGS.items()
    ),
    written("end.mpeg2", _end_of("mpeg2", 4), "match"),
    written("no-key-frame-first.ts", lambda f: _transport("whole.ts")(f)[188 * 60 :], "match"),
    written("size-changes.ts", _joined(_FIRST_HALF, _SECOND_HALF_SMALL), "match"),
    written("codec-changes.ts", _joined(_FIRST_HALF, _SECOND_HALF_HEVC), "rejected", "no frame"),
    written("twice.ts", _joined(_FIRST_HALF, _FIRST_HALF), "match"),
    written("half-zeros.mp4", _zeroed, "match", CUT),
    written("junk-behind.mp4", lambda f: plain(f) + b"junk" * 9_999, "match"),
    written(
        "junk-before.ts",
        lambda f: b"junk" * 300 + _transport("whole.ts")(f),
        "rejected",
        "moov atom",
    ),
    written("elementary.h264", lambda f: f.encoded("work.h264", "-c", "copy"), "match"),
    encoded(
        "variable.mkv",
        "-vf",
        "select=not(mod(floor(n/7)\\,2))",
        "-fps_mode",
        "vfr",
        *H264,
        status="match",
    ),
    encoded(
        "negative.mkv",
        "-c",
        "copy",
        "-output_ts_offset",
        -3,
        "-avoid_negative_ts",
        "disabled",
        status="match",
    ),
    encoded(
        "negative.ts",
        *H264,
        "-output_ts_offset",
        -1,
        "-muxdelay",
        0,
        "-f",
        "mpegts",
        status="match",
    ),
    encoded("late.mp4", "-c", "copy", "-output_ts_offset", 900, status="match"),
    encoded("interlaced.mp4", *H264, "-flags", "+ildct+ilme", "-x264opts", "tff=1", status="match"),
    encoded("fields.mpg", "-c:v", "mpeg2video", "-r", 25, "-flags", "+ildct+ilme", status="match"),
    encoded("full-chroma.mkv", *H264, "-pix_fmt", "yuv444p10le", status="match"),
    encoded("palette.mov", "-c:v", "qtrle", "-pix_fmt", "rgb24", "-t", 5, status="match"),
    encoded(
        "a-thousand-a-second.mp4",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-r",
        1000,
        "-t",
        2,
        source=drawn(testsrc2="s=64x48:d=2:r=1000"),
        status="clean",
    ),
    encoded("one-frame.mp4", *H264, "-frames:v", 1, status="clean"),
    encoded("black.mp4", *H264, source=drawn(color="black:s=64x48:d=20:r=5"), status="clean"),
    encoded(
        "ten-hours-of-black.mp4",
        *H264,
        "-r",
        "1/60",
        status="rejected",
        reason="longer than",
        source=drawn(color="black:s=64x48:d=36000:r=1/60"),
    ),
    encoded(
        "title-lies.mkv",
        "-c",
        "copy",
        "-metadata",
        "title=x\n  Duration: 99:00:00.00\n  Stream #0:0: Video: h264, yuv420p, 99999x99999\n",
        status="match",
    ),
    encoded(
        "names-a-tool.mkv",
        "-c",
        "copy",
        "-metadata",
        "title=x\nframe:0    pts:0 pts_time:9e99\n",
        status="match",
    ),
    encoded("a-hundred-streams.mkv", *["-map", "0:v"] * 100, "-c", "copy", "-t", 1, status="clean"),
)
