"""The demo: real services, real processes, made traffic; ends by itself."""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from rich.console import Console
from rich.table import Table

from contracts.alert import Alert
from contracts.event import BaseEvent, Signup
from contracts.screening import Screening
from contracts.verdict import Verdict
from contracts.wire import decode
from doorstaff.demo.evening import EVENING, Evening, Planted
from doorstaff.demo.film import REFERENCE_TITLE, UPLOADS, draw_reference, draw_upload
from doorstaff.demo.tally import Heard, Line, tally
from doorstaff.embedded.services import KEPT, Services
from doorstaff.errors import ServiceUnavailable
from doorstaff.evidence import evidence_keeper
from doorstaff.fleet import Fleet
from doorstaff.library import add_reference, open_store
from doorstaff.settings import Settings
from doorstaff.worker import topics_of
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.reference import ReferenceLibrary
from streams.message import INGESTED_AT
from streams.topic import Topics, create_topics

EVENTS_PER_SECOND = 300
PATIENCE_SECONDS = 60.0
"""How long the pipeline may take over the last events."""

_P99 = 98
"""Index of the 99th percentile among 99 cut points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How the evening went."""

    lines: list[Line]
    passed: bool


def run_demo(settings: Settings, console: Console) -> Report:
    """Run the whole evening; at most some 90 s."""
    settings = demo_settings(settings.home)
    begun = time.monotonic()
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        Services(settings, wipe=("valkey", "doorstaff.db*")) as services,
    ):
        console.print(f"[dim]{KEPT}[/]")
        films = settings.home.resolve() / "films"
        films.mkdir(parents=True, exist_ok=True)
        encoder = ffmpeg_path()
        reference = films / "reference.mp4"
        with _step(
            console, "Drawing a film and six uploads; starting broker, worker, media workers"
        ):
            drawn = [pool.submit(draw_reference, reference, encoder=encoder)]
            drawn += [
                pool.submit(draw_upload, plan, films / f"{plan.upload_id}.mp4", encoder=encoder)
                for plan in UPLOADS
            ]
            settings = services.settings
            topics = topics_of(settings)
            asyncio.run(create_topics(settings.kafka_url, topics))
            fleet = Fleet(services, show_alerts=True, environment=demo_environment(os.environ))
            fleet.start("worker")
            for film in drawn:
                film.result()
            for _ in range(os.cpu_count() or 1):
                fleet.start("media", "worker")
            fleet.wait_ready(stop=threading.Event())
        with (
            _step(console, f"Fingerprinting “{REFERENCE_TITLE}” as a reference"),
            open_store(settings) as store,
        ):
            add_reference(
                ReferenceLibrary(store),
                reference,
                title=REFERENCE_TITLE,
                evidence=evidence_keeper(settings),
            )
        evening = Evening(begins_at=datetime.now(UTC).replace(microsecond=0) - EVENING)
        events, planted = evening.events()
        uploads = [
            evening.upload(number, uri=str(films / f"{plan.upload_id}.mp4"), title=plan.title)
            for number, plan in enumerate(UPLOADS)
        ]
        events = sorted([*events, *uploads], key=lambda event: event.occurred_at)
        console.print(f"Sending an evening of {len(events):,} events. Alerts as they come:")
        heard, sent_s = asyncio.run(_play(settings.kafka_url, topics, events, fleet))
        report = _report(console, heard, planted, events, sent_s)
        console.print(f"[dim]{time.monotonic() - begun:.0f} s in all[/]")
    return report


class _DemoSettings(Settings):
    """The defaults, whatever the environment says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def demo_settings(home: Path) -> Settings:
    """Settings of the demo in a user's home: made alerts reach no sink that the user has set up."""
    return _DemoSettings(home=home / "demo", partitions=4, sinks=("console",))


def demo_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without any setting of Doorstaff's but the demo's sinks."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith("DOORSTAFF_") and name.upper() != "DATABASE_URL"
    }
    return {**kept, "DOORSTAFF_SINKS": "console"}


