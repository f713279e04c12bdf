"""Reading stretches of topics, outside any group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.errors import BrokerUnavailable
from streams.message import Record, record_of

_FETCH_RECORDS = 1_000
_FETCH_WAIT_MS = 500

PATIENCE_SECONDS = 30.0
"""How long is waited for records that were given out once and do not come: a partition's new leader
may for a while not tell of, nor give, the newest that it has."""


class Log(Protocol):
    """What a topic still keeps."""

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that is kept, and the one that the next record will get."""
        ...

    def read(
        self, topic: str, partition: int, start: int, end: int
    ) -> AsyncGenerator[list[Record], None]:
        """The records of ``[start, end)`` that the topic still keeps, in chunks."""
        ...


class LogReader:
    """Reads from Kafka."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that is kept, and the one that the next record will get."""
        async with self._lock:
            return await _bounds(await self._started(), TopicPartition(topic, partition))

    async def read(
        self, topic: str, partition: int, start: int, end: int
    ) -> AsyncGenerator[list[Record], None]:
        """The records of ``[start, end)`` that the topic still keeps, in chunks.

        Raises:
            BrokerUnavailable: Some of them do not come, though ``end`` was given out once. State
                that is made without them would be wrong.
        """
        async with self._lock:
            consumer = await self._started()
            tp = TopicPartition(topic, partition)
            kept, _ = await _bounds(consumer, tp)
            position = max(start, kept)
            consumer.seek(tp, position)
            heard = time.monotonic()
            while position < end:
                found = await consumer.getmany(
                    tp, timeout_ms=_FETCH_WAIT_MS, max_records=_FETCH_RECORDS
                )
                records = [record_of(tp, message) for message in found.get(tp, ())]
                before, position = position, await consumer.position(tp)
                if position < before:  # a leader that has not all yet sends one back to the start
                    position = before
                    consumer.seek(tp, position)
                    records = []
                    await asyncio.sleep(_FETCH_WAIT_MS / 1_000)
                if position > before:
                    heard = time.monotonic()
                elif time.monotonic() - heard > PATIENCE_SECONDS:
                    reason = f"{topic}[{partition}] gives nothing from {position} to {end}"
                    raise BrokerUnavailable(self._bootstrap, reason)
                if chunk := [record for record in records if before <= record.offset < end]:
                    yield chunk

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=20,
            )
            await self._consumer.start()
        return self._consumer


async def _bounds(consumer: AIOKafkaConsumer, tp: TopicPartition) -> tuple[int, int]:
    consumer.assign([tp])
    kept = (await consumer.beginning_offsets([tp]))[tp]
    return kept, (await consumer.end_offsets([tp]))[tp]
