"""The transport against real brokers: members of a group come, go and are killed."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.screening import ScreeningJob
from doorstaff.embedded.broker import start_broker
from streams.emitter import Emitter
from streams.flow import Flow
from streams.message import Outgoing, Record, record_of
from streams.shortcut import Shortcut
from streams.transport import ChunkSchema
from tests.integration.chunk_reader import reading_app
from tests.integration.kafka_cluster import KafkaCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PARTITIONS = 4
MESSAGES = 20_000
WAIT_SECONDS = 60.0


@pytest.fixture(scope="module", params=["embedded", "kafka"])
def bootstrap(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "kafka":
        with KafkaCluster(1) as cluster:
            yield cluster.bootstrap
    else:
        broker, address = start_broker(tmp_path_factory.mktemp("broker"))
        yield address
        broker.stop()


@dataclass(kw_only=True)
class Group:
    """Readers of one topic, and what they wrote down."""

    bootstrap: str
    topic: str
    folder: Path
    stack: ExitStack
    started: int = 0

    def join(self) -> subprocess.Popen[bytes]:
        self.started += 1
        arguments = [
            self.bootstrap,
            f"{self.topic}-group",
            self.topic,
            str(self._journal(self.started)),
        ]
        with (self.folder / f"{self.started}.log").open("wb") as log:
            reader = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.chunk_reader", *arguments], stderr=log
            )
        self.stack.callback(reader.wait, 10)
        self.stack.callback(reader.kill)
        return reader

    def _journal(self, number: int) -> Path:
        return self.folder / f"{number}.jsonl"

    def lines(self, did: str) -> dict[int, list[tuple[int, list[int]]]]:
        """By reader: partition and offsets of each chunk, in the order of its writing."""
        found: dict[int, list[tuple[int, list[int]]]] = {}
        for number in range(1, self.started + 1):
            journal = self._journal(number)
            text = journal.read_text() if journal.exists() else ""
            whole = text[: text.rfind("\n") + 1]  # a killed one may have left half a line
            found[number] = [
                (line["partition"], line["offsets"])
                for line in map(json.loads, whole.splitlines())
                if line["did"] == did
            ]
        return found

    def offsets(self, did: str) -> dict[int, set[int]]:
        """By partition: the offsets that any reader wrote down."""
        found: dict[int, set[int]] = defaultdict(set)
        for chunks in self.lines(did).values():
            for partition, offsets in chunks:
                found[partition].update(offsets)
        return found

    def count(self) -> int:
        return sum(len(offsets) for offsets in self.offsets("acknowledged").values())

    def committed(self) -> dict[int, int]:
        async def ask() -> dict[int, int]:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.bootstrap,
                group_id=f"{self.topic}-group",
                enable_auto_commit=False,
            )
            await consumer.start()
            try:
                return {
                    number: await consumer.committed(TopicPartition(self.topic, number)) or 0
                    for number in range(PARTITIONS)
                }
            finally:
                await consumer.stop()

        return asyncio.run(ask())

    def assert_committed_only_what_was_acknowledged(self) -> None:
        committed = self.committed()  # first: acknowledgements only grow
        acknowledged = self.offsets("acknowledged")
        for partition, end in committed.items():
            assert set(range(end)) <= acknowledged[partition], (partition, end)


@pytest.fixture
def group(bootstrap: str, tmp_path: Path) -> Iterator[Group]:
    topic = f"numbers-{random.getrandbits(32):08x}"
    asyncio.run(_fill(bootstrap, topic, MESSAGES))
    with ExitStack() as stack:
        yield Group(bootstrap=bootstrap, topic=topic, folder=tmp_path, stack=stack)


async def _fill(bootstrap: str, topic: str, messages: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    await _send(bootstrap, topic, messages)


async def _send(bootstrap: str, topic: str, messages: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    await producer.start()
    for number in range(messages):
        await producer.send(topic, b"%d" % number, partition=number % PARTITIONS)
    await producer.stop()


def until_acknowledged(group: Group, messages: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while (count := group.count()) < messages:
        assert time.monotonic() < deadline, f"{count} of {messages} after {WAIT_SECONDS:.0f} s"
        time.sleep(0.1)


def assert_in_order(group: Group) -> None:
    """Each reader saw each partition's records in order, except where it was given it anew.

    Anew it begins at the committed offset, at or before the place where it was.
    """
    for chunks in group.lines("seen").values():
        at: dict[int, int] = {}
        for partition, offsets in chunks:
            assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))
            if partition in at and offsets[0] > at[partition]:
                others = group.offsets("acknowledged")[partition]
                assert set(range(at[partition], offsets[0])) <= others, (partition, offsets[0])
            at[partition] = offsets[-1] + 1


def everything() -> dict[int, set[int]]:
    return {number: set(range(MESSAGES // PARTITIONS)) for number in range(PARTITIONS)}


def test_members_come_go_and_are_killed(group: Group) -> None:
    first = group.join()
    until_acknowledged(group, 500)
    second = group.join()
    time.sleep(2.0)
    group.assert_committed_only_what_was_acknowledged()
    first.kill()
    asyncio.run(_send(group.bootstrap, group.topic, MESSAGES))
    third = group.join()
    time.sleep(2.0)
    group.assert_committed_only_what_was_acknowledged()
    second.send_signal(signal.SIGTERM)
    fourth = group.join()
    time.sleep(2.0)
    fourth.kill()
    group.assert_committed_only_what_was_acknowledged()
    until_acknowledged(group, 2 * MESSAGES)
    every = {number: set(range(2 * MESSAGES // PARTITIONS)) for number in range(PARTITIONS)}
    assert group.offsets("seen") == every
    assert_in_order(group)
    third.send_signal(signal.SIGTERM)
    assert third.wait(15) == 0
    assert second.wait(15) == 0
    group.assert_committed_only_what_was_acknowledged()
    assert set(group.committed().values()) == {2 * MESSAGES // PARTITIONS}


def test_a_reader_killed_again_and_again_loses_nothing(group: Group) -> None:
    for _ in range(3):
        reader = group.join()
        before = group.count()
        deadline = time.monotonic() + WAIT_SECONDS
        while group.count() < min(before + 1_500, MESSAGES):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        reader.kill()
        reader.wait(10)
        group.assert_committed_only_what_was_acknowledged()
    group.join()
    until_acknowledged(group, MESSAGES)
    assert group.offsets("seen") == everything()
    assert_in_order(group)


def test_an_orderly_stop_repeats_nothing(group: Group) -> None:
    first = group.join()
    until_acknowledged(group, 2_000)
    first.send_signal(signal.SIGTERM)
    assert first.wait(15) == 0
    stopped_at = group.committed()
    group.join()
    until_acknowledged(group, MESSAGES)
    for partition, offsets in group.lines("seen")[2]:
        assert offsets[0] >= stopped_at[partition]
    seen = [
        offset
        for chunks in group.lines("seen").values()
        for _, offsets in chunks
        for offset in offsets
    ]
    assert len(seen) == MESSAGES


async def test_what_a_member_sends_itself_is_what_a_fetch_would_bring(
    bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, count = f"own-{random.getrandbits(32):08x}", 600
    await _fill(bootstrap, topic, 0)
    ways: Counter[bool] = Counter()
    drained = Shortcut.drained

    def counting(self: Shortcut, tp: TopicPartition, result: object) -> bool:
        ways[result is self._partitions[tp].placed] += 1
        return drained(self, tp, result)

    monkeypatch.setattr(Shortcut, "drained", counting)
    read: list[Record] = []

    async def work(runs: list[list[Record]]) -> None:
        read.extend(record for run in runs for record in run)

    app = reading_app(bootstrap, f"{topic}-group", tmp_path)

    @app.agent(app.topic(topic, schema=ChunkSchema()))
    async def agent(stream: Any) -> None:
        await Flow("test", work, pace=lambda: 0.0).run(stream.noack())

    async def never(job: ScreeningJob) -> None:
        raise AssertionError(job)

    consumer: Any = app.consumer
    emitter = Emitter(bootstrap, enqueue=never, hand_over=consumer.hand_over, own_topics={topic})
    other = AIOKafkaProducer(bootstrap_servers=bootstrap)
    async with AsyncExitStack() as stack:
        for start, stop in ((emitter.start, emitter.stop), (other.start, other.stop)):
            await start()
            stack.push_async_callback(stop)
        app.finalize()
        await app.start()
        stack.push_async_callback(app.stop)
        for number in range(count):
            partition = number % PARTITIONS
            if number % 50 == 49:
                await other.send_and_wait(topic, b"%d" % number, partition=partition)
                continue
            await emitter.emit(
                Outgoing(
                    topic=topic,
                    partition=partition if number % 7 else None,  # then it goes alone, by its key
                    key=b"%d" % at if at else None,
                    value=b"%d" % number if at < 2 else b"",
                    ingested_at_ms=number * at,
                )
                for at in range(3)
            )
        sent = count // 50 + 3 * (count - count // 50)
        async with asyncio.timeout(WAIT_SECONDS):
            while len(read) < sent:
                await asyncio.sleep(0.05)
    assert ways[True] > count / 2  # taken up before a fetch brought them
    assert ways[False] > 0
    for partition in range(PARTITIONS):
        own = [record for record in read if record.partition == partition]
        assert own == await _fetched(bootstrap, topic, partition)


async def _fetched(bootstrap: str, topic: str, partition: int) -> list[Record]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        found: list[Record] = []
        while await consumer.position(tp) < end:
            got = await consumer.getmany(tp, timeout_ms=1_000)
            found += [record_of(tp, message) for message in got.get(tp, ())]
        return found
    finally:
        await consumer.stop()