async def _play(
    bootstrap: str, topics: Topics, events: list[BaseEvent], fleet: Fleet
) -> tuple[Heard, float]:
    """Send the events at a steady rate, and listen until all is answered or patience ends."""
    heard = Heard()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2)
    consumer = AIOKafkaConsumer(
        topics.verdicts,
        topics.alerts,
        topics.screenings,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,  # the embedded broker holds a fetch for all of it
    )
    await producer.start()
    await consumer.start()
    listening = asyncio.create_task(_listen(consumer, topics, heard))
    started = time.monotonic()
    try:
        for number, event in enumerate(events):
            _raise_if_ended(listening)
            ahead = started + number / EVENTS_PER_SECOND - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)
            topic = topics.for_event(str(getattr(event, "type")))  # noqa: B009 -- on each subclass
            key = event.account_id.encode()
            await producer.send(topic, value=event.model_dump_json().encode(), key=key)
        await producer.flush()
        sent_s = time.monotonic() - started
        patience = time.monotonic() + PATIENCE_SECONDS
        awaited = {event.event_id for event in events}
        while time.monotonic() < patience:
            fleet.keep_up()
            _raise_if_ended(listening)
            if awaited <= heard.verdicts.keys() and len(heard.screenings) == len(UPLOADS):
                await asyncio.sleep(1.0)  # the last alerts follow the last verdicts
                break
            await asyncio.sleep(0.1)
    finally:
        listening.cancel()
        await consumer.stop()
        await producer.stop()
    return heard, sent_s


def _raise_if_ended(listening: asyncio.Task[None]) -> None:
    """Fail as the listener did; nothing that it has not heard will ever come."""
    if listening.done():
        listening.result()
        message = "the demo's listener ended before its time"
        raise ServiceUnavailable(message)


async def _listen(consumer: AIOKafkaConsumer, topics: Topics, heard: Heard) -> None:
    async for message in consumer:
        if message.topic == topics.verdicts:
            heard.add_verdict(decode(message.value, Verdict))
        elif message.topic == topics.screenings:
            screening = decode(message.value, Screening)
            heard.screenings[screening.upload_id] = screening
        else:
            heard.add_alert(decode(message.value, Alert))
            ingested_ms = int(dict(message.headers).get(INGESTED_AT, b"0"))
            heard.latencies_s.append(time.time() - ingested_ms / 1_000)


def _report(
    console: Console, heard: Heard, planted: Planted, events: list[BaseEvent], sent_s: float
) -> Report:
    lines = tally(heard, planted, UPLOADS)
    table = Table(title="Planted and found", title_justify="left", show_edge=False, pad_edge=False)
    for heading in ("", "planted", "found", ""):
        table.add_column(heading)
    for line in lines:
        mark = "[green]found[/]" if line.passed else "[red]missed[/]"
        if line.what in {"on-sale rush", "everybody else"} or line.planted == "nothing":
            mark = "[green]left alone[/]" if line.passed else "[red]disturbed[/]"
        table.add_row(line.what, line.planted, line.found, mark)
    console.print()
    console.print(table)
    signups = sum(isinstance(event, Signup) for event in events)
    actions = list(heard.actions().values())
    console.print(
        f"\nSent {len(events):,} events ({signups:,} signups) in {sent_s:.0f} s;"
        f" {len(heard.verdicts):,} answered by a verdict;"
        f" {actions.count('review'):,} accounts for review, {actions.count('hold'):,} held;"
        f" {len(heard.screenings)} uploads screened; {len(heard.alerts)} alerts."
    )
    if len(heard.latencies_s) > 1:
        p99 = statistics.quantiles(heard.latencies_s, n=100, method="inclusive")[_P99]
        p50 = statistics.median(heard.latencies_s)
        console.print(f"From event to alert: p50 {p50 * 1_000:.0f} ms, p99 {p99 * 1_000:.0f} ms.")
    answered = len(heard.verdicts) >= len(events)
    if not answered:
        console.print(f"[red]{len(events) - len(heard.verdicts)} events got no verdict[/]")
    return Report(lines=lines, passed=answered and all(line.passed for line in lines))


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{what} …"):
        yield
    console.print(f"{what}: {time.monotonic() - started:.0f} s")
