"""A cluster under blows: workers killed, sent away and brought in at random, and a broker killed.

The whole way from the platform's topics to a sink runs as it does in production: three Kafka
brokers with three replicas, Redis, SQL, and ``doorstaff worker`` processes. Nothing is mocked.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy import select

from contracts.wire import encode
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.valkey import start_valkey
from store.alert import alert_from
from store.database import open_database
from store.delivery import count_due
from store.schema import alerts as alert_table
from streams.topic import Topics, create_topics
from tests.integration.crash.recording import Recording, Sent
from tests.integration.crash.standing import Standing
from tests.integration.kafka_cluster import KafkaCluster
from tests.process import COMMAND, doorstaff, is_well, settings

BROKERS = 3
PARTITIONS = 6
GROUP = "doorstaff"
START_SECONDS = 90
LOOK_SECONDS = 0.5
SNAPSHOT_EVERY_SECONDS = 5
"""Often, so that most who come back begin again from a snapshot amid the traffic."""

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How hard a run is hit.

    Attributes:
        sending_seconds: Over which the events are sent, and the blows fall.
        settle_seconds: By which all must be handled and acknowledged after that.
        longest_absence_seconds: Of a worker that was killed; a broker is away for twice this.
    """

    seed: int
    workers: int = 3
    kills: int
    leaves: int
    sending_seconds: float
    settle_seconds: float
    longest_absence_seconds: float = 8.0


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Blow:
    """Something that happens at a time, in seconds since the sending began."""

    at_seconds: float
    kind: str
    absence_seconds: float


