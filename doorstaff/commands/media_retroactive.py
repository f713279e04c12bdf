"""`doorstaff media retroactive`: new references held against past uploads."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.event import rfc3339
from contracts.ids import ReferenceId
from contracts.wire import encode
from doorstaff.commands.media_reference import ReferenceArgument, fail
from doorstaff.library import open_store, search_past
from doorstaff.settings import load_settings
from store.clock import SystemClock
from store.retroactive import RetroactiveStore
from store.upload import UploadStore

app = typer.Typer(
    no_args_is_help=True, help="References held against past uploads, by the media workers."
)


@app.command("list")
def list_jobs(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show how far each search has come, the last asked for first."""
    with open_store(load_settings()) as store:
        jobs = RetroactiveStore(store.engine).all()
        if as_json:
            for job in jobs:
                typer.echo(encode(job))
            return
        uploads = UploadStore(store.engine)
        counts = [uploads.count(from_ms=job.from_ms, to_ms=job.to_ms) for job in jobs]
    table = Table("reference", "state", "asked for", "uploads", "show it", "error", box=None)
    for job, count in zip(jobs, counts, strict=True):
        table.add_row(
            escape(job.reference_id),
            job.state,
            rfc3339(job.requested_at_ms),
            f"{job.uploads_done:,} of {max(count, job.uploads_done):,}",
            f"{job.uploads_found:,}",
            escape(job.last_error),
        )
    Console().print(table)


@app.command("start")
def start(
    reference_id: ReferenceArgument,
    days: Annotated[
        float | None,
        typer.Option(min=0, help="How far back; DOORSTAFF_MEDIA_RETROACTIVE_DAYS if not given."),
    ] = None,
) -> None:
    """Hold a reference against past uploads, or do so again; media workers do it."""
    settings = load_settings()
    with open_store(settings) as store:
        if store.get(ReferenceId(reference_id)) is None:
            fail(f"there is no reference {reference_id}")
        days = settings.media_retroactive_days if days is None else days
        search_past(store, ReferenceId(reference_id), days=days)


@app.command("cancel")
def cancel(reference_id: ReferenceArgument) -> None:
    """Stop a search that is not done."""
    with open_store(load_settings()) as store:
        now_ms = SystemClock().now_ms()
        if not RetroactiveStore(store.engine).cancel(ReferenceId(reference_id), now_ms=now_ms):
            fail(f"there is no search for {reference_id} that is not done")
