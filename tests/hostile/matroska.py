"""Matroska and WebM: links to other files, attachments, sizes that lie, frames packed as bombs."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tests.hostile.case import Case, Forge, written


def element(name: str, body: bytes | int | float | str, *, unknown: bool = False) -> bytes:
    """One element, by its id in hexadecimal; of unknown size where that is asked for."""
    if isinstance(body, int):
        body = body.to_bytes(max(1, (body.bit_length() + 7) // 8), "big")
    elif isinstance(body, str):
        body = body.encode()
    assert isinstance(body, bytes)
    size = b"\x01" + (b"\xff" * 7 if unknown else len(body).to_bytes(7, "big"))
    return bytes.fromhex(name) + size + body


def _header() -> bytes:
    kind = element("4282", "matroska") + element("4287", 4) + element("4285", 2)
    return element("1a45dfa3", kind)


def _jpeg(forge: Forge) -> bytes:
    return forge.encoded("frame.jpg", "-frames:v", 1, "-update", 1)


def film(
    frames: list[bytes],
    *,
    width: int = 192,
    height: int = 144,
    codec: str = "V_MJPEG",
    track: bytes = b"",
    before: bytes = b"",
    step_ms: int = 80,
    unknown: bool = False,
) -> bytes:
    """A film of single pictures, with more elements in its track or before its frames."""
    video = element("e0", element("b0", width) + element("ba", height))
    entry = element(
        "ae",
        element("d7", 1)
        + element("73c5", 1)
        + element("83", 1)
        + element("86", codec)
        + video
        + track,
    )
    info = element("1549a966", element("2ad7b1", 1_000_000) + element("4d80", "x"))
    clusters = b"".join(
        element(
            "1f43b675",
            element("e7", number * step_ms) + element("a3", b"\x81\0\0\x80" + frame),
            unknown=unknown,
        )
        for number, frame in enumerate(frames)
    )
    segment = info + element("1654ae6b", entry) + before + clusters
    return _header() + element("18538067", segment, unknown=unknown)


def _film(frames: int = 50, **options: object) -> Callable[[Forge], bytes]:
    return lambda forge: film([_jpeg(forge)] * frames, **options)  # type: ignore[arg-type]


def _cut(tenths: int) -> Callable[[Forge], bytes]:
    def make(forge: Forge) -> bytes:
        data = forge.encoded("work.mkv", "-c", "copy")
        return data[: len(data) * tenths // 10]

    return make


_ATTACHED = element(
    "1941a469",
    element(
        "61a7",
        element("466e", "../../etc/cron.d/x")
        + element("4660", "application/x-sh")
        + element("465c", b"#!/bin/sh\n" * 10_000)
        + element("46ae", 7),
    ),
)
_LINKED = element(
    "1043a770",  # chapters: ordered, one of which lies in another segment
    element(
        "45b9",
        element("45dd", 1)
        + element(
            "b6",
            element("73c4", 1)
            + element("91", 0)
            + element("92", 10**9)
            + element("6e67", bytes(range(16))),
        ),
    ),
)
# A seek head whose only entry leads to a seek head: itself.
_SEEK_ITSELF = element(
    "114d9b74", element("4dbb", element("53ab", bytes.fromhex("114d9b74")) + element("53ac", 0))
)


def _packed() -> bytes:
    """The track's frames are compressed, by zlib."""
    encoding = element("5031", 0) + element("5032", 1) + element("5033", 0)
    return element("6d80", element("6240", encoding + element("5034", element("4254", 0))))


def _bomb(forge: Forge) -> bytes:
    return film([zlib.compress(bytes(300 << 20), 9)] * 5, track=_packed())


def _packed_frames(forge: Forge) -> bytes:
    return film([zlib.compress(_jpeg(forge))] * 50, track=_packed())


CASES: tuple[Case, ...] = (
    *(
        written(f"cut-at-{tenths}-tenths.mkv", _cut(tenths), "match", "cut off: it ends after")
        for tenths in range(2, 10)
    ),
    written("cut-at-1-tenths.mkv", _cut(1), "rejected", "cut off"),
    written("pictures.mkv", _film(), "clean"),
    written("attached.mkv", _film(before=_ATTACHED), "clean"),
    written("linked.mkv", _film(before=_LINKED), "clean"),
    written("seek-itself.mkv", _film(before=_SEEK_ITSELF), "clean"),
    written("no-end.mkv", _film(unknown=True), "clean"),
    written("packed.mkv", _packed_frames, "clean"),
    written("packed-bomb.mkv", _bomb, "rejected", "no frame"),
    written("no-frame.mkv", _film(frames=0), "rejected", "no frame|be read|begins"),
    written("one-frame.mkv", _film(frames=1), "clean"),
    written("said-to-be-100k.mkv", _film(width=100_000, height=100_000), "clean"),
    written("ten-hours-apart.mkv", _film(frames=2, step_ms=36_000_000), "rejected", "longer than"),
    written("unknown-codec.mkv", _film(codec="V_EVIL/9"), "rejected", "no frame|moving picture"),
    written(
        "quicktime-less.mkv", _film(codec="V_QUICKTIME"), "rejected", "no frame|moving picture"
    ),
    written("private-huge.mkv", _film(track=element("63a2", bytes(5_000_000))), "clean"),
)
