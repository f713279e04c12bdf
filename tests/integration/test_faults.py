"""What goes wrong around a worker: the stream goes on, or stops with a reason that helps.

One Kafka broker for all of it; each test has topics, a home folder and a database of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import make_url

from contracts.alert import Alert
from contracts.event import BaseEvent, Signup, Upload
from contracts.verdict import Verdict
from contracts.wire import decode
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.valkey import start_valkey
from store.acceptance import what_is_new
from store.alert import list_alerts
from store.database import open_database
from store.dead_letter import StoredDeadLetter, list_dead_letters
from streams.topic import Topics
from tests.integration.crash.turmoil import read_topic
from tests.integration.kafka_cluster import KafkaCluster
from tests.outlet import send_events, send_raw
from tests.postgres import postgres_schema, postgres_server
from tests.process import COMMAND, is_well, settings, until
from tests.relay import Relay

__all__ = ["postgres_server"]

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.timeout(120),
]

PARTITIONS = 2
AWAY_SECONDS = 10.0
STOP_SECONDS = 20.0
"""In which a worker that gives up, or is told to go, is gone."""

LOG_BYTES = 65_536
"""More than a worker logs in a test, less than where SQLite writes once its tables are made."""

IMPATIENT = (
    sys.executable,
    "-c",
    "from streams import patience; patience.ATTEMPTS = 3; from doorstaff.cli import main; main()",
)
"""The command line, with a worker that waits for two seconds instead of a minute."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaCluster]:
    with KafkaCluster(brokers=1) as kafka:
        yield kafka


@dataclass(kw_only=True)
class House:
    """What a worker stands on, and the worker."""

    folder: Path
    topics: Topics
    kafka: KafkaCluster
    redis: Relay
    redis_port: int
    sql: Relay
    sql_url: str
    _stack: ExitStack
    _sent: int = field(default=0)
    _began_at: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=2))

    @property
    def environment(self) -> dict[str, str]:
        """The worker's: it reaches Redis and SQL by the relays."""
        return settings(
            home=self.folder,
            kafka_url=self.kafka.bootstrap,
            redis_url=f"redis://127.0.0.1:{self.redis.port}/0",
            DATABASE_URL=self._by_relay,
            topic_prefix=self.topics.prefix,
            partitions=PARTITIONS,
            sinks="jsonl",
        )

    @property
    def _by_relay(self) -> str:
        url = make_url(self.sql_url)
        if url.drivername.startswith("sqlite"):
            return self.sql_url
        return url.set(host="127.0.0.1", port=self.sql.port).render_as_string(hide_password=False)

    def worker(self, *, command: Sequence[str] = COMMAND) -> Child:
        """Start a worker and wait until it has its share."""
        port = free_port()
        child = Child(
            "worker",
            [*command, "worker"],
            log_file=self.folder / "logs" / "worker.log",
            environment={**self.environment, "DOORSTAFF_METRICS_PORT": str(port)},
        )
        self._stack.callback(child.stop)
        child.wait_until(partial(is_well, f"http://127.0.0.1:{port}"), seconds=60)
        return child

    def farm(self, name: str, *, accounts: int = 12, each: int = 1) -> list[BaseEvent]:
        """Signups on one device, ``each`` of them a second apart: one campaign alert."""
        signups: list[BaseEvent] = []
        for _ in range(accounts):
            self._sent += 1
            signups.append(
                Signup.model_validate(
                    {
                        "event_id": f"signup-{self._sent}",
                        "account_id": f"account-{self._sent}",
                        "occurred_at": self._began_at + timedelta(seconds=each * self._sent),
                        "device_id": f"device-of-{name}",
                        "ip": f"192.0.2.{self._sent % 250}",
                    }
                )
            )
        return signups

    def uploads(self, count: int) -> list[BaseEvent]:
        """So many uploads, by an account each."""
        uploads: list[BaseEvent] = []
        for _ in range(count):
            self._sent += 1
            uploads.append(
                Upload.model_validate(
                    {
                        "event_id": f"upload-{self._sent}",
                        "account_id": f"account-{self._sent}",
                        "occurred_at": self._began_at + timedelta(seconds=self._sent),
                        "upload_id": f"video-{self._sent}",
                        "uri": "file:///nowhere.mp4",
                    }
                )
            )
        return uploads

    def send(self, events: Sequence[BaseEvent]) -> None:
        """Send events, as the platform does."""
        send_events(self.kafka.bootstrap, self.topics, events)

    def answered(self, events: Sequence[BaseEvent], *, seconds: float = 40) -> None:
        """Wait until each of these events, and no other, has a verdict."""
        wanted = {event.event_id for event in events}
        until(lambda: wanted <= self._verdicts(), "each event has a verdict", seconds=seconds)
        assert self._verdicts() == wanted

    def _verdicts(self) -> set[str]:
        read = read_topic(self.kafka.bootstrap, self.topics.verdicts, partitions=PARTITIONS)
        return {decode(value, Verdict).event_id for value in asyncio.run(read)}

    def delivered(self) -> list[Alert]:
        """What the sink got."""
        file = self.folder / "alerts.jsonl"
        lines = file.read_bytes().splitlines() if file.exists() else []
        return [decode(line, Alert) for line in lines]

    def has_told_of(self, farms: int) -> bool:
        """Whether so many campaigns stand open in SQL, and the sink has all that is new of each."""
        engine = open_database(self.sql_url)
        try:
            with engine.connect() as connection:
                kept = list_alerts(connection, kind="campaign").alerts
        finally:
            engine.dispose()
        told = {alert.alert_id: alert for alert in self.delivered()}
        open_ones = [alert for alert in kept if alert.status != "closed"]
        return len(open_ones) == farms and all(
            what_is_new(told.get(alert.alert_id), alert) is None for alert in kept
        )

    def dead_letters(self) -> list[StoredDeadLetter]:
        """What was put aside."""
        engine = open_database(self.sql_url)
        try:
            with engine.connect() as connection:
                return list(list_dead_letters(connection, limit=500))
        finally:
            engine.dispose()

    def jobs(self) -> int:
        """Uploads that wait to be screened."""
        redis = Redis(port=self.redis_port)
        try:
            streams = list(redis.scan_iter(match="*", _type="stream"))
            return sum(int(redis.xlen(stream)) for stream in streams)
        finally:
            redis.close()

    def said(self) -> str:
        """The last line of the worker's log."""
        return (self.folder / "logs" / "worker.log").read_text().strip().splitlines()[-1]


