"""MP4 and MOV whose index lies: sizes, tables, times, references to elsewhere."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from tests.hostile.box import body_of, box, boxes, edit, full, patch, u32
from tests.hostile.case import Case, Forge, written

TABLE = "moov/trak/mdia/minf/stbl"
HUGE = 0x7FFF_FFFF


def plain(forge: Forge) -> bytes:
    """The work, its index at the end: what is changed there moves no frame."""
    return forge.encoded("plain.mp4", "-c", "copy", "-map_metadata", -1)


def _edited(path: str, change: Callable[[bytes], bytes | None]) -> Callable[[Forge], bytes]:
    return lambda forge: edit(plain(forge), path, change)


def _unedited(path: str, change: Callable[[bytes], bytes | None]) -> Callable[[Forge], bytes]:
    """Without the edit list, which would end it after ten seconds whatever the tables say."""
    return lambda forge: edit(edit(plain(forge), "moov/trak/edts", lambda _: None), path, change)


def _split(forge: Forge) -> tuple[bytes, bytes]:
    """What comes before the index, and the body of the index."""
    parts = list(boxes(plain(forge)))
    before = b"".join(box(kind, body) for kind, body in parts if kind != b"moov")
    return before, next(body for kind, body in parts if kind == b"moov")


def _moov(header: Callable[[int], bytes]) -> Callable[[Forge], bytes]:
    """The index behind a header that is made from its true size."""

    def make(forge: Forge) -> bytes:
        before, moov = _split(forge)
        return before + header(8 + len(moov)) + moov

    return make


def _nested(forge: Forge) -> bytes:
    before, moov = _split(forge)
    for _ in range(2_000):
        moov = box(b"moov", moov)
    return before + moov


def _compressed(unpacked: bytes, claimed: int) -> bytes:
    return box(
        b"moov",
        box(
            b"cmov",
            box(b"dcom", b"zlib") + box(b"cmvd", u32(claimed) + zlib.compress(unpacked, 9)),
        ),
    )


def _index_bomb(forge: Forge) -> bytes:
    before, _ = _split(forge)
    return before + _compressed(bytes(200 << 20), 200 << 20)


def _index_packed(forge: Forge) -> bytes:
    before, moov = _split(forge)
    whole = box(b"moov", moov)
    return before + _compressed(whole, len(whole))


def _elsewhere(reference: bytes) -> Callable[[Forge], bytes]:
    """The frames are said to lie in another file."""
    return _edited("moov/trak/mdia/minf/dinf/dref", lambda _: u32(0, 1) + reference)


def _alias(path: bytes) -> bytes:
    # A Macintosh alias record: fixed part, then a tagged POSIX path.
    record = struct.pack(">I", 0) + struct.pack(">HH", 0, 2) + bytes(142)
    record += struct.pack(">HH", 18, len(path)) + path + (b"\0" if len(path) % 2 else b"")
    return full(b"alis", record + struct.pack(">HH", 0xFFFF, 0))


def _repeated(forge: Forge) -> bytes:
    """A film of a million frames, all of which are the same few bytes."""
    count = 1_000_000
    data = plain(forge)
    (first_size,) = struct.unpack_from(">I", body_of(data, f"{TABLE}/stsz"), 12)
    (first_at,) = struct.unpack_from(">I", body_of(data, f"{TABLE}/stco"), 8)
    data = edit(data, f"{TABLE}/stsz", lambda _: u32(0, first_size, count))
    data = edit(data, f"{TABLE}/stts", lambda _: u32(0, 1, count, 128))
    data = edit(data, f"{TABLE}/stsc", lambda _: u32(0, 1, 1, 1, 1))
    data = edit(data, f"{TABLE}/stss", lambda _: None)
    data = edit(data, "moov/trak/edts", lambda _: None)
    return edit(data, f"{TABLE}/stco", lambda _: u32(0, count) + u32(first_at) * count)


def _without_frames(forge: Forge) -> bytes:
    data = plain(forge)
    for name, empty in (("stsz", u32(0, 0, 0)), ("stts", u32(0, 0)), ("stsc", u32(0, 0)),
                        ("stco", u32(0, 0)), ("stss", u32(0, 0))):  # fmt: skip
        data = edit(data, f"{TABLE}/{name}", lambda _, empty=empty: empty)  # type: ignore[misc]
    return data


def _chaptered(forge: Forge) -> bytes:
    """A track that is its own chapter track."""
    return edit(
        plain(forge), "moov/trak", lambda body: body + box(b"tref", box(b"chap", u32(1, 1, 1)))
    )


def _cut(tenths: int, *options: object) -> Callable[[Forge], bytes]:
    def make(forge: Forge) -> bytes:
        data = forge.encoded("first.mp4", "-c", "copy", "-movflags", "+faststart")
        return data[: len(data) * tenths // 10]

    return make


_FRAGMENTED = ("-c", "copy", "-movflags", "+frag_keyframe+empty_moov+default_base_moof")


def fragmented(forge: Forge) -> bytes:
    return forge.encoded("fragmented.mp4", *_FRAGMENTED)


def _index_to_itself(forge: Forge) -> bytes:
    """A segment index whose only entry is that index."""
    data = fragmented(forge)
    sidx = full(b"sidx", u32(1, 1_000, 0, 0) + struct.pack(">HH", 0, 1) + u32(0x8000_002C, 1, 0))
    ftyp_end = struct.unpack_from(">I", data)[0]
    return data[:ftyp_end] + sidx + data[ftyp_end:]


UNREAD = "no video that can be read"
NO_FRAME = "no frame of it can be decoded"
MISSING_INDEX = "its moov atom"
CASES: tuple[Case, ...] = (
    *(
        written(f"cut-at-{tenths}-tenths.mp4", _cut(tenths), "match", "cut off: it ends after")
        for tenths in range(3, 10)
    ),
    # Two tenths hold as much as the shortest stretch that is found: either end would be right.
    written("cut-at-1-tenths.mp4", _cut(1), "rejected", "cut off"),
    written("moov-missing.mp4", lambda forge: _split(forge)[0], "rejected", MISSING_INDEX),
    written("moov-cut.mp4", lambda forge: plain(forge)[:-200], "rejected", UNREAD),
    written("moov-size-0.mp4", _moov(lambda _: u32(0) + b"moov"), "match"),
    written("moov-size-4.mp4", _moov(lambda _: u32(4) + b"moov"), "rejected", MISSING_INDEX),
    written("moov-size-4g.mp4", _moov(lambda _: u32(0xFFFF_FFFF) + b"moov"), "match"),
    written(
        "moov-size-63-bits.mp4",
        _moov(lambda _: u32(1) + b"moov" + struct.pack(">Q", (1 << 63) - 1)),
        "match",
    ),
    written(
        "moov-size-short.mp4", _moov(lambda size: u32(size - 300) + b"moov"), "rejected", NO_FRAME
    ),
    written("moov-nested.mp4", _nested, "rejected", "no video that can be read|moov"),
    written("moov-twice.mp4", lambda f: plain(f) + box(b"moov", _split(f)[1]), "match"),
    written("moov-compressed.mov", _index_packed, "match"),
    written("moov-bomb.mov", _index_bomb, "rejected", "no moving picture"),
    written("elsewhere-url.mov", _elsewhere(full(b"url ", b"file:///etc/passwd\0")), "match"),
    written("elsewhere-alias.mov", _elsewhere(_alias(b"/etc/passwd")), "match"),
    written("chapters-of-itself.mov", _chaptered, "rejected", "only a still picture"),
    written("no-frames.mp4", _without_frames, "rejected", NO_FRAME),
    written("repeated.mp4", _repeated, "error", "took longer than", timeout_seconds=1.0),
    written("stsz-huge.mp4", _edited(f"{TABLE}/stsz", patch(8, u32(HUGE))), "rejected", UNREAD),
    written(
        "stsz-one-size.mp4", _edited(f"{TABLE}/stsz", patch(4, u32(HUGE))), "rejected", NO_FRAME
    ),
    written(
        "stts-huge.mp4", _edited(f"{TABLE}/stts", patch(4, u32(HUGE))), "rejected", "more memory"
    ),
    written("stco-huge.mp4", _edited(f"{TABLE}/stco", patch(4, u32(HUGE))), "match"),
    written(
        "stco-beyond.mp4",
        _edited(f"{TABLE}/stco", patch(8, u32(HUGE))),
        "rejected",
        "cut off|no frame",
    ),
    written("stsc-zero.mp4", _edited(f"{TABLE}/stsc", patch(8, u32(0, 0, 0))), "clean"),
    written("stsd-huge.mp4", _edited(f"{TABLE}/stsd", patch(4, u32(HUGE))), "rejected", UNREAD),
    written("no-stsd.mp4", _edited(f"{TABLE}/stsd", lambda _: None), "rejected", "read|no moving"),
    written(
        "ten-hours.mp4",
        _unedited(f"{TABLE}/stts", lambda _: u32(0, 1, 125, 1_024 * 3_600)),
        "rejected",
        "longer than may be screened",
    ),
    written("all-at-once.mp4", _edited(f"{TABLE}/stts", lambda _: u32(0, 1, 125, 0)), "clean"),
    written(
        "timescale-0.mp4", _edited("moov/trak/mdia/mdhd", patch(12, u32(0))), "rejected", "cut off"
    ),
    written(
        "timescale-1.mp4", _unedited("moov/trak/mdia/mdhd", patch(12, u32(1))), "rejected", "longer"
    ),
    written(
        "timescale-4g.mp4",
        _edited("moov/trak/mdia/mdhd", patch(12, u32(0xFFFF_FFFF))),
        "rejected",
        "cut",
    ),
    written(
        "edit-negative.mp4", _edited("moov/trak/edts/elst", patch(12, u32(0xFFFF_0000))), "match"
    ),
    written(
        "edit-huge.mp4",
        _edited("moov/trak/edts/elst", patch(8, u32(HUGE, HUGE))),
        "rejected",
        NO_FRAME,
    ),
    written(
        "turned.mp4",
        _edited(
            "moov/trak/tkhd", patch(40, u32(0, 0x10000, 0, 0xFFFF_0000, 0, 0, 0, 0, 0x4000_0000))
        ),
        "clean",
    ),
    written("flattened.mp4", _edited("moov/trak/tkhd", patch(40, bytes(36))), "match"),
    written("said-to-be-huge.mp4", _edited(f"{TABLE}/stsd", patch(40, b"\xff" * 4)), "match"),
    written(
        "no-configuration.mp4",
        _edited(f"{TABLE}/stsd", lambda body: body[:94]),
        "rejected",
        "read|no frame",
    ),
    written("fragmented.mp4", fragmented, "match"),
    written(
        "fragments-cut.mp4", lambda f: fragmented(f)[: -len(fragmented(f)) // 3], "match", "cut"
    ),
    written("index-of-itself.mp4", _index_to_itself, "match"),
)
