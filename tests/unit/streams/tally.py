"""A toy stage, its topic and its worker, to try how state comes back."""

from __future__ import annotations

import random
import zlib
from collections.abc import AsyncGenerator, Generator, Iterable
from dataclasses import dataclass, field

import msgspec

from streams.history import History
from streams.message import Outgoing, Record
from streams.place import Handled
from streams.snapshot import SnapshotShelf

TOPIC = "numbers"
PER_PIECE = 3


class TallyStage:
    """Counts words; a record counted twice or not at all shows, and so does the order."""

    lookback: int | None = None

    def __init__(self, basis: str = "words 1") -> None:
        self.basis = basis
        self.counts: dict[tuple[str, int], dict[str, int]] = {}
        self.restored = 0

    def handle(self, records: list[Record]) -> Iterable[Outgoing]:
        for record in records:
            counts = self.counts.setdefault((record.topic, record.partition), {})
            word = record.value.decode()
            if word == "fault":
                raise ZeroDivisionError
            counts[word] = counts.pop(word, 0) + 1
            yield Outgoing(topic="out", key=str(record.offset).encode(), value=_digest(counts))

    def forget(self, topic: str, partition: int) -> None:
        self.counts.pop((topic, partition), None)

    def restore(self, records: list[Record]) -> None:
        self.restored += len(records)
        for _ in self.handle(records):
            pass

    def snapshot(self, topic: str, partition: int) -> Generator[bytes, None, None]:
        rows = list(self.counts.get((topic, partition), {}).items())
        yield b""
        for begin in range(0, len(rows), PER_PIECE):
            yield msgspec.msgpack.encode(rows[begin : begin + PER_PIECE])

    def load(self, topic: str, partition: int, piece: bytes) -> None:
        if piece:
            rows = msgspec.msgpack.decode(piece, type=list[tuple[str, int]])
            self.counts.setdefault((topic, partition), {}).update(rows)


def _digest(counts: dict[str, int]) -> bytes:
    return str(zlib.crc32(repr(counts).encode())).encode()


@dataclass
class ToyLog:
    """A topic of one partition that can lose its beginning, and be made anew."""

    topic: str = TOPIC
    records: list[Record] = field(default_factory=list)
    begin: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)
    now_ms: int = 1_795_374_000_000

    def append(self, *words: str) -> None:
        for word in words:
            self.now_ms += 1
            self.records.append(
                Record(
                    topic=self.topic,
                    partition=0,
                    offset=len(self.records),
                    timestamp_ms=self.now_ms,
                    key=None,
                    value=word.encode(),
                )
            )

    def make_anew(self) -> None:
        self.records.clear()
        self.begin = 0

    async def bounds(self, _topic: str, _partition: int) -> tuple[int, int]:
        return self.begin, len(self.records)

    async def read(
        self, _topic: str, _partition: int, start: int, end: int
    ) -> AsyncGenerator[list[Record], None]:
        self.reads.append((start, end))
        for at in range(max(start, self.begin), min(end, len(self.records)), 2):
            yield self.records[at : min(at + 2, end)]

    def whole(self) -> list[Outgoing]:
        """What an undisturbed worker sends."""
        return list(TallyStage().handle(self.records))


class Worker:
    """One life of a worker: its stage, and how far it read."""

    def __init__(
        self, log: ToyLog, shelf: SnapshotShelf | None, *, at: int, stage: TallyStage | None = None
    ) -> None:
        self.log = log
        self.stage = stage or TallyStage()
        self.history = History("tally", self.stage, log, shelf)
        self.at = at
        self.sent: list[Outgoing] = []
        self.unsettled: list[Handled] = []

    async def read(self, count: int = 1_000_000, *, settle: bool = True) -> list[Outgoing]:
        """Handle so many records; what they led to."""
        records = self.log.records[self.at : self.at + count]
        self.at += len(records)
        handled = await self.history.handle([records] if records else [])
        self.unsettled.append(handled)
        sent = [one for one in handled.outgoing if isinstance(one, Outgoing)]
        self.sent += sent
        if settle:
            self.settle()
        return sent

    def settle(self, pick: random.Random | None = None) -> None:
        """All that was sent is durable, in any order."""
        if pick:
            pick.shuffle(self.unsettled)
        for handled in self.unsettled:
            handled.settle()
        self.unsettled.clear()

    @property
    def counts(self) -> dict[str, int]:
        return self.stage.counts.get((self.log.topic, 0), {})


def offsets(sent: list[Outgoing]) -> list[int]:
    """Which records led to something."""
    return [int(one.key or b"-1") for one in sent]