@pytest.fixture
def house(request: pytest.FixtureRequest, kafka: KafkaCluster, tmp_path: Path) -> Iterator[House]:
    with _house(request, kafka, tmp_path, sqlite=False) as house:
        yield house


@pytest.fixture
def house_on_sqlite(
    request: pytest.FixtureRequest, kafka: KafkaCluster, tmp_path: Path
) -> Iterator[House]:
    with _house(request, kafka, tmp_path, sqlite=True) as house:
        yield house


@contextmanager
def _house(
    request: pytest.FixtureRequest, kafka: KafkaCluster, folder: Path, *, sqlite: bool
) -> Iterator[House]:
    with ExitStack() as stack:
        valkey, redis_url = start_valkey(folder)
        stack.callback(valkey.stop)
        redis_port = make_url(redis_url).port or 0
        url = f"sqlite:///{folder / 'doorstaff.db'}"
        if not sqlite:
            url = stack.enter_context(postgres_schema(request.getfixturevalue("postgres_server")))
        yield House(
            folder=folder,
            topics=Topics(prefix=f"{uuid.uuid4().hex}.", partitions=PARTITIONS),
            kafka=kafka,
            redis=stack.enter_context(Relay(redis_port)),
            redis_port=redis_port,
            sql=stack.enter_context(Relay(make_url(url).port or 5432)),
            sql_url=url,
            _stack=stack,
        )


NESTED = b"[" * 500_000 + b"]" * 500_000
SIGNUP = json.dumps(
    {
        "type": "signup",
        "event_id": "stray",
        "account_id": "stray",
        "occurred_at": "2026-05-04T18:00:00Z",
        "device_id": "stray",
    }
).encode()
POISONS = {
    "not JSON": b"<html>502 Bad Gateway</html>",
    "empty": b"",
    "nested": NESTED,
    "nested in a field": b'{"type":"signup","event_id":"x","whatever":%b}' % NESTED,
    "not UTF-8": b'{"type":"signup","event_id":"\xff\xfe"}',
    "an event of another topic": SIGNUP,
}
READ = (
    *("signups", "posts", "uploads", "decisions"),
    *("facets", "signals", "cases", "screenings", "alerts", "dead-letters"),
)
"""Every topic that a worker reads."""


def test_poison_on_any_topic_is_put_aside_and_the_stream_goes_on(house: House) -> None:
    worker = house.worker()
    topics = [f"{house.topics.prefix}{name}" for name in READ]
    before, after = house.farm("before"), house.farm("after")
    house.send(before)
    for name, poison in POISONS.items():
        for topic in topics:
            if topic != house.topics.signups or name != "an event of another topic":
                send_raw(house.kafka.bootstrap, {poison: topic})
    house.send(after)
    house.answered([*before, *after])
    put_aside = len(POISONS) * (len(topics) - 1) - 1  # a dead letter that is none is only logged
    until(lambda: len(house.dead_letters()) >= put_aside, "every poison is put aside")
    letters = house.dead_letters()
    assert len(letters) == put_aside
    by_topic = Counter(stored.letter.topic for stored in letters)
    assert by_topic == {
        topic: len(POISONS) - (topic == house.topics.signups)
        for topic in topics
        if topic != house.topics.dead_letters
    }
    assert {stored.letter.value for stored in letters} == set(POISONS.values())
    assert all(stored.letter.reason for stored in letters)
    until(lambda: house.has_told_of(2), "both campaigns are told of")
    assert worker.exit_code is None


