"""What comes out of a running Doorstaff, read from its topics."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.event import BaseEvent
from contracts.ids import AlertId, EventId, UploadId
from contracts.screening import Screening
from contracts.verdict import Verdict
from contracts.wire import decode
from doorstaff.demo.tally import Heard
from streams.topic import Topics


@dataclass(slots=True)
class Outlet:
    """All that was on the topics for others, since they were made."""

    heard: Heard = field(default_factory=Heard)
    verdicts: Counter[EventId] = field(default_factory=Counter)
    opened: Counter[AlertId] = field(default_factory=Counter)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{len(self.verdicts)} events with {self.verdicts.total()} verdicts,"
            f" {len(self.heard.alerts)} alerts, {len(self.heard.screenings)} screenings,"
            f" {len(self.dead_letters)} dead letters"
        )

    def status_of(self, upload_id: UploadId) -> str:
        """How the screening of an upload ended; empty as long as it has not."""
        screening = self.heard.screenings.get(upload_id)
        return screening.status if screening else ""

    def take(self, topics: Topics, topic: str, value: bytes) -> None:
        """Take in one message."""
        if topic == topics.verdicts:
            verdict = decode(value, Verdict)
            self.verdicts[verdict.event_id] += 1
            self.heard.add_verdict(verdict)
        elif topic == topics.alerts:
            alert = decode(value, Alert)
            before = self.heard.alerts.get(alert.alert_id)
            was_open = before is not None and before.status != "closed"
            self.opened[alert.alert_id] += alert.status != "closed" and not was_open
            self.heard.add_alert(alert)
        elif topic == topics.screenings:
            screening = decode(value, Screening)
            self.heard.screenings[screening.upload_id] = screening
        else:
            self.dead_letters.append(decode(value, DeadLetter))


def read_until(
    bootstrap: str,
    topics: Topics,
    enough: Callable[[Outlet], bool],
    what: str,
    *,
    seconds: float = 30,
    quiet_seconds: float = 0.0,
) -> Outlet:
    """Read the topics for others from their beginning, until there is enough and then quiet."""
    outlet = Outlet()

    async def read() -> None:
        try:
            async with asyncio.timeout(seconds):
                await _read(outlet, bootstrap, topics, enough, quiet_seconds)
        except TimeoutError:
            message = f"not within {seconds:.0f} s: {what}; {outlet}"
            raise AssertionError(message) from None

    asyncio.run(read())
    return outlet


async def _read(
    outlet: Outlet,
    bootstrap: str,
    topics: Topics,
    enough: Callable[[Outlet], bool],
    quiet_seconds: float,
) -> None:
    consumer = AIOKafkaConsumer(
        topics.verdicts,
        topics.alerts,
        topics.screenings,
        topics.dead_letters,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    last = time.monotonic()
    try:
        while not enough(outlet) or time.monotonic() < last + quiet_seconds:
            found = await consumer.getmany(timeout_ms=200)
            last = time.monotonic() if found else last
            for messages in found.values():
                for message in messages:
                    outlet.take(topics, message.topic, message.value)
    finally:
        await consumer.stop()


def send_events(bootstrap: str, topics: Topics, events: Iterable[BaseEvent]) -> None:
    """Send events as a platform does: on the topic of their type, by account."""
    messages = [
        (
            topics.for_event(str(event.model_dump()["type"])),
            event.account_id.encode(),
            event.model_dump_json().encode(),
        )
        for event in events
    ]
    asyncio.run(_send(bootstrap, messages))


def send_raw(bootstrap: str, messages: Mapping[bytes, str]) -> dict[bytes, tuple[str, int, int]]:
    """Send any bytes to the topics named; each one's topic, partition and offset."""
    listed = [(topic, b"key", value) for value, topic in messages.items()]
    return dict(zip(messages, asyncio.run(_send(bootstrap, listed)), strict=True))


async def _send(
    bootstrap: str, messages: list[tuple[str, bytes, bytes]]
) -> list[tuple[str, int, int]]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2)
    await producer.start()
    try:
        sent = [await producer.send(topic, key=key, value=value) for topic, key, value in messages]
        places = [await one for one in sent]
    finally:
        await producer.stop()
    return [(place.topic, place.partition, place.offset) for place in places]
