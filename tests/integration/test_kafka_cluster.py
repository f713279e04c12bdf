"""The tests' own Kafka: what is acknowledged is read back, also after a broker died."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.integration.kafka_cluster import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster(brokers=3) as cluster:
        yield cluster


async def test_acknowledged_messages_survive_a_broker(cluster: KafkaCluster) -> None:
    await _make_topic(cluster.bootstrap)
    await _produce(cluster.bootstrap, range(100))
    cluster.kill(0)
    await _produce(cluster.bootstrap, range(100, 200))
    cluster.start(0)

    assert sorted(await _consume(cluster.bootstrap, 200)) == list(range(200))


async def _make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("numbers", num_partitions=3, replication_factor=3)])
    finally:
        await admin.close()


async def _produce(bootstrap: str, numbers: range) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for number in numbers:
            await producer.send("numbers", str(number).encode(), key=str(number).encode())
    finally:
        await producer.stop()


async def _consume(bootstrap: str, count: int) -> list[int]:
    consumer = AIOKafkaConsumer(
        "numbers", bootstrap_servers=bootstrap, group_id="test", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            return [int((await consumer.getone()).value) for _ in range(count)]
    finally:
        await consumer.stop()
