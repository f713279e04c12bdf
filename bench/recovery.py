"""How fast state is kept and comes back: a million live facet keys, and accounts beside them.

``python -m bench.recovery`` measures two things.

- In one process, without a broker: what a snapshot of all partitions takes while the event loop
  goes on, its size in SQL, what loading takes, and what folding all records again takes instead.
- With ``--whole``: ``doorstaff worker`` on the embedded broker, killed with ``kill -9``, from the
  start of another until that one has answered what came meanwhile.

Figures of a machine that others use too: read them as ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import structlog
from aiokafka import AIOKafkaConsumer
from sqlalchemy import Engine, func, select

from contracts.event import Signup, from_epoch_ms
from contracts.ruleset import default_ruleset
from contracts.screening import ScreeningJob
from contracts.verdict import Verdict
from contracts.wire import decode
from detectors.reader import Reader
from doorstaff.database import open_home_database
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.services import Services
from doorstaff.settings import load_settings
from store.clock import SystemClock
from store.database import open_database
from store.migration import migrate
from store.schema import state_snapshot_chunks, state_snapshots
from streams.history import History
from streams.intake import Intake
from streams.keeper import Keeper
from streams.ledger import LedgerStage
from streams.message import Outgoing, Record
from streams.snapshot import SnapshotShelf
from streams.topic import Topics, create_topics
from streams.velocity import VelocityStage
from tests.outlet import send_events
from tests.process import COMMAND, is_well, scrape, settings, until

BEGAN_MS = int(time.time() * 1_000) - 3_600_000
PARTITIONS = 8
CHUNK = 1_000
KEYS_PER_SIGNUP = 4
"""New to the windows: device, address, mailbox stem and card; the network is shared."""
TAIL = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--whole", action="store_true", help="kill a whole worker too")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    signups = chosen.keys // KEYS_PER_SIGNUP
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(in_one_process(Path(folder), signups))
    if chosen.whole:
        with tempfile.TemporaryDirectory() as folder:
            whole_worker(Path(folder), signups)


def signup(number: int) -> Signup:
    """One in twenty belongs to a farm of ten on one device; all others have nothing in common."""
    device = f"farm-{number // 200:010x}" if number % 20 == 0 else f"{number:032x}"
    return Signup.model_validate(
        {
            "event_id": f"signup-{number:012}",
            "account_id": f"account-{number:012}",
            "occurred_at": from_epoch_ms(BEGAN_MS + number * 5),
            "email": f"{letters(number)}@gmail.com",
            "ip": f"{11 + (number >> 16) % 100}.{number >> 8 & 255}.{number & 255}.7",
            "device_id": device,
            "payment_fingerprint": f"card-{number:x}",
            "user_agent": "bench",
        }
    )


def letters(number: int) -> str:
    """A mailbox like no other, also without its digits."""
    return f"{number:012}".translate(str.maketrans("0123456789", "abcdefghij"))


class MemoryLog:
    """Topics of records in memory."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Record]] = defaultdict(list)

    def append(self, topic: str, partition: int, value: bytes) -> None:
        log = self.records[topic, partition]
        log.append(
            Record(
                topic=topic,
                partition=partition,
                offset=len(log),
                timestamp_ms=BEGAN_MS + 3_600_000,
                key=None,
                value=value,
            )
        )

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        return 0, len(self.records[topic, partition])

    async def read(
        self, topic: str, partition: int, start: int, end: int
    ) -> AsyncGenerator[list[Record], None]:
        for begin in range(start, end, CHUNK):
            yield self.records[topic, partition][begin : min(begin + CHUNK, end)]


class Worker:
    """Velocity and the ledger, with their histories."""

    def __init__(self, log: MemoryLog, shelf: SnapshotShelf | None) -> None:
        rules, self.topics = default_ruleset(), Topics(partitions=PARTITIONS)
        self.log = log
        self.velocity = VelocityStage(rules, self.topics)
        self.ledger = LedgerStage(rules, self.topics)
        self.histories = {
            self.topics.facets: History("velocity", self.velocity, log, shelf),
            self.topics.signals: History("ledger", self.ledger, log, shelf),
        }

    async def read(self, topic: str, *, last: int = 0) -> None:
        """Handle all of a topic, or the last records of each partition."""
        for (name, _), records in list(self.log.records.items()):
            if name == topic:
                handled = await self.histories[topic].handle([records[-last:]])
                handled.settle()
                for message in handled.outgoing:
                    if isinstance(message, Outgoing) and message.topic in self.histories:
                        self.log.append(message.topic, message.partition or 0, message.value)

    @property
    def keys(self) -> int:
        return sum(len(one) for one in self.velocity._velocity.values())

    @property
    def accounts(self) -> int:
        return sum(len(one.ledger) for one in self.ledger._partitions.values())


