"""Lists of pHashes as ``str(imagehash.phash(picture))`` prints them: 16 hex digits a line.

The lines are pictures of one video in their order. Times are not in the list; the pictures are
taken to lie ``every_seconds`` apart. A line may begin with its own time: ``seconds,hash``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from media_screening.exchange.hash_list import BadLine, HashList, ListedFrame, ListedWork, hex_bytes
from media_screening.fingerprinting.fingerprint import PHASH_BYTES


class ImageHash:
    """One video a file."""

    name = "imagehash"

    def __init__(self, *, every_seconds: float = 1.0) -> None:
        self._every_seconds = every_seconds

    def read(self, lines: Iterable[str]) -> HashList:
        """Take every line that is a hash, with or without a time."""
        frames: list[ListedFrame] = []
        bad: list[BadLine] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            time, comma, digits = line.strip().rpartition(",")
            try:
                time_s = float(time) if comma else len(frames) * self._every_seconds
                phash = hex_bytes(digits, count=PHASH_BYTES)
            except ValueError as error:
                reason = str(error) if "hex" in str(error) else "the time must be a number"
                bad.append(BadLine(number=number, reason=reason))
                continue
            frames.append(ListedFrame(time_s=time_s, phash=phash))
        works = (ListedWork(frames=tuple(frames)),) if frames else ()
        return HashList(works=works, bad=tuple(bad))

    def write(self, works: Sequence[ListedWork]) -> Iterator[str]:
        """One work; frames without a pHash are left out, and the times with them."""
        for work in works:
            yield from (frame.phash.hex() for frame in work.frames if frame.phash)
