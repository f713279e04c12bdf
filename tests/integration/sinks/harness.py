"""Each sink with a way to see what arrived, so that one contract test runs them all."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from contracts import wire
from contracts.alert import Alert
from sinks.console import ConsoleSink
from sinks.errors import Unreachable
from sinks.jsonl import JsonlSink
from sinks.kafka_topic import KafkaTopicSink
from sinks.memory import MemorySink
from sinks.redis_stream import RedisStreamSink
from sinks.sink import Sink
from sinks.slack import SlackSink
from sinks.sql import SqlSink
from sinks.webhook import WebhookSink
from store.alert import list_alerts
from store.clock import SystemClock
from store.database import open_database
from store.migration import migrate
from tests.integration.sinks.receiver import running_receiver

SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NOWHERE = "http://127.0.0.1:1/secret-path"


@dataclass(frozen=True, kw_only=True)
class Harness:
    """A sink that works, the same sink with nothing at its other end, and what arrived: titles."""

    sink: Sink
    broken: Sink
    arrived: Callable[[], Awaitable[list[str]]]


@asynccontextmanager
async def memory_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    sink = MemorySink()

    async def arrived() -> list[str]:
        return [alert.title for alert in sink.alerts]

    yield Harness(sink=sink, broken=BrokenSink(), arrived=arrived)


@asynccontextmanager
async def console_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    stream, closed = io.StringIO(), io.StringIO()
    closed.close()

    async def arrived() -> list[str]:
        lines = stream.getvalue().splitlines()
        return [line.split(" · ", 2)[2] for line in lines if not line.startswith(" ")]

    yield Harness(sink=ConsoleSink(stream), broken=ConsoleSink(closed), arrived=arrived)


@asynccontextmanager
async def jsonl_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    folder: Path = request.getfixturevalue("tmp_path")
    (folder / "taken").mkdir()

    async def arrived() -> list[str]:
        lines = (folder / "alerts.jsonl").read_bytes().splitlines()
        return [wire.decode(line, Alert).title for line in lines]

    yield Harness(
        sink=JsonlSink(folder / "alerts.jsonl"), broken=JsonlSink(folder / "taken"), arrived=arrived
    )


@asynccontextmanager
async def redis_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    url, stream = request.getfixturevalue("valkey_address"), f"alerts-{uuid4().hex}"
    reader = Redis.from_url(url)

    async def arrived() -> list[str]:
        entries: Any = await reader.xrange(stream)
        return [wire.decode(fields[b"alert"], Alert).title for _, fields in entries]

    yield Harness(
        sink=RedisStreamSink(Redis.from_url(url), stream=stream),
        broken=RedisStreamSink(Redis(port=1, retry=Retry(NoBackoff(), 0)), stream=stream),
        arrived=arrived,
    )
    await reader.aclose()


@asynccontextmanager
async def kafka_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    address, topic = request.getfixturevalue("kafka_address"), f"alerts-{uuid4().hex}"

    async def arrived() -> list[str]:
        titles: list[str] = []
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=address, auto_offset_reset="earliest"
        ) as consumer:
            await consumer.seek_to_beginning()
            while batches := await consumer.getmany(timeout_ms=1_000):
                for messages in batches.values():
                    for message in messages:
                        alert = wire.decode(message.value, Alert)
                        assert message.key == alert.alert_id.encode()
                        titles.append(alert.title)
        return titles

    yield Harness(
        sink=KafkaTopicSink(bootstrap_servers=address, topic=topic),
        broken=KafkaTopicSink(bootstrap_servers="127.0.0.1:1", topic=topic),
        arrived=arrived,
    )


@asynccontextmanager
async def slack_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    async with running_receiver() as receiver:

        async def arrived() -> list[str]:
            return [json.loads(body)["text"].split(" · ", 2)[2] for _, body in receiver.requests]

        yield Harness(
            sink=SlackSink(url=receiver.url, clock=SystemClock()),
            broken=SlackSink(url=NOWHERE, clock=SystemClock()),
            arrived=arrived,
        )


@asynccontextmanager
async def webhook_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    async with running_receiver() as receiver:

        async def arrived() -> list[str]:
            return [json.loads(body)["data"]["title"] for _, body in receiver.requests]

        yield Harness(
            sink=WebhookSink(url=receiver.url, secret=SECRET, clock=SystemClock()),
            broken=WebhookSink(url=NOWHERE, secret=SECRET, clock=SystemClock()),
            arrived=arrived,
        )


@asynccontextmanager
async def sql_harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    folder: Path = request.getfixturevalue("tmp_path")
    engine = open_database(f"sqlite:///{folder / 'other.db'}")
    empty = open_database(f"sqlite:///{folder / 'empty.db'}")
    migrate(engine)

    async def arrived() -> list[str]:
        with engine.connect() as connection:
            return [alert.title for alert in reversed(list_alerts(connection).alerts)]

    yield Harness(sink=SqlSink(engine), broken=SqlSink(empty), arrived=arrived)
    engine.dispose()
    empty.dispose()


class BrokenSink(MemorySink):
    """A memory sink that refuses."""

    async def deliver(self, alert: Alert) -> None:
        raise Unreachable(sink=self.name, reason="no answer")


HARNESSES = {
    "memory": memory_harness,
    "console": console_harness,
    "jsonl": jsonl_harness,
    "redis": redis_harness,
    "kafka": kafka_harness,
    "slack": slack_harness,
    "webhook": webhook_harness,
    "sql": sql_harness,
}
