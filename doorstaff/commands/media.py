"""`doorstaff media`: keep references, screen files, run a media worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from contracts.dead_letter import DeadLetter
from contracts.ids import ReferenceId
from contracts.screening import Match, Screening
from contracts.wire import encode
from doorstaff.database import open_home_database
from doorstaff.errors import ServiceUnavailable
from doorstaff.logging import configure_logging
from doorstaff.monitoring import Monitoring
from doorstaff.redis import open_redis
from doorstaff.settings import Settings, load_settings
from media_screening.errors import MediaScreeningError
from media_screening.queue import ScreeningQueue
from media_screening.reading import ScreeningLimits, read_reference
from media_screening.reference import ReferenceLibrary, sha256_of
from media_screening.screening import Outcome, Screener
from media_screening.source import Source, SourceLimits
from media_screening.worker import MediaWorker, WorkerRule
from store.reference import ReferenceStore

app = typer.Typer(no_args_is_help=True, help="Screen videos against works known to be pirated.")
reference_app = typer.Typer(no_args_is_help=True, help="The works that uploads are held against.")
app.add_typer(reference_app, name="reference")

ReferenceArgument = Annotated[str, typer.Argument(metavar="ID", help="The reference's id.")]
VideoProgress = Callable[[float, float | None], None]


@contextmanager
def open_store(settings: Settings) -> Iterator[ReferenceStore]:
    """The references in SQL, the schema brought up to date."""
    engine = open_home_database(settings)
    try:
        yield ReferenceStore(engine)
    finally:
        engine.dispose()


def screening_limits(settings: Settings, *, decode_threads: int = 0) -> ScreeningLimits:
    """What the settings allow an upload to be and to cost."""
    return ScreeningLimits(
        max_bytes=settings.media_max_bytes,
        max_seconds=settings.media_max_seconds,
        timeout_seconds=settings.media_timeout_seconds,
        decode_threads=decode_threads,
    )


def add_reference(
    library: ReferenceLibrary,
    path: Path,
    *,
    title: str,
    reference_id: str | None = None,
    limits: ScreeningLimits | None = None,
    progress: VideoProgress | None = None,
) -> ReferenceId:
    """Fingerprint a file and keep it as a reference.

    Raises:
        MediaScreeningError: It is not a whole video, none of it can be told from other works, or
            the id is taken.
    """
    reading = read_reference(path, limits=limits or ScreeningLimits(), progress=progress)
    if reading.cut is not None:
        raise reading.cut
    if not len(reading.fingerprint):
        raise MediaScreeningError("every frame of it is flat: nothing to be found by")  # noqa: EM101
    record = library.add(
        reading.fingerprint,
        sketches=reading.sketches,
        title=title,
        sha256=sha256_of(path),
        source=path.name,
        reference_id=ReferenceId(reference_id) if reference_id else None,
    )
    return record.reference_id


@reference_app.command("add")
def reference_add(
    file: Annotated[Path, typer.Argument(help="The work, as a video file.")],
    title: Annotated[str, typer.Option(help="What the work is called.")],
    reference_id: Annotated[
        str | None, typer.Option("--id", help="Its id; derived from the file if not given.")
    ] = None,
) -> None:
    """Add a work to look for."""
    settings = load_settings()
    try:
        with open_store(settings) as store, _progress() as bar:
            added = add_reference(
                ReferenceLibrary(store),
                file,
                title=title,
                reference_id=reference_id,
                limits=screening_limits(settings),
                progress=_advance(bar, file),
            )
    except MediaScreeningError as error:
        _fail(f"{file}: {error.reason}")
    typer.echo(added)


@reference_app.command("list")
def reference_list(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List all references, disabled ones too."""
    with open_store(load_settings()) as store:
        records = store.all()
    if as_json:
        for record in records:
            typer.echo(encode(record))
        return
    table = Table("id", "title", "enabled", "length s", "file", box=None)
    for record in records:
        table.add_row(
            escape(record.reference_id),
            escape(record.title),
            "yes" if record.enabled else "no",
            f"{record.duration_s:.1f}",
            escape(record.source),
        )
    Console().print(table)


@reference_app.command("disable")
def reference_disable(reference_id: ReferenceArgument) -> None:
    """Stop looking for a reference; it is kept."""
    _change(lambda library: library.set_enabled(ReferenceId(reference_id), enabled=False))


@reference_app.command("enable")
def reference_enable(reference_id: ReferenceArgument) -> None:
    """Look for a disabled reference again."""
    _change(lambda library: library.set_enabled(ReferenceId(reference_id), enabled=True))


@reference_app.command("remove")
def reference_remove(reference_id: ReferenceArgument) -> None:
    """Forget a reference and its fingerprint."""
    _change(lambda library: library.remove(ReferenceId(reference_id)))


