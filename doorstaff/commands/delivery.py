"""``doorstaff delivery``: see which alerts a sink did not get, and owe them anew."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from contracts.event import from_epoch_ms
from doorstaff.database import home_database
from doorstaff.settings import load_settings
from store.delivery import list_failed, requeue_failed

app = typer.Typer(no_args_is_help=True, help="Alerts that a sink did not get, with reasons.")

_PAGE = 500


@app.command("list")
def list_deliveries() -> None:
    """List failed deliveries, the last given up first: when, sink, alert, attempts, reason."""
    with home_database(load_settings()) as engine, engine.connect() as connection:
        failed = list_failed(connection, limit=_PAGE + 1)
    for one in failed[:_PAGE]:
        typer.echo(
            f"{from_epoch_ms(one.finished_at_ms):%Y-%m-%d %H:%M:%S} {one.sink:8}"
            f" {one.alert_id} revision {one.revision}, {one.attempts} attempts: {one.error}"
        )
    if len(failed) > _PAGE:
        typer.echo(f"These are the last {_PAGE}; there are more")
    if not failed:
        typer.echo("No failed deliveries")


@app.command()
def retry(
    sink: Annotated[str | None, typer.Option(help="Only those to this sink.")] = None,
) -> None:
    """Owe failed deliveries anew, with all their attempts; running workers deliver them."""
    with home_database(load_settings()) as engine, engine.begin() as connection:
        requeued = requeue_failed(connection, now_ms=time.time_ns() // 1_000_000, sink=sink)
    typer.echo(f"Owed {requeued} anew" if requeued else "No failed deliveries")
