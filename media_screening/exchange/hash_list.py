"""Hash lists as others keep them: what is read, what could not be, and which forms there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import PHASH_BYTES, Fingerprint
from media_screening.fingerprinting.pdq import PDQ_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class BadLine:
    """A line that was not taken: its number, from 1, and why."""

    number: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFrame:
    """One hash of a list.

    Attributes:
        time_s: Seconds from the start of the video.
        quality: PDQ's, 0 to 100; 0 for a hash of another kind.
        pdq: 32 bytes, or none.
        phash: 8 bytes, or none.
    """

    time_s: float
    quality: int = 0
    pdq: bytes = b""
    phash: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedWork:
    """One work of a list: its frames by time, the digests of its files, or both.

    Attributes:
        name: What the list calls it; empty for the whole of a list that is one work.
        digests: As ``md5:HEX``.
    """

    name: str = ""
    frames: tuple[ListedFrame, ...] = ()
    digests: tuple[str, ...] = ()

    @property
    def has_pdq(self) -> bool:
        """Whether its frames are PDQ hashes; if not, they are pHashes."""
        return any(frame.pdq for frame in self.frames)

    def fingerprint(self) -> Fingerprint:
        """Its frames as they are matched; what is not listed is zero."""
        frames = sorted(self.frames, key=lambda frame: frame.time_s)
        times_s = np.array([frame.time_s for frame in frames], np.float64)
        step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
        return Fingerprint(
            duration_s=float(times_s[-1]) + step_s if len(times_s) else 0.0,
            times_s=times_s,
            pdq=_bytes_of([frame.pdq for frame in frames], PDQ_BYTES),
            phash=_bytes_of([frame.phash for frame in frames], PHASH_BYTES),
            quality=np.array([frame.quality for frame in frames], np.uint8),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class HashList:
    """What a file had."""

    works: tuple[ListedWork, ...]
    bad: tuple[BadLine, ...]


class ListFormat(Protocol):
    """A form of hash list. Reading raises nothing for what a line says: it is told as bad."""

    name: str

    def read(self, lines: Iterable[str]) -> HashList:
        """Take every line that can be taken."""
        ...

    def write(self, works: Sequence[ListedWork]) -> Iterator[str]:
        """The lines of a file that ``read`` reads; without what this form has no place for."""
        ...


def frames_of(fingerprint: Fingerprint) -> tuple[ListedFrame, ...]:
    """A fingerprint's frames as they are listed."""
    return tuple(
        ListedFrame(
            time_s=time_s,
            quality=quality,
            pdq=pdq.tobytes() if pdq.any() else b"",
            phash=phash.tobytes() if phash.any() else b"",
        )
        for time_s, quality, pdq, phash in zip(
            fingerprint.times_s.tolist(),
            fingerprint.quality.tolist(),
            fingerprint.pdq,
            fingerprint.phash,
            strict=True,
        )
    )


def hex_bytes(text: str, *, count: int) -> bytes:
    """Read so many bytes in hex.

    Raises:
        ValueError: It is something else; its message says what would do.
    """
    digits = text.strip()
    if len(digits) != 2 * count:
        reason = f"a hash of {2 * count} hex digits was expected, this has {len(digits)} characters"
        raise ValueError(reason)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        reason = f"a hash of {2 * count} hex digits was expected"
        raise ValueError(reason) from None


def listed_frame(pdq_hex: str, quality: str, time_s: str) -> ListedFrame:
    """Read a PDQ hash with its quality and time.

    Raises:
        ValueError: One of them is something else; the message says which.
    """
    pdq = hex_bytes(pdq_hex, count=PDQ_BYTES)
    try:
        points = int(quality)
    except ValueError:
        points = -1
    if not 0 <= points <= 100:  # noqa: PLR2004 -- PDQ's scale
        reason = "the quality must be a whole number from 0 to 100"
        raise ValueError(reason)
    try:
        seconds = float(time_s)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        reason = "the time must be a number of seconds"
        raise ValueError(reason)
    return ListedFrame(time_s=seconds, quality=points, pdq=pdq)


def _bytes_of(hashes: list[bytes], width: int) -> NDArray[np.uint8]:
    whole = b"".join(one or bytes(width) for one in hashes)
    return np.frombuffer(whole, np.uint8).reshape(len(hashes), width)
