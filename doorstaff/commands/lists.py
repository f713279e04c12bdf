"""``doorstaff lists``: the names that detectors go by, shown and brought up to date."""

from __future__ import annotations

import getpass
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from detectors.lists import PACKAGED, bundled, bundled_names, bundled_text, names_in
from doorstaff.database import home_database
from doorstaff.errors import DoorstaffError
from doorstaff.knowledge import check_names, read_text
from doorstaff.settings import load_settings
from store.knowledge import KnownText, all_knowledge, forget_knowledge, keep_knowledge

app = typer.Typer(no_args_is_help=True, help="The lists of names that detectors go by.")

_ORIGIN = re.compile(r"Origin: .*?Date: [0-9]{4}-[0-9]{2}-[0-9]{2}")

Name = Annotated[str, typer.Argument(help="Name of a list, as `lists show` gives it.")]


@app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(help="Name of a list; all of them if not given.")
    ] = None,
) -> None:
    """Show what lists there are and whence they come, or what one of them holds."""
    with home_database(load_settings()) as engine, engine.connect() as connection:
        kept = {one.name: one for one in all_knowledge(connection)}
    if name is not None:
        typer.echo(_text(_known(name), kept.get(name)).rstrip("\n"))
        return
    for one in bundled_names():
        newer = kept.get(one)
        count = len(names_in(newer.body) if newer else bundled(one))
        whence = f"updated {newer.updated_at:%Y-%m-%d %H:%M} by {newer.updated_by}" if newer else ""
        typer.echo(f"{one:26} {count:7,}  {whence or _origin(one)}")


@app.command()
def update(
    file: Annotated[Path, typer.Argument(help="Names, one a line; # begins a comment.")],
    name: Annotated[
        str | None,
        typer.Option("--list", help="Which list it is; if not given, the file is called so."),
    ] = None,
) -> None:
    """Put a file in the place of a list; it says what comes and what goes.

    Workers take it at their next start. What the ruleset's `lists:` adds stays added.
    """
    name = _known(name or file.stem)
    text = read_text(file)
    names = check_names(name, text, file=str(file))
    with home_database(load_settings()) as engine, engine.begin() as connection:
        kept = {one.name: one for one in all_knowledge(connection)}
        before = names_in(kept[name].body) if name in kept else bundled(name)
        keep_knowledge(
            connection,
            name=name,
            body=text,
            now_ms=time.time_ns() // 1_000_000,
            updated_by=getpass.getuser(),
        )
    typer.echo(
        f"{name}: {len(names):,} names, {len(names - before):,} new, {len(before - names):,} gone;"
        " workers take it at their next start"
    )


@app.command()
def reset(name: Name) -> None:
    """Go back to the list that ships."""
    with home_database(load_settings()) as engine, engine.begin() as connection:
        gone = forget_knowledge(connection, name=_known(name))
    told = "is the one that ships again" if gone else "was the one that ships"
    typer.echo(f"{name} {told}")


def _known(name: str) -> str:
    if name not in bundled_names():
        message = f"there is no list {name!r}; there are {', '.join(bundled_names())}"
        raise DoorstaffError(message)
    return name


def _text(name: str, newer: KnownText | None) -> str:
    if newer is not None:
        return newer.body
    return "\n".join(sorted(bundled(name))) if name == PACKAGED else bundled_text(name)


def _origin(name: str) -> str:
    """What a bundled list's first lines say of where it is from, and of when."""
    if name == PACKAGED:
        return "Origin: the package disposable-email-domains, as it is installed."
    lines = [line.strip("# ") for line in bundled_text(name).splitlines() if line[:1] == "#"]
    told = _ORIGIN.search(" ".join(lines))
    return told[0] if told else ""
