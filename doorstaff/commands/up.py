"""``doorstaff up``: everything on this machine."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from doorstaff.embedded.child import free_port
from doorstaff.embedded.services import KEPT, Services
from doorstaff.errors import ServiceUnavailable
from doorstaff.fleet import Fleet
from doorstaff.running import running_file, tell_running
from doorstaff.settings import Settings, load_settings


def up(
    workers: Annotated[int, typer.Option(min=1, help="Stream workers.")] = 1,
    media_workers: Annotated[int, typer.Option(min=0, help="Media workers; 0 for one a core.")] = 0,
) -> None:
    """Run the broker, Redis, workers, media workers and the console here, until Ctrl-C.

    Services that are configured (DOORSTAFF_KAFKA_URL, DOORSTAFF_REDIS_URL, DATABASE_URL) are used;
    the others are started on free loopback ports and stopped with it.
    """
    settings = with_console_port(load_settings())
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    with Services(settings) as services:
        if services.embedded:
            typer.echo(KEPT)
        home = Path(services.environment()["DOORSTAFF_HOME"])
        tell_running(services.settings)
        try:
            fleet = Fleet(services, show_alerts=True)
            for _ in range(workers):
                fleet.start("worker")
            for _ in range(media_workers or os.cpu_count() or 1):
                fleet.start("media", "worker")
            fleet.start("console")
            typer.echo(f"Kafka    {services.settings.kafka_url}")
            typer.echo(f"Redis    {services.settings.redis_url}")
            typer.echo(f"Console  {services.settings.resolved_console_url}")
            typer.echo(f"Logs     {home / 'logs'}")
            fleet.wait_ready(stop=stop)
            if not stop.is_set():
                typer.echo("Ready. Send events with `doorstaff send FILE.jsonl`; Ctrl-C stops all.")
            while not stop.wait(0.5):
                fleet.keep_up()
                if dead := [
                    child for child in services.dead() if child.name.startswith("embedded")
                ]:
                    message = f"{dead[0].name} ended: {dead[0].last_words()}"
                    raise ServiceUnavailable(message)
        finally:
            running_file(services.settings.home).unlink(missing_ok=True)
    typer.echo("Stopped")


def with_console_port(settings: Settings) -> Settings:
    """Settings with a free port for the console where any would do.

    Every child has to know it before the console runs: workers write it into alerts' links.
    """
    if settings.console_port:
        return settings
    return settings.model_copy(update={"console_port": free_port()})
