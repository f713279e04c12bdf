"""``doorstaff deadletter``: see what could not be handled, and send it again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import Engine

from doorstaff.database import home_database
from doorstaff.errors import DoorstaffError, InvalidSettings, ServiceUnavailable
from doorstaff.running import find_running
from doorstaff.settings import load_settings
from store.dead_letter import (
    StoredDeadLetter,
    get_dead_letter,
    list_dead_letters,
    mark_retried,
)
from streams.message import RETRY

app = typer.Typer(no_args_is_help=True, help="Messages that could not be handled, with reasons.")

_PAGE = 500
_MOST = 2**63 - 1  # the largest number that SQL has


@app.command("list")
def list_letters(
    topic: Annotated[str | None, typer.Option(help="Only those of this topic.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those sent again.")] = False,
    show: Annotated[bool, typer.Option(help="Show the messages; they may be personal.")] = False,
) -> None:
    """List dead letters, the newest first: number, when, origin, reason."""
    with home_database(load_settings()) as engine, engine.connect() as connection:
        letters = list_dead_letters(
            connection, retried=None if everything else False, topic=topic, limit=_PAGE + 1
        )
    for stored in letters[:_PAGE]:
        letter = stored.letter
        again = " (sent again)" if stored.retried_at else ""
        origin = f"{letter.topic}[{letter.partition}]@{letter.offset}"
        typer.echo(
            f"{stored.id:6} {letter.failed_at:%Y-%m-%d %H:%M:%S} {origin} {letter.reason}{again}"
        )
        if show:
            typer.echo(f"       {letter.value.decode(errors='replace')}")
    if len(letters) > _PAGE:
        typer.echo(f"These are the newest {_PAGE}; there are more")
    if not letters:
        typer.echo("No dead letters")


@app.command()
def retry(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Which; see `list`.", min=1, max=_MOST)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
) -> None:
    """Send dead letters to their topics again, as they came."""
    if bool(numbers) == everything:
        message = "name the numbers of dead letters, or --all"
        raise typer.BadParameter(message)
    settings = find_running(load_settings())
    if not settings.kafka_url:
        message = "no broker: start `doorstaff up` first, or set DOORSTAFF_KAFKA_URL"
        raise InvalidSettings(message)
    sent = 0
    with home_database(settings) as engine:
        for letters in _pages(engine) if everything else [_named(engine, numbers or [])]:
            asyncio.run(_send(settings.kafka_url, letters))
            with engine.begin() as connection:
                ids = [letter.id for letter in letters]
                mark_retried(connection, ids, now_ms=time.time_ns() // 1_000_000)
            sent += len(letters)
    typer.echo(f"Sent {sent} again")


def _pages(engine: Engine) -> Iterator[Sequence[StoredDeadLetter]]:
    """All that wait now; what dies again meanwhile is newer, and waits for the next time."""
    last: int | None = None
    while True:
        with engine.connect() as connection:
            letters = list_dead_letters(connection, before_id=last, limit=_PAGE)
        if not letters:
            return
        yield letters
        last = letters[-1].id


def _named(engine: Engine, numbers: Sequence[int]) -> Sequence[StoredDeadLetter]:
    with engine.connect() as connection:
        found = {number: get_dead_letter(connection, number) for number in numbers}
    if missing := [str(number) for number, letter in found.items() if letter is None]:
        message = f"no dead letter {', '.join(missing)}; see `doorstaff deadletter list`"
        raise DoorstaffError(message)
    return [letter for letter in found.values() if letter is not None]


async def _send(bootstrap: str, letters: Sequence[StoredDeadLetter]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    try:
        await producer.start()
        sent = [
            await producer.send(
                stored.letter.topic,
                value=stored.letter.value,
                key=stored.letter.key,
                headers=[(RETRY, b"1")],
            )
            for stored in letters
        ]
        await asyncio.gather(*sent)
    except KafkaError as error:
        message = f"Kafka at {bootstrap}: {error or type(error).__name__}"
        raise ServiceUnavailable(message) from None
    finally:
        await producer.stop()
