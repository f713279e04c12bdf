"""A stage's state is the fold of all records before the next one; this sees to it.

State is kept in memory. Where a worker gets a partition that it did not have, or had and lost for a
while, or is given records again, the records it lacks are read from the topic once more and folded
in without sending anything. So windows, accounts and campaigns outlive a worker as long as the
topic keeps its messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.message import RETRY, Record

log = structlog.get_logger(__name__)

_FETCH_RECORDS = 1_000
_FETCH_WAIT_MS = 500


class Remembering(Protocol):
    """What has a state to be restored.

    Attributes:
        lookback: How many records before the next one its state depends on; None for all.
    """

    @property
    def lookback(self) -> int | None:
        """How many records back its state reaches; None for as far as the topic does."""

    def forget(self, topic: str, partition: int) -> None:
        """Drop the state of a partition."""

    def restore(self, records: list[Record]) -> None:
        """Fold records in that were handled before."""


class LogReader:
    """Reads stretches of topics, outside any group."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def read(
        self, topic: str, partition: int, start: int, end: int
    ) -> AsyncIterator[list[Record]]:
        """The records of ``[start, end)`` that the topic still keeps, in chunks."""
        async with self._lock:
            consumer = await self._started()
            tp = TopicPartition(topic, partition)
            consumer.assign([tp])
            kept = (await consumer.beginning_offsets([tp]))[tp]
            last = min(end, (await consumer.end_offsets([tp]))[tp])
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


class History:
    """Keeps a stage's state in step with the records that it is given."""

    def __init__(self, stage: Remembering, reader: LogReader) -> None:
        self._stage = stage
        self._reader = reader
        self._positions: dict[tuple[str, int], int] = {}
        """Per partition, the offset that its state is the fold of all records before."""

    async def catch_up(self, run: list[Record]) -> None:
        """Make the state fit for a run of successive records of one partition."""
        topic, partition, offset = run[0].topic, run[0].partition, run[0].offset
        position = self._positions.get((topic, partition))
        if position is None or position > offset:
            self._stage.forget(topic, partition)
            position = 0
        if position < offset:
            await self._restore(topic, partition, position, offset)
        self._positions[topic, partition] = run[-1].offset + 1

    def keep_only(self, assigned: set[tuple[str, int]]) -> None:
        """Drop the state of partitions that another worker has now."""
        for topic, partition in self._positions.keys() - assigned:
            del self._positions[topic, partition]
            self._stage.forget(topic, partition)

    async def _restore(self, topic: str, partition: int, start: int, end: int) -> None:
        lookback = self._stage.lookback
        if lookback is not None:
            start = max(start, end - lookback)
        restored = 0
        async for chunk in self._reader.read(topic, partition, start, end):
            self._stage.restore(chunk)
            restored += len(chunk)
        if restored:
            log.info("state restored", topic=topic, partition=partition, records=restored)


def runs_of(records: list[Record]) -> Iterator[list[Record]]:
    """Split a chunk into runs of successive records of one partition."""
    by_partition: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        by_partition.setdefault((record.topic, record.partition), []).append(record)
    for chunk in by_partition.values():
        begin = 0
        for index, (before, after) in enumerate(pairwise(chunk), 1):
            if after.offset != before.offset + 1:
                yield chunk[begin:index]
                begin = index
        yield chunk[begin:]


def _record(message: ConsumerRecord) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=message.timestamp,
        key=message.key,
        value=message.value,
        is_retry=any(name == RETRY for name, _ in message.headers),
    )
