"""Key frames without the frames between them: which ffmpeg can leave alone, and how.

A decoder that is told to (``-skip_frame nokey``) skips the other frames in H.264, HEVC and MPEG; in
VP8, VP9 and AV1 it decodes every frame all the same (measured), and of others nothing is known.
Newer ffmpegs can drop packets before any decoder sees them, whatever the codec; whether the one
that is used can is tried once.
"""

from __future__ import annotations

import subprocess
from functools import cache

from media_screening.decoding.ffmpeg import ENVIRONMENT, ffmpeg_path

SKIPPING_CODECS = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vc1", "wmv3"})
"""Decoders that leave the other frames alone when they are told to."""

DROPPED_CODECS = frozenset({"vp8", "vp9", "av1"})
"""Of these, key frames can be decoded by themselves once the packets between them are dropped."""

KEPT_AT_ONCE = 4
KEPT_EVERY_SECONDS = 5.0

KEY_PACKETS = (
    "noise=drop='if(not(key),1,"
    "0*st(2,if(eq(pts,nopts),dts,pts)*tb)"
    f"+0*st(0,if(n,min({KEPT_AT_ONCE},ld(0)+(ld(2)-ld(1))/{KEPT_EVERY_SECONDS:g}),{KEPT_AT_ONCE}))"
    "+0*st(1,ld(2))+if(gte(ld(0),1),0*st(0,ld(0)-1),1))'"
)
"""Keeps key frames, and not all of them where they are many: a token bucket. Encoders put a key
frame every 8 to 10 s and wherever the picture changes, and all of those are kept; of a stream with
one every second or two, one in five seconds is. A key frame is as large as ten others: to decode
one every 2 s takes a seventh of what decoding all frames does (measured at 6 Mbit/s)."""

_ANSWER_SECONDS = 10.0
_TRIED = "color=size=16x16:rate=1:duration=40"
_TRIED_KEY_FRAMES = 2
_TRIED_KEPT = range(10, 13)
"""Four at first and one in five of 38 s, of 20 key frames."""

_TRIED_BYTES = 16 * 16


def skips_to_key_frames(codec: str) -> bool:
    """Whether key frames of such a video cost less than all of it."""
    return codec in SKIPPING_CODECS or (codec in DROPPED_CODECS and drops_packets())


@cache
def drops_packets() -> bool:
    """Try on a film of 40 s whether ffmpeg drops packets of an input as ``KEY_PACKETS`` says.

    Raises:
        DecoderFailed: There is no ffmpeg.
    """
    film = _run("-f", "lavfi", "-i", _TRIED, "-c:v", "mpeg4", "-g", str(_TRIED_KEY_FRAMES),
                "-f", "nut")  # fmt: skip
    kept = _run("-bsf:v", KEY_PACKETS, "-f", "nut", "-i", "pipe:0", "-pix_fmt", "gray",
                "-fps_mode", "passthrough", "-f", "rawvideo", given=film)  # fmt: skip
    return len(kept) // _TRIED_BYTES in _TRIED_KEPT


def _run(*arguments: str, given: bytes = b"") -> bytes:
    """What ffmpeg writes; nothing if it ends with an error or takes too long."""
    try:
        answer = subprocess.run(
            [ffmpeg_path(), "-hide_banner", "-loglevel", "quiet", *arguments, "pipe:1"],
            input=given,
            capture_output=True,
            env=dict(ENVIRONMENT),
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return b"" if answer.returncode else answer.stdout
