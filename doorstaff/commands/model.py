"""``doorstaff model``: which learned text model is in force."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Annotated

import typer

from detectors.text_model import bundled_model, parse_model, percent
from doorstaff.database import home_database
from doorstaff.knowledge import read_text
from doorstaff.settings import load_settings
from store.knowledge import TEXT_MODEL, all_knowledge, forget_knowledge, keep_knowledge

app = typer.Typer(no_args_is_help=True, help="The learned text model in force.")


@app.command()
def show() -> None:
    """Say which model is in force, what it has learned from, and when it speaks."""
    with home_database(load_settings()) as engine, engine.connect() as connection:
        kept = next((one for one in all_knowledge(connection) if one.name == TEXT_MODEL), None)
    model = bundled_model() if kept is None else parse_model(kept.body)
    whence = (
        "ships with Doorstaff"
        if kept is None
        else f"published {kept.updated_at:%Y-%m-%d %H:%M} by {kept.updated_by}"
    )
    typer.echo(f"{model.name} ({whence})")
    typer.echo(f"learned from {model.trained_on}")
    typer.echo(f"speaks from {percent(model.threshold)} % on")


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(help="What `doorstaff tune --fit` wrote.", exists=True)],
) -> None:
    """Put a model in force; workers take it at their next start."""
    text = read_text(file)
    model = parse_model(text)
    with home_database(load_settings()) as engine, engine.begin() as connection:
        keep_knowledge(
            connection,
            name=TEXT_MODEL,
            body=text,
            now_ms=time.time_ns() // 1_000_000,
            updated_by=getpass.getuser(),
        )
    typer.echo(f"Published {model.name}: workers take it at their next start")


@app.command()
def reset() -> None:
    """Go back to the model that ships."""
    with home_database(load_settings()) as engine, engine.begin() as connection:
        gone = forget_knowledge(connection, name=TEXT_MODEL)
    typer.echo("The model that ships is in force" + (" again" if gone else " already"))