def blows(plan: Plan) -> list[Blow]:
    """Draw what happens when: at random, but no two runs of one plan differ."""
    pick = random.Random(plan.seed)
    kinds = ["kill"] * plan.kills + ["leave"] * plan.leaves
    drawn = [
        Blow(
            at_seconds=pick.uniform(0.05, 1.0) * plan.sending_seconds,
            kind=kind,
            absence_seconds=pick.uniform(0.0, plan.longest_absence_seconds),
        )
        for kind in kinds
    ]
    midway = Blow(
        at_seconds=plan.sending_seconds * pick.uniform(0.4, 0.6),
        kind="broker",
        absence_seconds=2 * plan.longest_absence_seconds,
    )
    return sorted([*drawn, midway])


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        verdicts: All messages of the topic, in the order of each partition.
        alerts: All messages of the topic.
        delivered: All lines of the jsonl sink.
        stored: The newest revision of each alert in SQL.
        given_up: What workers said that ended without having been told to.
    """

    verdicts: list[bytes]
    alerts: list[bytes]
    dead_letters: list[bytes]
    delivered: list[bytes]
    stored: list[bytes]
    given_up: list[str]
    done: Counter[str]
    seconds: float

    @property
    def standing(self) -> Standing:
        """What stands by the topics."""
        return Standing.of(self.verdicts, self.alerts)


def replayed(recording: Recording, folder: Path) -> Standing:
    """What stands after an undisturbed ``doorstaff replay`` of the same events."""
    file = folder / "recording.jsonl"
    with file.open("wb") as lines:
        for one in (*recording.events, *recording.closing(0), *recording.closing(1)):
            lines.write(one.value + b"\n")
    verdicts, alerts = folder / "replayed-verdicts.jsonl", folder / "replayed-alerts.jsonl"
    done = doorstaff(
        *("replay", file, "--verdicts", verdicts, "--alerts", alerts),
        env=settings(home=folder / "replay"),
        seconds=300,
    )
    assert done.returncode == 0, done.stderr
    return Standing.of(verdicts.read_bytes().splitlines(), alerts.read_bytes().splitlines())


@dataclass(slots=True)
class Fleet:
    """The workers: killed, sent away, and started again under the same name."""

    environment: dict[str, str]
    logs: Path
    given_up: list[str] = field(default_factory=list)
    _children: dict[str, Child] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)

    @property
    def running(self) -> list[str]:
        """The names of those that run."""
        return sorted(self._children)

    def start(self, name: str) -> None:
        """Start a worker; does not wait for it."""
        self._ports[name] = free_port()
        self._children[name] = Child(
            name,
            [*COMMAND, "worker"],
            log_file=self.logs / f"{name}.log",
            environment={
                **self.environment,
                "DOORSTAFF_METRICS_PORT": str(self._ports[name]),
            },
        )

    def is_well(self, name: str) -> bool:
        """Whether it has its share of the stream."""
        return is_well(f"http://127.0.0.1:{self._ports[name]}")

    def await_all(self, *, seconds: float) -> None:
        """Wait until every worker has its share."""
        for name, child in self._children.items():
            child.wait_until(partial(self.is_well, name), seconds=seconds)

    def kill(self, name: str) -> None:
        """End a worker as a power cut would."""
        child = self._children.pop(name)
        os.kill(child.pid, signal.SIGKILL)
        child.stop()

    def leave(self, name: str) -> Child:
        """Tell a worker to go; it is no longer one of those that run."""
        child = self._children.pop(name)
        child.ask_to_stop()
        return child

    def raise_the_fallen(self) -> None:
        """Start those again that ended by themselves, as Compose would; their words are kept."""
        for name, child in list(self._children.items()):
            if child.exit_code is not None:
                words = f"{name} ended with exit code {child.exit_code}: {child.last_words()}"
                self.given_up.append(words)
                self.start(name)

    def stop(self) -> None:
        """Stop all."""
        for child in self._children.values():
            child.ask_to_stop()
        for child in self._children.values():
            child.stop()


class Turmoil:
    """One run. Its services end with it."""

    def __init__(self, recording: Recording, plan: Plan, *, folder: Path, tell: Tell) -> None:
        self._recording = recording
        self._plan = plan
        self._folder = folder
        self._tell = tell
        self._topics = Topics(partitions=PARTITIONS)
        self._done: Counter[str] = Counter()

    def run(self, database_url: str) -> Outcome:
        """Send everything while the blows fall; wait until all is handled; read what came out."""
        with ExitStack() as stack:
            kafka = stack.enter_context(KafkaCluster(brokers=BROKERS))
            valkey, redis_url = start_valkey(self._folder)
            stack.callback(valkey.stop)
            asyncio.run(create_topics(kafka.bootstrap, self._topics, replication=BROKERS))
            fleet = Fleet(
                settings(
                    home=self._folder,
                    kafka_url=kafka.bootstrap,
                    redis_url=redis_url,
                    DATABASE_URL=database_url,
                    partitions=PARTITIONS,
                    replication=BROKERS,
                    sinks="jsonl",
                    jsonl_path=self._folder / "delivered.jsonl",
                    snapshot_every_seconds=SNAPSHOT_EVERY_SECONDS,
                ),
                self._folder / "logs",
            )
            stack.callback(fleet.stop)
            for number in range(self._plan.workers):
                fleet.start(f"worker-{number}")
            fleet.await_all(seconds=START_SECONDS)
            begin = time.monotonic()
            asyncio.run(self._under_blows(kafka, fleet))
            self._settle(kafka, fleet, database_url)
            asyncio.run(self._send_at_once(kafka.bootstrap, self._recording.closing(1)))
            self._settle(kafka, fleet, database_url)
            seconds = time.monotonic() - begin
            fleet.stop()
            read = asyncio.run(self._read(kafka.bootstrap))
            for name, messages in read.items():
                (self._folder / f"{name}.jsonl").write_bytes(b"\n".join(messages))
        return Outcome(
            **read,
            delivered=(self._folder / "delivered.jsonl").read_bytes().splitlines(),
            stored=_stored(database_url),
            given_up=fleet.given_up,
            done=self._done,
            seconds=seconds,
        )

    async def _under_blows(self, kafka: KafkaCluster, fleet: Fleet) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(kafka.bootstrap))
            for blow in blows(self._plan):
                tasks.create_task(self._strike(blow, kafka, fleet))

    async def _strike(self, blow: Blow, kafka: KafkaCluster, fleet: Fleet) -> None:
        await asyncio.sleep(blow.at_seconds)
        pick = random.Random(f"{self._plan.seed}-{blow.at_seconds}")
        if blow.kind == "broker":
            broker = pick.randrange(BROKERS)
            self._tell(f"{blow.at_seconds:6.1f} s  broker {broker} killed")
            kafka.kill(broker)
            self._done["broker"] += 1
            await asyncio.sleep(blow.absence_seconds)
            await asyncio.to_thread(kafka.start, broker)
            self._tell(f"broker {broker} is back")
            return
        while not fleet.running:  # all of them lie low
            await asyncio.sleep(0.1)
        fleet.raise_the_fallen()
        name = pick.choice(fleet.running)
        self._tell(f"{blow.at_seconds:6.1f} s  {blow.kind} {name}")
        self._done[blow.kind] += 1
        if blow.kind == "kill":
            await asyncio.to_thread(fleet.kill, name)
        else:
            await asyncio.to_thread(fleet.leave(name).stop)
        await asyncio.sleep(blow.absence_seconds)
        fleet.start(name)

    async def _send(self, bootstrap: str) -> None:
        """Send in gusts of random size, at an even pace over the time there is."""
        pick = random.Random(self._plan.seed)
        waiting: Sequence[Sent] = self._recording.sending()
        total, begin = len(waiting), time.monotonic()
        producer = _producer(bootstrap)
        await producer.start()
        try:
            while waiting:
                gone = time.monotonic() - begin
                due = round(total * min(1.0, gone / self._plan.sending_seconds))
                gust = due - (total - len(waiting))
                await self._send_now(producer, waiting[:gust])
                waiting = waiting[gust:]
                await asyncio.sleep(pick.uniform(0.05, 2.0))
            self._tell(f"{total} events are sent")
            await self._send_now(producer, self._recording.closing(0))
        finally:
            await producer.stop()

    async def _send_at_once(self, bootstrap: str, messages: Sequence[Sent]) -> None:
        producer = _producer(bootstrap)
        await producer.start()
        try:
            await self._send_now(producer, messages)
        finally:
            await producer.stop()

    async def _send_now(self, producer: AIOKafkaProducer, messages: Sequence[Sent]) -> None:
        sent = [
            await producer.send(
                self._topics.for_event(one.kind), value=one.value, key=one.account_id.encode()
            )
            for one in messages
        ]
        await asyncio.gather(*sent)

    def _settle(self, kafka: KafkaCluster, fleet: Fleet, database_url: str) -> None:
        """Wait until all is acknowledged and every alert is delivered."""
        engine = open_database(database_url)
        begin = told = time.monotonic()
        try:
            while True:
                fleet.raise_the_fallen()
                left = asyncio.run(backlog(kafka.bootstrap, self._topics))
                with engine.connect() as connection:
                    owed = count_due(connection)
                if left == {} and not owed:
                    return
                now = time.monotonic()
                if now - begin > self._plan.settle_seconds:
                    message = (
                        f"not settled within {self._plan.settle_seconds:.0f} s: {left}, owed {owed}"
                    )
                    raise AssertionError(message)
                if now - told > 10:
                    told = now
                    self._tell(f"waiting: {left}, owed {owed}")
                time.sleep(LOOK_SECONDS)
        finally:
            engine.dispose()

    async def _read(self, bootstrap: str) -> dict[str, list[bytes]]:
        topics = self._topics
        return {
            "verdicts": await read_topic(bootstrap, topics.verdicts, partitions=PARTITIONS),
            "alerts": await read_topic(bootstrap, topics.alerts, partitions=1),
            "dead_letters": await read_topic(bootstrap, topics.dead_letters, partitions=1),
        }


def _producer(bootstrap: str) -> AIOKafkaProducer:
    """Of a platform that does not give up while brokers come and go."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        request_timeout_ms=120_000,
    )


