"""Small files that ask for much: pictures without bounds, frames without end."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.hostile.case import Case, Forge, drawn, encoded, noise, written
from tests.hostile.matroska import film


def _list(kind: bytes, body: bytes) -> bytes:
    return b"LIST" + struct.pack("<I", 4 + len(body)) + kind + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def avi(
    codec: bytes, width: int, height: int, frames: list[bytes], *, scale: int = 1, rate: int = 10
) -> bytes:
    """An AVI of these frames; what it says of itself need not be true."""
    main = struct.pack(
        "<8I2i4I", 100_000, 0, 0, 0x10, len(frames), 0, 1, 0, width, height, 0, 0, 0, 0
    )
    header = struct.pack(
        "<4s4sIHHIIIIIIII4H",
        b"vids",
        codec,
        0,
        0,
        0,
        0,
        scale,
        rate,
        0,
        len(frames),
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    )
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, codec, 0, 0, 0, 0, 0)
    stream = _list(b"strl", _chunk(b"strh", header) + _chunk(b"strf", picture))
    body = _list(b"hdrl", _chunk(b"avih", main) + stream)
    body += _list(b"movi", b"".join(_chunk(b"00dc", frame) for frame in frames))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"AVI " + body


def _jpeg(width: int, height: int) -> bytes:
    """A JPEG that says how large it is, and then holds next to nothing."""
    tables = b"\xff\xdb\0\x43\0" + bytes([1] * 64)
    for kind in (b"\0", b"\x10"):
        tables += b"\xff\xc4\0\x15" + kind + b"\1" + bytes(15) + b"\0"
    frame = b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"
    return b"\xff\xd8" + tables + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + bytes(64) + b"\xff\xd9"


def _vp9(width: int, height: int) -> bytes:
    """The header of a VP9 key frame."""
    # Marker, profile 0, no repeat, a key frame, shown, not resilient; sync code; BT.601, studio.
    bits = "10000010" + f"{0x498342:024b}" + "001" + "0"
    bits += f"{width - 1:016b}{height - 1:016b}" + "0" * 200
    return int(bits, 2).to_bytes(len(bits) // 8 + 1, "big") + noise(200)


def _sparse(size: int, beginning: bytes, name: str) -> Case:
    def make(forge: Forge) -> str:
        forge.upload(name, beginning)
        with (forge.uploads / name).open("r+b") as file:
            file.truncate(size)
        return name

    status, reason = (
        ("rejected", "larger than may be screened") if size > 8 << 30 else ("rejected", "moov")
    )
    return Case(name=name, make=make, status=status, reason=reason)  # type: ignore[arg-type]


def _pictures(count: int = 9, **said: int) -> Callable[[Forge], bytes]:
    """True pictures, and what the file says of them."""
    size = {"width": 192, "height": 144, **said}
    return lambda forge: avi(
        b"MJPG", frames=[forge.encoded("frame.jpg", "-frames:v", 1, "-update", 1)] * count, **size
    )


TOO_LARGE = "size of its pictures cannot be read, or is more than may be screened"
CASES: tuple[Case, ...] = (
    _sparse(9 << 30, b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "sparse-9g.mp4"),
    _sparse(1 << 30, b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "sparse-1g.mp4"),
    written(
        "raw-100k.avi", avi(b"\0\0\0\0", 100_000, 100_000, [noise(99)] * 9), "rejected", TOO_LARGE
    ),
    written(
        "jpeg-100k.avi",
        avi(b"MJPG", 100_000, 100_000, [_jpeg(65_500, 65_500)] * 9),
        "rejected",
        TOO_LARGE,
    ),
    written(
        "jpeg-grows.avi",
        avi(b"MJPG", 64, 64, [_jpeg(65_500, 65_500)] * 9),
        "rejected",
        f"{TOO_LARGE}|no frame",
    ),
    written(
        "vp9-64k.mkv",
        film([_vp9(65_536, 65_536)] * 9, codec="V_VP9"),
        "rejected",
        f"{TOO_LARGE}|no frame",
    ),
    written(
        "png-100k.mkv",
        film(
            [
                b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
                + struct.pack(">II", 100_000, 100_000)
                + b"\x08\2\0\0\0xxxx"
            ]
            * 9,
            codec="V_MS/VFW/FOURCC",
        ),
        "rejected",
        "no frame|moving picture|be read",
    ),
    written("negative-size.avi", _pictures(height=-64), "clean"),
    written("a-million-a-second.avi", _pictures(2_000, rate=10**6), "clean"),
    written("a-frame-a-day.avi", _pictures(scale=86_400, rate=1), "rejected", "longer than"),
    written("no-rate.avi", _pictures(scale=0, rate=0), "clean"),
    written("absurd-rate.avi", _pictures(scale=0xFFFF_FFFF, rate=0xFFFF_FFFF), "clean"),
    encoded(
        "sixteen-thousand-wide.mp4",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        source=drawn(testsrc2="s=16384x16:d=1:r=5"),
        status="clean",
    ),
    encoded("one-pixel.mkv", "-c:v", "ffv1", source=drawn(color="s=1x1:d=2:r=5"), status="clean"),
    encoded("thin.mkv", "-c:v", "mjpeg", source=drawn(testsrc2="s=3x2001:d=1:r=5"), status="clean"),
    encoded(
        "hundred-megapixels.mkv",
        "-c:v",
        "mjpeg",
        "-frames:v",
        1,
        source=drawn(color="s=10000x10000:d=1:r=1"),
        status="rejected",
        reason=TOO_LARGE,
    ),
)
