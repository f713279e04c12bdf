"""``doorstaff replay``: recorded traffic through the scorer, without a broker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from doorstaff.console_output import progress
from doorstaff.errors import DoorstaffError
from doorstaff.interpreter import calm_collector
from doorstaff.knowledge import choose_knowledge
from doorstaff.ruleset import choose_ruleset
from doorstaff.settings import load_settings
from tuning.recording import Progress, open_recording
from tuning.replay import Replay, Summary


def replay(
    file: Annotated[Path, typer.Argument(help="Events, one JSON object a line.", exists=True)],
    ruleset: Annotated[
        Path | None,
        typer.Option(
            help="Ruleset file; if not given, what a worker would take: DOORSTAFF_RULESET, else the"
            " newest published one, else the one that ships."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Text model that `tune --fit` wrote, in place of the one in force."),
    ] = None,
    verdicts: Annotated[Path | None, typer.Option(help="Write verdicts here, JSON lines.")] = None,
    alerts: Annotated[Path | None, typer.Option(help="Write alerts here, JSON lines.")] = None,
) -> None:
    """Fold recorded events through the scorer, in the order they happened; end with a summary.

    Broken lines are counted, told and left out. Uploads are not screened.
    """
    if not file.is_file():
        message = "FILE is read twice, in two orders: a pipe or a folder will not do"
        raise typer.BadParameter(message)
    for name, out in (("--verdicts", verdicts), ("--alerts", alerts)):
        if out is not None and out.resolve() == file.resolve():
            message = f"{name} would overwrite the events"
            raise typer.BadParameter(message)
    if verdicts is not None and alerts is not None and verdicts.resolve() == alerts.resolve():
        message = "--verdicts and --alerts name the same file"
        raise typer.BadParameter(message)
    calm_collector()
    settings = load_settings()
    rules, whence = choose_ruleset(settings, named=ruleset)
    knowledge = choose_knowledge(settings, model=model)
    try:
        with ExitStack() as stack:
            run = Replay(
                rules,
                verdicts=stack.enter_context(verdicts.open("wb")) if verdicts else None,
                alerts=stack.enter_context(alerts.open("wb")) if alerts else None,
                console_url=settings.resolved_console_url,
                knowledge=knowledge,
            )
            with progress("Ordering", file.stat().st_size) as advance:
                recording = open_recording(file, to_places(advance))
            with progress("Replaying", recording.size) as advance:
                summary = run.run(recording, to_places(advance))
    except OSError as error:
        message = f"{error.filename or 'cannot write'}: {error.strerror}"
        raise DoorstaffError(message) from None
    _tell(summary, f"{rules.version} ({whence})")


def to_places(advance: Callable[[int], None]) -> Progress:
    """A bar that is moved by steps, moved to places."""
    done = 0

    def moved(now: int, _whole: int) -> None:
        nonlocal done
        advance(now - done)
        done = now

    return moved


def _tell(summary: Summary, ruleset: str) -> None:
    events = ", ".join(f"{count:,} {kind}s" for kind, count in sorted(summary.events.items()))
    alerts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(summary.alerts.items()))
    accounts = summary.accounts
    typer.echo(f"Ruleset   {ruleset}")
    typer.echo(
        f"Events    {events or 'none'} in {summary.elapsed_s:.1f} s"
        f" ({summary.events_per_second:,.0f}/s)"
    )
    typer.echo(
        f"Lines     {summary.unordered:,} out of order (put in order),"
        f" {summary.broken:,} broken (left out), {summary.repeated:,} repeated (dropped)"
    )
    for problem in summary.problems:
        typer.echo(f"          {problem}")
    if summary.broken > len(summary.problems):
        typer.echo(f"          and {summary.broken - len(summary.problems):,} more")
    typer.echo(
        f"Accounts  {accounts['allow']:,} allowed, {accounts['review']:,} for review,"
        f" {accounts['hold']:,} held ({summary.verdicts:,} verdicts)"
    )
    typer.echo(f"Alerts    {alerts or 'none'}")
    if summary.events["upload"]:
        typer.echo("Uploads   not screened: a replay reads no video")
