"""`doorstaff media reference`: the works that uploads are held against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.ids import ReferenceId
from contracts.wire import encode
from doorstaff.commands.progress import advance, progress_bars
from doorstaff.evidence import evidence_keeper
from doorstaff.library import (
    add_reference,
    open_shelf,
    open_store,
    screening_limits,
    search_past,
)
from doorstaff.settings import load_settings
from media_screening.errors import MediaScreeningError
from media_screening.reference import ReferenceLibrary

app = typer.Typer(no_args_is_help=True, help="The works that uploads are held against.")

ReferenceArgument = Annotated[str, typer.Argument(metavar="ID", help="The reference's id.")]


@app.command("add")
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
        with open_store(settings) as store, progress_bars() as bars:
            added = add_reference(
                open_shelf(store),
                file,
                title=title,
                reference_id=reference_id,
                limits=screening_limits(settings),
                progress=advance(bars, file),
                listen=settings.media_sound != "off",
                evidence=evidence_keeper(settings),
            )
            search_past(store, added, days=settings.media_retroactive_days)
    except MediaScreeningError as error:
        fail(f"{file}: {error.reason}")
    typer.echo(added)


@app.command("list")
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


@app.command("disable")
def reference_disable(reference_id: ReferenceArgument) -> None:
    """Stop looking for a reference; it is kept."""
    _change(
        reference_id, lambda library: library.set_enabled(ReferenceId(reference_id), enabled=False)
    )


@app.command("enable")
def reference_enable(reference_id: ReferenceArgument) -> None:
    """Look for a disabled reference again."""
    _change(
        reference_id, lambda library: library.set_enabled(ReferenceId(reference_id), enabled=True)
    )


@app.command("remove")
def reference_remove(reference_id: ReferenceArgument) -> None:
    """Forget a reference, its fingerprints and its pictures."""
    _change(reference_id, lambda library: library.remove(ReferenceId(reference_id)))
    evidence_keeper(load_settings()).forget_reference(ReferenceId(reference_id))


def _change(reference_id: str, change: Callable[[ReferenceLibrary], None]) -> None:
    try:
        with open_store(load_settings()) as store:
            change(open_shelf(store, reference_id))
    except MediaScreeningError as error:
        fail(error.reason)


def fail(reason: str) -> NoReturn:
    """Say what could not be done, and exit with 1."""
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(1)
