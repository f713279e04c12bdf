"""What is kept of a sound track: Chromaprint's 32-bit values, about eight a second.

Chromaprint (acoustid.org/chromaprint, its default algorithm) cuts sound at 11,025 Hz into windows
of 4,096 samples, 1,365 apart, and sums up 20 of them in each value: how loud the twelve notes of
the scale are against each other, and how that changes. Loudness, codecs and channels leave a value
nearly as it was; a pitch that is off by 2 % turns a quarter of its bits (measured on music).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from media_screening.errors import InvalidFingerprint

SOUND_ALGORITHM = "chromaprint"
"""The name under which a packed ``SoundFingerprint`` is kept in SQL."""

SAMPLE_RATE_HZ = 11_025
HOP_SAMPLES = 1_365
PERIOD_S = HOP_SAMPLES / SAMPLE_RATE_HZ
WINDOW_S = (19 * HOP_SAMPLES + 4_096) / SAMPLE_RATE_HZ
"""What one value sums up: 16 windows, each smoothed over 5."""

CENTRE_S = 0.9
"""Where in a value's window the middle of what decides it lies: most of Chromaprint's filters look
at the window's beginning. Set so that cuts at both ends of a stretch come out unbiased."""

STEADY_VALUES = 8
"""A value that comes so often in a row (a second) is a hum or a test tone: any work may have it."""

_HEADER = struct.Struct("<4sHHId")
_MAGIC = b"DSSP"
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hearing:
    """A sound as it is searched for: n values, in the order of their times.

    Attributes:
        speed: How many times too fast the sound was taken to be, and slowed down by, before it was
            fingerprinted; its pitch went the same way.
        times_s: The middle of what each value heard, in seconds of the file, shape (n,).
        values: uint32, shape (n,).
        telling: Whether a value can tell a work: not silence, not a steady tone; shape (n,).
    """

    speed: float
    times_s: NDArray[np.float64]
    values: NDArray[np.uint32]
    telling: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SoundFingerprint:
    """The sound of one video, from its first second to its last.

    Attributes:
        duration_s: Of the sound.
        values: uint32, shape (n,); the window of value i begins at ``i * PERIOD_S``.
        audible: Whether there is any sound in a value's window, shape (n,).
    """

    duration_s: float
    values: NDArray[np.uint32]
    audible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def hearing(self) -> Hearing:
        """All of it, at its own speed."""
        return Hearing(
            speed=1.0,
            times_s=np.arange(len(self), dtype=np.float64) * PERIOD_S + CENTRE_S,
            values=self.values,
            telling=self.audible & ~is_steady(self.values),
        )

    def pack(self) -> bytes:
        """Write to bytes: a header with a version, the values little-endian, a bit each."""
        header = _HEADER.pack(_MAGIC, _VERSION, 0, len(self), self.duration_s)
        return header + self.values.astype("<u4").tobytes() + np.packbits(self.audible).tobytes()

    @classmethod
    def unpack(cls, raw: bytes) -> Self:
        """Read what ``pack`` wrote.

        Raises:
            InvalidFingerprint: It is something else, or of a newer version.
        """
        if len(raw) < _HEADER.size:
            reason = f"a sound fingerprint has at least {_HEADER.size} bytes, this has {len(raw)}"
            raise InvalidFingerprint(reason)
        magic, version, _, count, duration_s = _HEADER.unpack_from(raw)
        if magic != _MAGIC or version != _VERSION:
            reason = f"not a sound fingerprint of version {_VERSION}"
            raise InvalidFingerprint(reason)
        if len(raw) != _HEADER.size + 4 * count + (count + 7) // 8:
            reason = f"{count} values do not take {len(raw)} bytes"
            raise InvalidFingerprint(reason)
        bits = np.frombuffer(raw, np.uint8, offset=_HEADER.size + 4 * count)
        return cls(
            duration_s=duration_s,
            values=np.frombuffer(raw, "<u4", count, _HEADER.size).astype(np.uint32),
            audible=np.unpackbits(bits, count=count).astype(bool),
        )


def is_steady(values: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Tell which values stand in a run of at least ``STEADY_VALUES`` equal ones."""
    if not len(values):
        return np.zeros(0, bool)
    heads = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    lengths = np.diff(np.append(heads, len(values)))
    return np.repeat(lengths >= STEADY_VALUES, lengths)
