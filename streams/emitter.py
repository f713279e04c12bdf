"""Sends what the stages give out, and tells when the broker has all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from contracts.screening import ScreeningJob
from streams.message import INGESTED_AT, Outgoing, Record
from streams.pack import joined
from streams.patience import patiently
from streams.topic import MAX_DEAD_LETTER_BYTES

MAX_BATCH_BYTES = 1 << 19
"""Kafka takes batches of up to 1 MiB; a message that is larger than this goes by itself."""
ALONE_BYTES = 1 << 18
"""A message of this size is not worth a place in a batch."""
DURABLE_SECONDS = 120.0
"""aiokafka gives a batch up when it is 40 s old and a request has failed, which takes up to 40 s;
this is for the case that it does not."""
STOP_SECONDS = 2.0

LOG_APPEND_TIME = 1
"""A topic's messages bear the broker's time, not their producer's."""

HandOver = Callable[[list[Record]], None]
Enqueue = Callable[[ScreeningJob], Awaitable[None]]
Headers = list[tuple[str, bytes]]


class Emitter:
    """One producer for a whole worker.

    Messages to one partition stay in order, those of one :meth:`send` and those of successive ones:
    they are sent in record batches, one at a time for each partition, repeated if need be.

    Args:
        enqueue: Takes the jobs for media workers.
        hand_over: Told of batches that are durable, as the records that they are now.
        own_topics: Those that this worker reads itself: of these it is told.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        enqueue: Enqueue,
        hand_over: HandOver | None = None,
        own_topics: Collection[str] = (),
    ) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_DEAD_LETTER_BYTES,
        )
        self._enqueue = enqueue
        self._hand_over = hand_over
        self._own_topics = own_topics

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what waits, for a moment, and disconnect."""
        stopping = asyncio.create_task(self._producer.stop())
        await asyncio.wait([stopping], timeout=STOP_SECONDS)
        if not stopping.done():
            stopping.cancel()
            await self._producer.client.close()

    async def emit(self, messages: Iterable[Outgoing | ScreeningJob]) -> None:
        """Send all; when this returns, all of it is durable.

        Raises:
            aiokafka.errors.KafkaError: The broker did not take a message within its time.
        """
        await (await self.send(messages))

    async def send(self, messages: Iterable[Outgoing | ScreeningJob]) -> Awaitable[None]:
        """Line all up for sending; the result ends when all of it is durable.

        Raises:
            aiokafka.errors.KafkaError: The broker did not take earlier messages within their time.
        """
        jobs: list[ScreeningJob] = []
        by_partition: dict[tuple[str, int], list[Outgoing]] = {}
        pending: list[Awaitable[Any]] = []
        for message in messages:
            if isinstance(message, ScreeningJob):
                jobs.append(message)
                continue
            if message.partition is None:
                pending.append(await self._send_alone(message))
            else:
                by_partition.setdefault((message.topic, message.partition), []).append(message)
            for counter, by in message.counted:
                counter.inc(by)
        for sent in await asyncio.gather(
            *(self._send_batches(*to, joined(batch)) for to, batch in by_partition.items())
        ):
            pending.extend(sent)
        return self._durable(pending, jobs)

    async def _durable(self, pending: list[Awaitable[Any]], jobs: list[ScreeningJob]) -> None:
        async with asyncio.timeout(DURABLE_SECONDS):
            await asyncio.gather(*pending)
        for job in jobs:
            await patiently("screening queue", partial(self._enqueue, job))

    async def _send_alone(self, message: Outgoing) -> Awaitable[Any]:
        at_ms = _now_ms()
        sent: asyncio.Future[Any] = await self._producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            partition=message.partition,
            timestamp_ms=at_ms,
            headers=_headers(message),
        )
        self._hand_over_later(sent, message.topic, [message], at_ms)
        return sent

    async def _send_batches(
        self, topic: str, partition: int, messages: list[Outgoing]
    ) -> list[Awaitable[Any]]:
        pending: list[Awaitable[Any]] = []
        batch = None
        for message in messages:
            if len(message.value) >= ALONE_BYTES:
                if batch is not None:
                    pending.append(await self._send_batch(topic, partition, batch))
                    batch = None
                pending.append(await self._send_alone(message))
                continue
            if batch is None or not batch.takes(message):
                if batch is not None:
                    pending.append(await self._send_batch(topic, partition, batch))
                batch = _Batch(self._producer.create_batch())
                batch.takes(message)  # one that is new takes anything
        if batch is not None:
            pending.append(await self._send_batch(topic, partition, batch))
        return pending

    async def _send_batch(self, topic: str, partition: int, batch: _Batch) -> Awaitable[Any]:
        batch.building.close()  # nothing else is to be put into it
        sent: asyncio.Future[Any] = await self._producer.send_batch(
            batch.building, topic, partition=partition
        )
        self._hand_over_later(sent, topic, batch.messages, batch.at_ms)
        return sent

    def _hand_over_later(
        self, sent: asyncio.Future[Any], topic: str, messages: list[Outgoing], at_ms: int
    ) -> None:
        """Once the broker has messages that were sent together, hand over what they are now."""
        hand_over = self._hand_over
        if hand_over is None or topic not in self._own_topics:
            return

        def tell(sent: asyncio.Future[Any]) -> None:
            if not sent.cancelled() and sent.exception() is None:
                hand_over(_records(sent.result(), messages, at_ms))

        sent.add_done_callback(tell)


class _Batch:
    """Messages that go to a partition together."""

    def __init__(self, building: Any) -> None:
        self.building = building
        self.messages: list[Outgoing] = []
        self.at_ms = _now_ms()

    def takes(self, message: Outgoing) -> bool:
        """Put a message into it; False if there is no room."""
        appended = self.building.append(
            key=message.key,
            value=message.value,
            timestamp=self.at_ms,
            headers=_headers(message),
        )
        if appended is not None:
            self.messages.append(message)
        return appended is not None


def _records(told: Any, messages: Iterable[Outgoing], at_ms: int) -> list[Record]:
    """What messages that were sent together are, now that the broker has told where they lie."""
    at_ms = told.timestamp if told.timestamp_type == LOG_APPEND_TIME else at_ms
    return [
        Record(
            topic=told.topic,
            partition=told.partition,
            offset=offset,
            timestamp_ms=at_ms,
            key=message.key,
            value=message.value,
            ingested_at_ms=message.ingested_at_ms,
        )
        for offset, message in enumerate(messages, told.offset)
    ]


def _headers(message: Outgoing) -> Headers:
    return [(INGESTED_AT, b"%d" % message.ingested_at_ms)] if message.ingested_at_ms else []


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
