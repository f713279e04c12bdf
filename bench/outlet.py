"""What comes out of a contestant: watched from afar while it runs, read when it is quiet."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.ids import EventId
from contracts.verdict import Verdict
from contracts.wire import decode

QUIET_SECONDS = 1.0
MOST_BEYOND = 10
_FETCH_RECORDS = 20_000


class Outlet:
    """A topic, outside any group."""

    def __init__(self, kafka: str, topic: str, *, partitions: int) -> None:
        self._kafka = kafka
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]

    async def __aenter__(self) -> Self:
        """Connect."""
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        await self._consumer.seek_to_beginning(*self._partitions)
        self._consumer.pause(*self._partitions)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def length(self) -> int:
        """Messages so far, for next to nothing; the embedded broker counts a last batch as one."""
        return sum((await self._consumer.end_offsets(self._partitions)).values())

    async def rest(self) -> AsyncIterator[tuple[bytes, int]]:
        """What has come since the last call: each message, and when it was sent (epoch ms).

        Reads to the ends and on until nothing comes, for an end may lie within a batch; where more
        comes all the time, not for long.
        """
        ends = await self._consumer.end_offsets(self._partitions)
        self._consumer.resume(*self._partitions)
        beyond = 0
        while beyond < MOST_BEYOND:
            found = await self._consumer.getmany(timeout_ms=200, max_records=_FETCH_RECORDS)
            for messages in found.values():
                for message in messages:
                    yield message.value, message.timestamp
            positions = [await self._consumer.position(one) for one in self._partitions]
            behind = any(
                at < ends[one] for at, one in zip(positions, self._partitions, strict=True)
            )
            beyond = 0 if behind else beyond + 1 if found else MOST_BEYOND
        self._consumer.pause(*self._partitions)


class Verdicts:
    """When each event first had a verdict, by the time stamps of the verdicts themselves.

    They are read only when none has come for a while, so that reading costs nobody any time.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._length = 0
        self._grew_at = 0.0
        self._first_ms: dict[EventId, int] = {}

    async def finished_at(self, events: int) -> float | None:
        """When the last of so many events had a verdict (epoch seconds); None: not all have."""
        length, now = await self._outlet.length(), time.monotonic()
        if length != self._length:
            self._length, self._grew_at = length, now
        if not length or now - self._grew_at < QUIET_SECONDS:
            return None
        self._grew_at = now
        done, at = await self.done()
        return at if done >= events else None

    async def done(self) -> tuple[int, float]:
        """How many events have a verdict, and since when (epoch seconds)."""
        async for value, sent_ms in self._outlet.rest():
            event_id = decode(value, Verdict).event_id
            self._first_ms[event_id] = min(sent_ms, self._first_ms.get(event_id, sent_ms))
        return len(self._first_ms), max(self._first_ms.values(), default=0) / 1_000
