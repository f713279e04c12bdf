"""The ground that each contestant runs on: a broker and a Redis of its own, freshly started.

What one leaves behind, the next does not find: the embedded broker keeps its log in memory.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from doorstaff.embedded.services import Services
from doorstaff.settings import Settings
from streams.topic import Topics

BATCH_BYTES = 200_000
SESSION_TIMEOUT_SECONDS = 10
"""Longer than contestants stand frozen while their topic is filled."""


class Ground:
    """Services in a folder of their own, and the topics on them.

    Args:
        folder: For logs and state; the caller deletes it.
        kafka: A broker to use instead of a fresh embedded one, ``host:port``.
    """

    def __init__(self, folder: Path, *, partitions: int, kafka: str = "") -> None:
        self.folder = folder
        self.partitions = partitions
        self.prefix = f"bench-{os.getpid()}-{time.monotonic_ns()}."
        self.topics = Topics(prefix=self.prefix, partitions=partitions)
        self.services = Services(
            Settings.model_validate(
                {
                    "home": folder,
                    "kafka_url": kafka,
                    "redis_url": "",
                    "DATABASE_URL": f"sqlite:///{folder.resolve() / 'doorstaff.db'}",
                    "partitions": partitions,
                    "topic_prefix": self.prefix,
                }
            )
        )
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the services."""
        async with AsyncExitStack() as stack:
            stack.enter_context(self.services)
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self.kafka, max_batch_size=BATCH_BYTES, linger_ms=0
            )
            await self._producer.start()
            stack.push_async_callback(self._producer.stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop what runs here, then the services."""
        await self._stack.__aexit__(kind, error, trace)

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return self.services.settings.kafka_url

    def environment(self, **chosen: object) -> dict[str, str]:
        """The environment of a Doorstaff process here, and of no other Doorstaff."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name != "DATABASE_URL" and not name.startswith("DOORSTAFF_")
        }
        named = {f"DOORSTAFF_{name.upper()}": str(value) for name, value in chosen.items()}
        return {
            **inherited,
            **self.services.environment(),
            "DOORSTAFF_TOPIC_PREFIX": self.prefix,
            "DOORSTAFF_SESSION_TIMEOUT_SECONDS": str(SESSION_TIMEOUT_SECONDS),
            "DOORSTAFF_SINKS": "jsonl",
            "PYTHONUNBUFFERED": "1",
            **named,
        }

    async def make_topics(self, *names: str) -> None:
        """Topics of a contestant that makes none itself."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, self.partitions, 1) for name in names])
        finally:
            await admin.close()

    async def send(self, topic: str, messages: Sequence[bytes]) -> None:
        """Spread messages over a topic's partitions; when this returns, they can be read."""
        for partition in range(self.partitions):
            await self.send_to(topic, partition, messages[partition :: self.partitions])

    async def send_to(self, topic: str, partition: int, messages: Sequence[bytes]) -> None:
        """Send messages to one partition, in as few requests as it takes."""
        sent = []
        batch = self._producer.create_batch()
        for message in messages:
            now_ms = time.time_ns() // 1_000_000
            if batch.append(key=None, value=message, timestamp=now_ms) is None:
                sent.append(await self._send(batch, topic, partition))
                batch = self._producer.create_batch()
                batch.append(key=None, value=message, timestamp=now_ms)
        if batch.record_count():
            sent.append(await self._send(batch, topic, partition))
        await asyncio.gather(*sent)

    async def _send(self, batch: object, topic: str, partition: int) -> asyncio.Future[object]:
        batch.close()  # type: ignore[attr-defined] # aiokafka ships no types
        future: asyncio.Future[object] = await self._producer.send_batch(
            batch, topic, partition=partition
        )
        return future

    def broker_processes(self) -> list[psutil.Process]:
        """The embedded broker; none where the broker is another's."""
        return [
            child for child in psutil.Process().children() if "--storage-engine" in child.cmdline()
        ]