@app.command("screen")
def screen(
    files: Annotated[list[Path], typer.Argument(help="Videos to screen.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
) -> None:
    """Screen files. Exit 0 if all were screened, 1 if any could not be, 2 on wrong usage."""
    settings = load_settings()
    screened = True
    with open_store(settings) as store, _progress() as bar:
        library = ReferenceLibrary(store)
        library.refresh()
        if not len(library):
            typer.echo("no references to look for: see doorstaff media reference add", err=True)
        screener = Screener(library, limits=screening_limits(settings))
        for file in files:
            outcome = screener.screen(file, progress=_advance(bar, file))
            screened &= outcome.status in {"clean", "match"}
            typer.echo(_json_line(file, outcome) if as_json else _text(file, outcome))
    raise typer.Exit(0 if screened else 1)


@app.command("worker")
def work() -> None:
    """Take uploads off the screening queue until told to stop; run one to a core."""
    settings = load_settings()
    for name, value in (("KAFKA", settings.kafka_url), ("REDIS", settings.redis_url)):
        if not value:
            message = (
                f"DOORSTAFF_{name}_URL is not set: a media worker needs it. `doorstaff up` starts"
                " everything on this machine."
            )
            raise ServiceUnavailable(message)
    configure_logging(settings.log_level)
    asyncio.run(run_worker(settings))


async def run_worker(settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Put a worker together and let it work until SIGTERM, SIGINT or ``stop``.

    Raises:
        ServiceUnavailable: Kafka or Redis does not answer as it starts.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    redis = open_redis(settings.redis_url)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_url, acks="all")
    with open_store(settings) as store:
        worker = make_worker(settings, store=store, redis=redis, producer=producer)
        with Monitoring(settings.host, settings.metrics_port, healthy=lambda: worker.ready):
            try:
                await producer.start()
                await worker.run(stop)
            except KafkaError as error:
                message = f"Kafka at {settings.kafka_url}: {error or type(error).__name__}"
                raise ServiceUnavailable(message) from None
            except RedisError as error:
                message = f"Redis (DOORSTAFF_REDIS_URL) does not answer: {type(error).__name__}"
                raise ServiceUnavailable(message) from None
            finally:
                await producer.stop()
                await redis.aclose()


def make_worker(
    settings: Settings, *, store: ReferenceStore, redis: Redis, producer: AIOKafkaProducer
) -> MediaWorker:
    """A worker that publishes to Kafka."""
    library = ReferenceLibrary(store)

    async def publish(screening: Screening) -> None:
        await producer.send_and_wait(
            f"{settings.topic_prefix}screenings",
            encode(screening),
            key=screening.account_id.encode(),
        )

    async def dead_letter(letter: DeadLetter) -> None:
        await producer.send_and_wait(f"{settings.topic_prefix}dead-letters", encode(letter))

    return MediaWorker(
        queue=ScreeningQueue(
            redis,
            consumer=f"{socket.gethostname()}-{os.getpid()}",
            lease_seconds=settings.media_lease_seconds,
            prefix=settings.topic_prefix,
        ),
        library=library,
        screener=Screener(library, limits=screening_limits(settings, decode_threads=1)),
        source=Source(
            SourceLimits(
                folder=settings.media_folder,
                max_bytes=settings.media_max_bytes,
                timeout_seconds=settings.media_timeout_seconds,
            )
        ),
        publish=publish,
        dead_letter=dead_letter,
        dead_letter_topic=f"{settings.topic_prefix}uploads",
        rule=WorkerRule(
            max_attempts=settings.media_max_attempts,
            timeout_seconds=settings.media_timeout_seconds,
        ),
        keep_uploads=store if settings.media_keep_fingerprints else None,
    )


def _change(change: Callable[[ReferenceLibrary], None]) -> None:
    try:
        with open_store(load_settings()) as store:
            change(ReferenceLibrary(store))
    except MediaScreeningError as error:
        _fail(error.reason)


def _fail(reason: str) -> None:
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(1)


def _progress() -> Progress:
    """A bar a file on a terminal; nothing where standard error is not one."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),
    )


def _advance(bar: Progress, file: Path) -> VideoProgress:
    task = bar.add_task(escape(file.name), total=1.0)

    def advance(done_s: float, whole_s: float | None) -> None:
        bar.update(task, completed=done_s, total=max(whole_s or 0.0, done_s))

    return advance


def _json_line(file: Path, outcome: Outcome) -> str:
    line = {
        "file": str(file),
        "status": outcome.status,
        "reason": outcome.reason,
        "duration_s": outcome.duration_s,
        "elapsed_s": outcome.elapsed_s,
        "matches": [json.loads(encode(match)) for match in outcome.matches],
        "stages": [json.loads(encode(stage)) for stage in outcome.stages],
    }
    # Names may hold bytes that are no text; JSON has an escape for those.
    return json.dumps(line)


def _text(file: Path, outcome: Outcome) -> str:
    reason = f": {outcome.reason}" if outcome.reason else ""
    name = str(file).encode(errors="replace").decode()
    return "\n".join([f"{name}: {outcome.status}{reason}", *map(_told, outcome.matches)])


def _told(match: Match) -> str:
    return (
        f"  {_clock(match.upload_start_s)} to {_clock(match.upload_end_s)} is"
        f" {_clock(match.reference_start_s)} to {_clock(match.reference_end_s)} of"
        f" {match.title} ({match.reference_id}), {match.score:.0%} sure"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:05.2f}"
