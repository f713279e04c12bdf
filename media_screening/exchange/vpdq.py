"""vPDQ's text files: a frame a line, ``frame,quality,hash,seconds``.

The form is that of ``outputVPDQFeatureToFile`` in facebook/ThreatExchange, vpdq/cpp/io/vpdqio.cpp;
times have three decimals. One file is one video. vPDQ takes a frame a second by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from media_screening.exchange.hash_list import (
    BadLine,
    HashList,
    ListedFrame,
    ListedWork,
    listed_frame,
)

_COLUMNS = 4


class Vpdq:
    """One video a file."""

    name = "vpdq"

    def read(self, lines: Iterable[str]) -> HashList:
        """Take every line that is a frame."""
        frames: list[ListedFrame] = []
        bad: list[BadLine] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            columns = line.strip().split(",")
            try:
                if len(columns) < _COLUMNS:
                    reason = "frame,quality,hash,seconds were expected"
                    raise ValueError(reason)
                frames.append(listed_frame(columns[2], columns[1], columns[3]))
            except ValueError as error:
                bad.append(BadLine(number=number, reason=str(error)))
        works = (ListedWork(frames=tuple(frames)),) if frames else ()
        return HashList(works=works, bad=tuple(bad))

    def write(self, works: Sequence[ListedWork]) -> Iterator[str]:
        """One work; frames without a PDQ are left out."""
        for work in works:
            frames = [frame for frame in work.frames if frame.pdq]
            for number, frame in enumerate(frames):
                yield f"{number},{frame.quality},{frame.pdq.hex()},{frame.time_s:.3f}"
