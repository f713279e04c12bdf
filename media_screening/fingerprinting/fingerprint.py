"""What is kept of a video: for each frame worth keeping its time, its PDQ and its pHash.

PDQ (256 bits) finds candidates and carries the match; pHash (64 bits, another transform at
another size) is asked where PDQ is unsure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_screening.decoding.frame import FrameBatch
from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.pdq import PDQ_BYTES, pdq_of

ALGORITHM = "pdq+phash"
"""The name under which a packed ``Fingerprint`` is kept in SQL."""

PHASH_BYTES = 8

MIN_PDQ_QUALITY = 50
"""Below this a frame says too little to point at a work: the quality under which PDQ's authors
advise to discard a hash, and vPDQ's default. Such frames are kept, because a match that others
carry may go on through them (two thirds of a film of an empty road are below 50); they can neither
begin a match nor count for one."""

MIN_DEVIATION = 6.0
"""Standard deviation of grey levels, 0 to 127, under which a frame is flat: black, a fade, a plain
slate. PDQ's quality counts gradients, of which noise on black has plenty."""

_HEADER = struct.Struct("<4sHHId")
_MAGIC = b"DSFP"
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fingerprint:
    """The frames of one video that are not flat, in the order of their times.

    Attributes:
        duration_s: Of the whole video, flat frames included.
        times_s: Seconds from the start of the file, rising, float64, shape (n,).
        pdq: Packed bits, uint8, shape (n, 32).
        phash: Packed bits, uint8, shape (n, 8).
        quality: PDQ's, 0 to 100, uint8, shape (n,).
    """

    duration_s: float
    times_s: NDArray[np.float64]
    pdq: NDArray[np.uint8]
    phash: NDArray[np.uint8]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.times_s)

    def only(self, kept: NDArray[np.bool_]) -> Self:
        """The frames where a mask is true; the video is as long as before."""
        return replace(
            self,
            times_s=self.times_s[kept],
            pdq=self.pdq[kept],
            phash=self.phash[kept],
            quality=self.quality[kept],
        )

    def pack(self) -> bytes:
        """Write to bytes: a header with a version, then each column, little-endian."""
        header = _HEADER.pack(_MAGIC, _VERSION, 0, len(self), self.duration_s)
        columns = (self.times_s.astype("<f8"), self.pdq, self.phash, self.quality)
        return header + b"".join(column.tobytes() for column in columns)

    @classmethod
    def unpack(cls, raw: bytes) -> Self:
        """Read what ``pack`` wrote.

        Raises:
            InvalidFingerprint: It is something else, or of a newer version.
        """
        if len(raw) < _HEADER.size:
            reason = f"a fingerprint has at least {_HEADER.size} bytes, this has {len(raw)}"
            raise InvalidFingerprint(reason)
        magic, version, _, count, duration_s = _HEADER.unpack_from(raw)
        if magic != _MAGIC or version != _VERSION:
            reason = f"not a fingerprint of version {_VERSION}"
            raise InvalidFingerprint(reason)
        widths = (8, PDQ_BYTES, PHASH_BYTES, 1)
        if len(raw) != _HEADER.size + count * sum(widths):
            reason = f"{count} frames do not take {len(raw)} bytes"
            raise InvalidFingerprint(reason)
        columns, at = [], _HEADER.size
        for width in widths:
            columns.append(np.frombuffer(raw, np.uint8, count * width, at))
            at += count * width
        times, pdq, phash, quality = columns
        return cls(
            duration_s=duration_s,
            times_s=times.view("<f8").astype(np.float64),
            pdq=pdq.reshape(count, PDQ_BYTES),
            phash=phash.reshape(count, PHASH_BYTES),
            quality=quality,
        )


class FingerprintBuilder:
    """Takes frames as they come and keeps their hashes only."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._pdq: list[NDArray[np.uint8]] = []
        self._phash: list[NDArray[np.uint8]] = []
        self._quality: list[int] = []
        self.end_s = 0.0
        """The time of the last frame seen, flat ones included."""
        self.frames_seen = 0

    def add(self, batch: FrameBatch) -> None:
        """Hash the frames of a batch; flat ones are left out."""
        self.end_s = max(self.end_s, float(batch.times_s.max(initial=0.0)))
        self.frames_seen += len(batch.times_s)
        kept = [not is_flat(pixels) for pixels in batch.pixels]
        pixels = batch.pixels[kept]
        pdq, quality = pdq_of(pixels)
        self._times += batch.times_s[kept].tolist()
        self._pdq += list(pdq)
        self._phash += [phash_of(picture) for picture in pixels]
        self._quality += quality.tolist()

    def build(self, *, duration_s: float) -> Fingerprint:
        """Put together what was kept."""
        return make_fingerprint(
            duration_s=duration_s,
            times_s=self._times,
            pdq=self._pdq,
            phash=self._phash,
            quality=self._quality,
        )


def make_fingerprint(
    *,
    duration_s: float,
    times_s: Iterable[float],
    pdq: Iterable[NDArray[np.uint8]],
    phash: Iterable[NDArray[np.uint8]],
    quality: Iterable[int],
) -> Fingerprint:
    """Make a fingerprint of rows, in the order of their times."""
    times = np.array(list(times_s), np.float64)
    order = np.argsort(times, kind="stable")
    count = len(times)
    return Fingerprint(
        duration_s=duration_s,
        times_s=times[order],
        pdq=np.array(list(pdq), np.uint8).reshape(count, PDQ_BYTES)[order],
        phash=np.array(list(phash), np.uint8).reshape(count, PHASH_BYTES)[order],
        quality=np.array(list(quality), np.uint8)[order],
    )


def is_flat(pixels: NDArray[np.uint8]) -> bool:
    """Tell whether a frame has next to no contrast."""
    _, deviation = cv2.meanStdDev(pixels)
    return float(deviation[0, 0]) < MIN_DEVIATION


def phash_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hash a grey picture by pHash: 8 bytes, the bits of ``imagehash.phash`` row by row."""
    return np.packbits(imagehash.phash(Image.fromarray(pixels)).hash.ravel())


def hamming_bits(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count differing bits along the last axis; shapes are broadcast against each other."""
    counts: NDArray[np.int64] = np.bitwise_count(left ^ right).sum(axis=-1, dtype=np.int64)
    return counts
