"""MP4 boxes, taken apart, changed and put together again (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator


def box(kind: bytes, body: bytes) -> bytes:
    """A box with its true size."""
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, body: bytes, *, flags: int = 0) -> bytes:
    """A box with a version (0) and flags."""
    return box(kind, struct.pack(">I", flags) + body)


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of a well-formed file or body: kind and body."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            yield kind, data[at + 16 : at + size]
        else:
            yield kind, data[at + 8 : at + size]
        at += size


def body_of(data: bytes, path: str) -> bytes:
    """The body of the first box at ``moov/trak/…``."""
    for name in path.split("/"):
        data = next(body for kind, body in boxes(data) if kind == name.encode())
    return data


def edit(data: bytes, path: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Change the body of the first box at ``moov/trak/…``; all sizes around it stay true.

    A change that gives None takes the box away.
    """
    name, _, rest = path.partition("/")
    parts: list[bytes] = []
    done = False
    for kind, body in boxes(data):
        if kind != name.encode() or done:
            parts.append(box(kind, body))
            continue
        done = True
        changed = edit(body, rest, change) if rest else change(body)
        if changed is not None:
            parts.append(box(kind, changed))
    assert done, path
    return b"".join(parts)


def patch(offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """Put bytes over those that are there."""
    return lambda body: body[:offset] + value + body[offset + len(value) :]


def u32(*numbers: int) -> bytes:
    """Numbers as boxes have them."""
    return struct.pack(f">{len(numbers)}I", *numbers)
