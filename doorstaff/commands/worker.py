"""``doorstaff worker``: one process of the stream."""

from __future__ import annotations

import typer

from doorstaff.interpreter import run_promptly
from doorstaff.logging import configure_logging
from doorstaff.settings import load_settings
from doorstaff.worker import run_worker


def worker() -> None:
    """Score events from Kafka until stopped; start as many as there are cores."""
    settings = load_settings()
    configure_logging(settings.log_level)
    run_promptly(run_worker(settings, ready=lambda: typer.echo("Worker ready", err=True)))