async def backlog(bootstrap: str, topics: Topics) -> dict[str, int]:
    """How many messages of each topic that the workers read are not acknowledged.

    What is acknowledged was looked up before where the topics end. A chunk is acknowledged after
    what it led to is on the next topic, so an empty answer means that all is done and none is
    under way.
    """
    read = {spec.name for spec in topics.specs()} - {topics.verdicts, topics.alerts_out}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await consumer.start()
        acknowledged = await admin.list_consumer_group_offsets(GROUP)
        partitions = [
            TopicPartition(spec.name, number)
            for spec in topics.specs()
            if spec.name in read
            for number in range(spec.partitions)
        ]
        ends = await consumer.end_offsets(partitions)
    except KafkaError:  # a broker is just coming back
        return {"unknown": 1}
    finally:
        await consumer.stop()
        await admin.close()
    left: Counter[str] = Counter()
    for tp, end in ends.items():
        committed = acknowledged.get(tp)
        left[tp.topic] += end - max(0, committed.offset if committed else 0)
    return {topic: count for topic, count in left.items() if count}


async def read_topic(bootstrap: str, topic: str, *, partitions: int) -> list[bytes]:
    """All messages of a topic, in the order of each partition."""
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    found: dict[TopicPartition, list[bytes]] = {tp: [] for tp in tps}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        for tp in tps:
            consumer.seek(tp, 0)  # seek_to_beginning may be overtaken by the reset to the end
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for tp, messages in (await consumer.getmany(timeout_ms=200)).items():
                found[tp].extend(message.value for message in messages)
    finally:
        await consumer.stop()
    return [value for tp in tps for value in found[tp]]


def _stored(database_url: str) -> list[bytes]:
    engine = open_database(database_url)
    try:
        with engine.connect() as connection:
            bodies = connection.scalars(select(alert_table.c.body)).all()
    finally:
        engine.dispose()
    return [encode(alert_from(body)) for body in bodies]
