"""Reading stretches of topics, outside any group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.message import RETRY, Record

_FETCH_RECORDS = 1_000
_FETCH_WAIT_MS = 500


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
        """The records of ``[start, end)`` that the topic still keeps, in chunks."""
        async with self._lock:
            consumer = await self._started()
            tp = TopicPartition(topic, partition)
            kept, next_offset = await _bounds(consumer, tp)
            last = min(end, next_offset)
            position = max(start, kept)
            consumer.seek(tp, position)
            while position < last:
                found = await consumer.getmany(
                    tp, timeout_ms=_FETCH_WAIT_MS, max_records=_FETCH_RECORDS
                )
                records = [_record(message) for message in found.get(tp, ())]
                position = await consumer.position(tp)
                if chunk := [record for record in records if record.offset < end]:
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


def _record(message: ConsumerRecord) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=message.timestamp,
        key=message.key,
        value=message.value or b"",
        is_retry=any(name == RETRY for name, _ in message.headers),
    )
