"""``doorstaff send``: put recorded events on the topics of a running Doorstaff."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.errors import InvalidEvent
from contracts.event import Decision, parse_event
from doorstaff.console_output import progress
from doorstaff.errors import InvalidSettings, ServiceUnavailable
from doorstaff.running import find_running
from doorstaff.settings import Settings, load_settings
from doorstaff.worker import topics_of
from streams.topic import Topics, create_topics

_WAITING = 2_000
"""Messages sent before waiting for the broker to have them all."""


def send(
    file: Annotated[Path, typer.Argument(help="Events, one JSON object a line.", exists=True)],
) -> None:
    """Send events to the topics of their types, as the platform would.

    Lines that are no event are sent to the signups topic as they are, and come to lie in the dead
    letters with their reason.
    """
    settings = find_running(load_settings())
    if not settings.kafka_url:
        message = "no broker: start `doorstaff up` first, or set DOORSTAFF_KAFKA_URL"
        raise InvalidSettings(message)
    sent = asyncio.run(_send(file, settings, topics_of(settings)))
    told = ", ".join(f"{count:,} to {topic}" for topic, count in sorted(sent.items()))
    typer.echo(f"Sent {told or 'nothing'}")


async def _send(file: Path, settings: Settings, topics: Topics) -> Counter[str]:
    sent: Counter[str] = Counter()
    await create_topics(settings.kafka_url, topics, replication=settings.replication)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_url, acks="all", linger_ms=5)
    try:
        await producer.start()
        with file.open("rb") as lines, progress("Sending", file.stat().st_size) as advance:
            waiting = []
            for raw in lines:
                advance(len(raw))
                if not raw.strip():
                    continue
                topic, key = address(raw, topics)
                waiting.append(await producer.send(topic, value=raw.strip(), key=key))
                sent[topic] += 1
                if len(waiting) >= _WAITING:
                    await asyncio.gather(*waiting)
                    waiting.clear()
            await asyncio.gather(*waiting)
    except KafkaError as error:
        message = f"Kafka at {settings.kafka_url}: {error or type(error).__name__}"
        raise ServiceUnavailable(message) from None
    finally:
        await producer.stop()
    return sent


def address(raw: bytes, topics: Topics) -> tuple[str, bytes]:
    """The topic and key that an event belongs to."""
    try:
        event = parse_event(raw)
    except InvalidEvent:
        return topics.signups, _key_of(raw)
    if isinstance(event, Decision):
        return topics.decisions, event.decision_id.encode()
    return topics.for_event(event.type), event.account_id.encode()


def _key_of(raw: bytes) -> bytes:
    try:
        fields = json.loads(raw)
    except ValueError:
        return b""
    return str(fields.get("account_id", "")).encode() if isinstance(fields, dict) else b""
