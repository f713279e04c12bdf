"""A worker that is killed, on the embedded broker: it begins again where its snapshots are."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from doorstaff.database import open_home_database
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.services import Services
from doorstaff.settings import load_settings
from store.schema import state_snapshots
from streams.topic import Topics, create_topics
from tests.outlet import read_until, send_events
from tests.process import COMMAND, is_well, scrape, settings, until
from tests.traffic import signup

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PARTITIONS = 2
EVENTS = 400
BEGAN_S = datetime.now(UTC).timestamp() - 60


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    for name in [name for name in os.environ if name.startswith(("DOORSTAFF_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    with Services(load_settings(home=tmp_path / "home", partitions=PARTITIONS)) as services:
        yield services


def started(services: Services, name: str, stack: ExitStack, **chosen: object) -> tuple[Child, str]:
    port = free_port()
    environment = settings(**services.environment(), metrics_port=port, **chosen)
    log_file = services.settings.home / "logs" / f"{name}.log"
    child = Child(name, [*COMMAND, "worker"], log_file=log_file, environment=environment)
    stack.callback(child.stop)
    address = f"http://127.0.0.1:{port}"
    child.wait_until(partial(is_well, address), seconds=60)
    return child, address


def records_kept(engine: Engine, topic: str) -> int:
    """How many records of a topic lie before its partitions' snapshots."""
    with engine.connect() as connection:
        where = state_snapshots.c.topic == topic
        return sum(connection.scalars(select(state_snapshots.c.offset).where(where)))


def test_a_worker_begins_again_at_its_snapshots(services: Services) -> None:
    kafka, topics = services.settings.kafka_url, Topics(partitions=PARTITIONS)
    asyncio.run(create_topics(kafka, topics))
    events = [signup(number) for number in range(EVENTS)]
    engine = open_home_database(services.settings)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        first, address = started(services, "first", stack, snapshot_every_seconds=1)
        send_events(kafka, topics, events)
        until(lambda: records_kept(engine, topics.signups) == EVENTS, "snapshots hold all events")
        for topic in (topics.facets, topics.signals):
            until(partial(records_kept, engine, topic), "there are snapshots of what is counted")
        assert scrape(address).total("doorstaff_snapshots_total", outcome="failed") == 0
        os.kill(first.pid, signal.SIGKILL)

        second, address = started(services, "second", stack)
        late = signup("late")
        send_events(kafka, topics, [*events, late])  # all but one came before
        outlet = read_until(
            kafka,
            topics,
            lambda outlet: late.event_id in outlet.verdicts,
            "the new one has its verdict",
            quiet_seconds=1,
        )
        assert outlet.verdicts.keys() == {event.event_id for event in (*events, late)}
        assert outlet.verdicts.total() == EVENTS + 1
        now = scrape(address)
        assert now.total("doorstaff_events_total", outcome="repeated") == EVENTS
        restored = partial(now.total, "doorstaff_restores_total")
        assert restored(stage="intake", source="topic") == 0
        for stage in ("intake", "velocity", "ledger"):
            assert restored(stage=stage, source="snapshot") > 0

        second.stop()  # in order: it keeps what changed
        assert records_kept(engine, topics.signups) == 2 * EVENTS + 1
    words = (services.settings.home / "logs" / "second.log").read_text()
    assert not re.findall(r'"level": "(?:error|warning)"', words), words


def test_snapshots_of_a_broker_whose_log_is_gone_are_dropped(services: Services) -> None:
    topics = Topics(partitions=PARTITIONS)
    events = [signup(number) for number in range(20)]
    engine = open_home_database(services.settings)

    def run(services: Services, name: str) -> None:
        kafka = services.settings.kafka_url
        asyncio.run(create_topics(kafka, topics))
        with ExitStack() as stack:
            child, _ = started(services, name, stack)
            send_events(kafka, topics, events)
            outlet = read_until(
                kafka,
                topics,
                lambda outlet: len(outlet.verdicts) == len(events),
                "all have a verdict",
            )
            assert outlet.verdicts.total() == len(events)
            child.stop()

    run(services, "first")
    assert records_kept(engine, topics.signups) == len(events)
    services.__exit__(None, None, None)
    with Services(services.settings.model_copy(update={"kafka_url": "", "redis_url": ""})) as again:
        run(again, "second")
    engine.dispose()
