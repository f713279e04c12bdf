"""Sends what the stages give out, and returns when the broker has all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from contracts.screening import ScreeningJob
from streams.message import INGESTED_AT, Outgoing
from streams.patience import patiently
from streams.topic import MAX_DEAD_LETTER_BYTES

Enqueue = Callable[[ScreeningJob], Awaitable[None]]


class Emitter:
    """One producer for a whole worker."""

    def __init__(self, bootstrap: str, *, enqueue: Enqueue) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            linger_ms=2,
            max_batch_size=1 << 18,
            max_request_size=MAX_DEAD_LETTER_BYTES,
        )
        self._enqueue = enqueue

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what waits, and disconnect."""
        await self._producer.stop()

    async def emit(self, messages: Iterable[Outgoing | ScreeningJob]) -> None:
        """Send all; when this returns, all of it is durable.

        Raises:
            aiokafka.errors.KafkaError: The broker did not take a message within its time.
        """
        sent: list[asyncio.Future[Any]] = []
        for message in messages:
            if isinstance(message, ScreeningJob):
                await patiently("screening queue", partial(self._enqueue, message))
                continue
            headers = (
                [(INGESTED_AT, str(message.ingested_at_ms).encode())]
                if message.ingested_at_ms
                else None
            )
            sent.append(
                await self._producer.send(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    partition=message.partition,
                    headers=headers,
                )
            )
            for counter in message.counted:
                counter.inc()
        if sent:
            await asyncio.gather(*sent)
