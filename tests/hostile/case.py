"""One hostile file: how it is made, and how its screening is to end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.screening import ScreeningStatus
from tests.unit.media_screening.footage import ffmpeg, film

FILM_SECONDS = 10
TIMEOUT_SECONDS = 100.0


class Forge:
    """Where hostile files are made: a folder of uploads, and one of what they are made from."""

    def __init__(self, uploads: Path, workshop: Path) -> None:
        self.uploads = uploads
        self._workshop = workshop
        self.work = workshop / "work.mp4"
        if not self.work.exists():
            film(self.work, seed=1, seconds=FILM_SECONDS)

    def encoded(self, name: str, *options: object, source: tuple[object, ...] = ()) -> bytes:
        """The work as ffmpeg encodes it with these options, or another source; made once."""
        path = self._workshop / name
        if not path.exists():
            ffmpeg(*(source or ("-i", self.work)), *options, path)
        return path.read_bytes()

    def workshop(self, name: str) -> Path:
        """A path for what is made on the way."""
        return self._workshop / name

    def upload(self, name: str, data: bytes) -> str:
        """Put a file among the uploads; its name there."""
        (self.uploads / name).write_bytes(data)
        return name


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file and its expected end.

    Attributes:
        make: Puts the file among the uploads and returns its uri.
        status: How its screening ends.
        reason: A regular expression that is found in the reason; empty where there is none.
        timeout_seconds: What its screening may take; short for what would take for ever.
    """

    name: str
    make: Callable[[Forge], str]
    status: ScreeningStatus
    reason: str = ""
    timeout_seconds: float = TIMEOUT_SECONDS


def written(
    name: str,
    data: bytes | Callable[[Forge], bytes],
    status: ScreeningStatus,
    reason: str = "",
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Case:
    """A case that is so many bytes."""

    def make(forge: Forge) -> str:
        return forge.upload(name, data if isinstance(data, bytes) else data(forge))

    return Case(name=name, make=make, status=status, reason=reason, timeout_seconds=timeout_seconds)


def encoded(
    name: str,
    *options: object,
    status: ScreeningStatus,
    reason: str = "",
    source: tuple[object, ...] = (),
) -> Case:
    """A case that ffmpeg makes as it is."""
    return written(
        name,
        lambda forge: forge.encoded(f"made-{name}", *options, source=source),
        status,
        reason,
    )


def damaged(data: bytes, *, count: int, spare: int = 0) -> bytes:
    """So many of the bytes replaced by chance; the first ``spare`` are left alone."""
    chance = random.Random(count)
    changed = bytearray(data)
    for _ in range(count):
        changed[chance.randrange(spare, len(data))] = chance.randrange(256)
    return bytes(changed)


def noise(size: int, *, seed: int = 1) -> bytes:
    """Random bytes, the same each time."""
    return random.Random(seed).randbytes(size)


def drawn(**graph: Any) -> tuple[object, ...]:
    """A source that ffmpeg draws: ``drawn(testsrc2="s=64x48:d=2")``."""
    ((name, options),) = graph.items()
    return ("-f", "lavfi", "-i", f"{name}={options}")
