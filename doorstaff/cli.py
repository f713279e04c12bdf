"""``doorstaff``: every command, and how its errors are told."""

from __future__ import annotations

import sys

import typer

from contracts.errors import ContractError
from doorstaff.commands import media
from doorstaff.commands.console import console
from doorstaff.commands.deadletter import app as deadletter
from doorstaff.commands.delivery import app as delivery
from doorstaff.commands.demo import demo
from doorstaff.commands.doctor import doctor
from doorstaff.commands.lists import app as lists
from doorstaff.commands.model import app as model
from doorstaff.commands.replay import replay
from doorstaff.commands.ruleset import app as ruleset
from doorstaff.commands.send import send
from doorstaff.commands.tune import tune
from doorstaff.commands.up import up
from doorstaff.commands.worker import worker
from doorstaff.errors import DoorstaffError
from doorstaff.logging import quiet_logging
from media_screening.errors import MediaScreeningError
from store.errors import StoreError
from streams.errors import StreamError
from tuning.errors import TuningError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The door staff of an event platform: signups scored, uploads screened.",
)
app.command()(demo)
app.command()(up)
app.command()(worker)
app.add_typer(media.app, name="media")
app.command()(console)
app.command()(send)
app.command()(replay)
app.command()(tune)
app.add_typer(ruleset, name="ruleset")
app.add_typer(lists, name="lists")
app.add_typer(model, name="model")
app.add_typer(deadletter, name="deadletter")
app.add_typer(delivery, name="delivery")
app.command()(doctor)


TOLD = (DoorstaffError, ContractError, MediaScreeningError, StoreError, StreamError, TuningError)
"""Errors whose message is for people."""


def main() -> None:
    """Run a command; tell what went wrong in a line or two, and exit with 1."""
    quiet_logging()
    try:
        app()
    except TOLD as error:
        typer.echo(f"doorstaff: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
