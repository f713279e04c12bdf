"""``doorstaff worker``: one process of the stream."""

from __future__ import annotations

import asyncio

import typer

from doorstaff.logging import configure_logging
from doorstaff.settings import load_settings
from doorstaff.worker import run_worker


def worker() -> None:
    """Score events from Kafka until stopped; start as many as there are cores."""
    settings = load_settings()
    configure_logging(settings.log_level)
    asyncio.run(run_worker(settings, ready=lambda: typer.echo("Worker ready", err=True)))