def test_services_that_are_away_for_a_while_cost_nothing(house: House) -> None:
    worker = house.worker()
    services = ("redis", "sql", "kafka")
    events = [*house.farm("before"), *house.uploads(3)]
    house.send(events)
    house.answered(events)
    for service in services:
        meanwhile, after = house.farm(f"during {service}"), house.uploads(3)
        with _away(house, service):
            if service != "kafka":
                house.send(meanwhile)
            time.sleep(AWAY_SECONDS)
        house.send([*meanwhile, *after])  # a platform that is not sure sends again
        events += [*meanwhile, *after]
        house.answered(events)
    until(lambda: house.has_told_of(1 + len(services)), "every campaign is told of")
    uploads = [event for event in events if isinstance(event, Upload)]
    until(lambda: house.jobs() == len(uploads), "each upload waits once to be screened")
    assert worker.exit_code is None
    delivered = house.delivered()
    opened = Counter(alert.alert_id for alert in delivered if alert.status == "opened")
    assert max(opened.values()) == 1
    revisions = Counter((alert.alert_id, alert.revision) for alert in delivered)
    assert max(revisions.values()) == 1
    assert house.dead_letters() == []


def test_a_service_that_stays_away_stops_the_worker_with_the_reason(house: House) -> None:
    worker = house.worker(command=IMPATIENT)
    events = [*house.farm("farm"), *house.uploads(3)]
    with _away(house, "redis"):
        house.send(events)
        until(lambda: worker.exit_code is not None, "the worker stops", seconds=STOP_SECONDS)
    assert worker.exit_code == 1
    said = house.said()
    assert said.startswith("doorstaff: uploads: screening queue: Redis (DOORSTAFF_REDIS_URL)")
    assert "connecting to 127.0.0.1" in said
    house.worker()
    house.answered(events)
    until(lambda: house.has_told_of(1), "the campaign is told of")
    until(lambda: house.jobs() == 3, "each upload waits once to be screened")


@pytest.mark.parametrize("service", ["sql", "kafka"])
def test_a_worker_that_waits_can_be_told_to_go(house: House, service: str) -> None:
    worker = house.worker()
    events = [*house.farm("farm"), *house.uploads(3)]
    house.send(events)
    with _away(house, service):
        time.sleep(2)
        os.kill(worker.pid, signal.SIGTERM)
        until(lambda: worker.exit_code is not None, "it is gone", seconds=STOP_SECONDS)
    house.worker()
    house.answered(events)
    until(lambda: house.has_told_of(1), "the campaign is told of")


def test_a_full_disk_is_waited_for(house_on_sqlite: House) -> None:
    house = house_on_sqlite
    worker = house.worker()
    farms = [house.farm("before"), house.farm("meanwhile")]
    house.send(farms[0])
    until(lambda: house.has_told_of(1), "the first campaign is told of")
    with _full(worker):
        house.send(farms[1])
        time.sleep(4)
        assert worker.exit_code is None
        assert not house.has_told_of(2)
    house.answered([*farms[0], *farms[1]])
    until(lambda: house.has_told_of(2), "the second, once there is space")


def test_a_disk_that_stays_full_stops_the_worker_with_the_reason(house_on_sqlite: House) -> None:
    house = house_on_sqlite
    worker = house.worker(command=IMPATIENT)
    events = house.farm("farm")
    with _full(worker):
        house.send(events)
        until(lambda: worker.exit_code is not None, "the worker stops", seconds=STOP_SECONDS)
    assert worker.exit_code == 1
    said = house.said()
    assert said.startswith("doorstaff: alerts: alerts in SQL: the SQL database (DATABASE_URL)")
    assert "disk I/O error" in said
    assert house.delivered() == []
    house.worker()
    house.answered(events)
    until(lambda: house.has_told_of(1), "what was not acknowledged is told of after all")


@contextmanager
def _away(house: House, service: str) -> Iterator[None]:
    if service == "kafka":
        house.kafka.kill(0)
        try:
            yield
        finally:
            house.kafka.start(0)
        return
    relay = house.redis if service == "redis" else house.sql
    relay.close()
    try:
        yield
    finally:
        relay.open()


@contextmanager
def _full(worker: Child) -> Iterator[None]:
    """The database cannot grow; the log, which is far smaller, can."""
    soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (LOG_BYTES, hard))
    try:
        yield
    finally:
        if worker.exit_code is None:
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (soft, hard))