class Stall:
    """How long the event loop was away at worst."""

    def __init__(self) -> None:
        self.worst_seconds = 0.0

    async def __aenter__(self) -> Stall:
        self._watch = asyncio.create_task(self._look())
        await asyncio.sleep(0.01)
        self.worst_seconds = 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.01)
        self._watch.cancel()

    async def _look(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.worst_seconds = max(self.worst_seconds, now - last - 0.001)
            last = now


async def in_one_process(folder: Path, signups: int) -> None:
    engine = open_database(f"sqlite:///{folder / 'doorstaff.db'}")
    migrate(engine)
    shelf = SnapshotShelf(engine, SystemClock())
    log, topics = MemoryLog(), Topics(partitions=PARTITIONS)
    for message in taken_in(topics, signups):
        log.append(message.topic, message.partition or 0, message.value)
    first = Worker(log, shelf)
    begin = time.perf_counter()
    await first.read(topics.facets)
    await first.read(topics.signals)
    counting = time.perf_counter() - begin
    print(f"{signups:,} signups: {first.keys:,} facet keys, {first.accounts:,} flagged accounts")
    print(f"counting them                  {counting:7.2f} s")

    async with Stall() as stall:
        await asyncio.sleep(3)
    print(f"an idle loop's worst stall     {stall.worst_seconds * 1e3:7.0f} ms")
    print(f"longest piece of a snapshot    {longest_piece(first) * 1e3:7.1f} ms of CPU")
    for name, leisure in (("a quarter of the time", 3.0), ("all of the time", 0.0)):
        keeper = Keeper(first.histories.values(), shelf, every_seconds=300)
        begin, cpu = time.perf_counter(), time.process_time()
        async with Stall() as stall:
            for history in first.histories.values():
                for place in history.places.values():
                    await keeper.take(history, place, leisure=leisure)
        print(
            f"snapshots, {name:<21}{time.perf_counter() - begin:6.2f} s"
            f"   CPU {time.process_time() - cpu:.2f} s"
            f"   worst stall {stall.worst_seconds * 1e3:.0f} ms   {in_sql(engine)}"
        )

    for name, source in (("snapshots and a tail", shelf), ("the topic alone", None)):
        again = Worker(log, source)
        begin = time.perf_counter()
        async with Stall() as stall:
            await again.read(topics.facets, last=1)
            await again.read(topics.signals, last=1)
        seconds = time.perf_counter() - begin
        assert (again.keys, again.accounts) == (first.keys, first.accounts)
        print(
            f"restored from {name:<21}{seconds:5.2f} s   worst stall"
            f" {stall.worst_seconds * 1e3:.0f} ms   1/{counting / seconds:.1f} of the counting"
        )
    engine.dispose()


def longest_piece(worker: Worker) -> float:
    """Seconds of CPU at one go; others on the machine do not count."""
    longest = 0.0
    for history in worker.histories.values():
        for topic, partition in history.places:
            pieces = history.stage.snapshot(topic, partition)
            piece: bytes | None = b""
            while piece is not None:
                begin = time.thread_time()
                piece = next(pieces, None)
                longest = max(longest, time.thread_time() - begin)
    return longest


def taken_in(topics: Topics, signups: int) -> Iterator[Outgoing]:
    """What intake makes of the signups."""
    rules = default_ruleset()
    intake = Intake(Reader(rules), topics, lateness_ms=rules.lateness * 1_000)
    for begin in range(0, signups, CHUNK):
        chunk = [
            Record(
                topic=topics.signups,
                partition=0,
                offset=number,
                timestamp_ms=BEGAN_MS + 3_600_000,
                key=None,
                value=signup(number).model_dump_json(exclude_none=True).encode(),
            )
            for number in range(begin, min(begin + CHUNK, signups))
        ]
        for message in intake.handle(chunk):
            assert not isinstance(message, ScreeningJob)
            yield message


def in_sql(engine: Engine) -> str:
    size = func.sum(func.length(state_snapshot_chunks.c.body))
    with engine.connect() as connection:
        stored, rows = connection.execute(select(size, func.count())).one()
    return f"{stored / 1e6:.1f} MB in {rows} rows"


def whole_worker(folder: Path, signups: int) -> None:
    chosen = load_settings(home=folder, partitions=PARTITIONS)
    with Services(chosen) as services, ExitStack() as stack:
        kafka, topics = services.settings.kafka_url, Topics(partitions=PARTITIONS)
        asyncio.run(create_topics(kafka, topics))
        engine = open_home_database(services.settings)
        stack.callback(engine.dispose)
        first, address = started(services, "first", stack)
        first.wait_until(partial(is_well, address), seconds=60)
        begin = time.perf_counter()
        for at in range(0, signups, 10_000):
            send_events(kafka, topics, map(signup, range(at, min(at + 10_000, signups))))
        until(lambda: is_counted(address, signups), "all are counted", seconds=1_800)
        print(f"{signups:,} signups through a worker in {time.perf_counter() - begin:.0f} s")
        until(lambda: kept(engine) >= PARTITIONS, "each partition has snapshots", seconds=400)
        os.kill(first.pid, signal.SIGKILL)
        print(f"killed; snapshots are {in_sql(engine)}")
        ready, caught_up, address = asyncio.run(begin_again(services, topics, signups, stack))
        scraped = scrape(address)
        restoring = scraped.total("doorstaff_restore_seconds_sum")
        print(
            f"ready after {ready:.1f} s, caught up after {caught_up:.1f} s (the dead one's session"
            f" ends after {services.settings.session_timeout_seconds:.0f} s);"
            f" {restoring:.1f} s of restoring, added up over stages that wait for each other"
        )
        for source in ("snapshot", "topic"):
            print(
                f"  from {source}: {scraped.total('doorstaff_restores_total', source=source):.0f}"
            )


def started(services: Services, name: str, stack: ExitStack) -> tuple[Child, str]:
    port = free_port()
    environment = settings(**services.environment(), metrics_port=port, sinks="jsonl")
    child = Child(
        name,
        [*COMMAND, "worker"],
        log_file=services.settings.home / "logs" / f"{name}.log",
        environment=environment,
    )
    stack.callback(child.stop)
    return child, f"http://127.0.0.1:{port}"


async def begin_again(
    services: Services, topics: Topics, signups: int, stack: ExitStack
) -> tuple[float, float, str]:
    """Seconds from the start of a worker until it is ready, and until it has answered the tail."""
    kafka = services.settings.kafka_url
    consumer = AIOKafkaConsumer(topics.verdicts, bootstrap_servers=kafka, fetch_max_wait_ms=20)
    await consumer.start()
    await consumer.seek_to_end()
    tail = [signup(number) for number in range(signups, signups + TAIL)]
    await asyncio.to_thread(send_events, kafka, topics, tail)
    begin = time.perf_counter()
    child, address = started(services, "second", stack)

    async def until_ready() -> float:
        await asyncio.to_thread(child.wait_until, partial(is_well, address), seconds=120)
        return time.perf_counter() - begin

    ready = asyncio.create_task(until_ready())
    waiting = {event.event_id for event in tail}
    async with asyncio.timeout(300):
        while waiting:
            found = await consumer.getmany(timeout_ms=100)
            for records in found.values():
                waiting -= {decode(record.value, Verdict).event_id for record in records}
    caught_up = time.perf_counter() - begin
    await consumer.stop()
    return await ready, caught_up, address


def is_counted(address: str, signups: int) -> bool:
    now = scrape(address)
    answered = now.total("doorstaff_verdicts_total") >= signups
    return answered and now.total("doorstaff_lag_messages") == 0


def kept(engine: Engine) -> int:
    """Partitions of facets that have a snapshot."""
    where = state_snapshots.c.stage == "velocity"
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).where(where)) or 0


if __name__ == "__main__":
    main()
