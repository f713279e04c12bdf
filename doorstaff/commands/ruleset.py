"""``doorstaff ruleset``: check, compare, publish."""

from __future__ import annotations

import difflib
import getpass
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from contracts.ruleset import default_ruleset, default_ruleset_text, read_ruleset
from doorstaff.database import home_database
from doorstaff.errors import DoorstaffError
from doorstaff.settings import load_settings
from store.errors import VersionTaken
from store.ruleset import live_ruleset, publish_ruleset, ruleset_history

app = typer.Typer(no_args_is_help=True, help="The thresholds, points, lists and modes in force.")

RulesetFile = Annotated[Path, typer.Argument(help="Ruleset in YAML.", exists=True)]


@app.command()
def check(file: RulesetFile) -> None:
    """Say whether a ruleset can be used; each problem with its line."""
    rules = read_ruleset(file)
    modes = Counter(
        [rule.mode for rule in rules.velocity] + [rule.mode for rule in rules.signals.values()]
    )
    told = ", ".join(f"{modes[mode]} {mode}" for mode in ("live", "shadow", "off"))
    typer.echo(f"{file}: version {rules.version}; rules: {told}")
    for code in sorted(rules.signals.keys() - default_ruleset().signals.keys()):
        typer.echo(f"{file}: signals.{code}: no detector of this version finds that", err=True)


@app.command()
def diff(file: RulesetFile) -> None:
    """Show what a file would change in the live ruleset."""
    read_ruleset(file)
    with home_database(load_settings()) as engine, engine.connect() as connection:
        live = live_ruleset(connection)
    name, text = (live.version, live.text) if live else ("default", default_ruleset_text())
    lines = difflib.unified_diff(
        text.splitlines(),
        file.read_text("utf-8").splitlines(),
        f"live {name}",
        str(file),
        lineterm="",
    )
    typer.echo("\n".join(lines) or "No difference")


@app.command()
def publish(
    file: RulesetFile, note: Annotated[str, typer.Option(help="What changed, and why.")] = ""
) -> None:
    """Make a ruleset the live one; workers take it at their next start."""
    rules = read_ruleset(file)
    text = file.read_text("utf-8")
    try:
        with home_database(load_settings()) as engine, engine.begin() as connection:
            publish_ruleset(
                connection,
                version=rules.version,
                text=text,
                published_by=getpass.getuser(),
                note=note,
                now_ms=time.time_ns() // 1_000_000,
            )
    except VersionTaken as error:
        raise DoorstaffError(str(error)) from None
    typer.echo(f"Published {rules.version}: workers take it at their next start")


@app.command()
def history() -> None:
    """List published rulesets, the newest first."""
    with home_database(load_settings()) as engine, engine.connect() as connection:
        published = ruleset_history(connection)
    for one in published:
        typer.echo(
            f"{one.published_at:%Y-%m-%d %H:%M} {one.version:24} {one.published_by}: {one.note}"
        )
    if not published:
        typer.echo("None published: the ruleset that ships is live")
