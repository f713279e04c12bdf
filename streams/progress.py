"""How far one partition has been worked through: chunks given out, and acknowledged."""

from __future__ import annotations

from collections import deque

from streams.message import Record

RECORD_BYTES = 300
"""What a record takes in memory besides its value and key, about."""


class Chunk:
    """Successive records of one partition, as they were fetched."""

    __slots__ = ("_is_acknowledged", "_is_begun", "_progress", "bytes", "end", "records")

    def __init__(self, progress: Progress, records: list[Record]) -> None:
        self._progress = progress
        self._is_begun = False
        self._is_acknowledged = False
        self.records = records
        self.bytes = bytes_of(records)
        self.end = records[-1].offset + 1

    def begin(self) -> bool:
        """Whether to go on with it: not if its partition is about to go, or has gone, elsewhere."""
        self._is_begun = self._progress.is_open
        return self._is_begun

    def acknowledge(self) -> None:
        """Say that all it led to is durable; without effect when its partition was revoked."""
        self._is_acknowledged = True
        self._progress.advance()

    @property
    def is_begun(self) -> bool:
        """Whether somebody works on it, or did."""
        return self._is_begun

    @property
    def is_acknowledged(self) -> bool:
        """Whether all it led to is durable."""
        return self._is_acknowledged


class Progress:
    """One partition's chunks, from its assignment to this worker until its revocation.

    ``committable`` is the end of the last chunk of the unbroken row of acknowledged ones from the
    first; it never falls, and is None before there is one. Chunks count in the order they were
    given out, so gaps between offsets (compaction, transaction markers) do not hold it up.
    """

    def __init__(self, assignment: object = None) -> None:
        self.assignment = assignment
        """What the partition was assigned by; records fetched under another are not its own."""
        self.is_open = True
        """Whether chunks that nobody works on yet may be begun."""
        self.is_revoked = False
        self.committable: int | None = None
        self.committed: int | None = None
        self.records = 0
        self.bytes = 0
        self._chunks: deque[Chunk] = deque()

    def give(self, records: list[Record]) -> Chunk:
        """Give out a chunk."""
        chunk = Chunk(self, records)
        self._chunks.append(chunk)
        self.records += len(records)
        self.bytes += chunk.bytes
        return chunk

    def advance(self) -> None:
        """Take the row of acknowledged chunks out."""
        while self._chunks and self._chunks[0].is_acknowledged:
            chunk = self._chunks.popleft()
            self.records -= len(chunk.records)
            self.bytes -= chunk.bytes
            if not self.is_revoked:
                self.committable = max(self.committable or 0, chunk.end)

    def close(self) -> None:
        """Let nobody begin another chunk."""
        self.is_open = False

    def revoke(self) -> None:
        """Let nothing be committed any more."""
        self.is_open = False
        self.is_revoked = True
        self.committable = None

    @property
    def uncommitted(self) -> int | None:
        """The offset to commit; None if there is nothing new."""
        if self.committable is None or self.is_revoked:
            return None
        return None if self.committable == self.committed else self.committable

    @property
    def is_settled(self) -> bool:
        """Whether nobody works on a chunk of it."""
        return not any(chunk.is_begun and not chunk.is_acknowledged for chunk in self._chunks)


def bytes_of(records: list[Record]) -> int:
    """What records take in memory, about."""
    return sum([len(record.value) + len(record.key or b"") for record in records]) + (
        len(records) * RECORD_BYTES
    )
