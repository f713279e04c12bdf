"""`doorstaff media dispute`: objections to matches, and what came of them."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from contracts.event import rfc3339
from contracts.ids import ReferenceId, UploadId
from contracts.match_policy import Dispute, DisputeOutcome
from contracts.wire import encode
from doorstaff.commands.media_reference import ReferenceArgument, fail
from doorstaff.library import open_store
from doorstaff.settings import load_settings
from store.clock import SystemClock
from store.policy import PolicyStore

app = typer.Typer(no_args_is_help=True, help="Objections to matches, and what came of them.")

_OUTCOMES: tuple[DisputeOutcome, ...] = ("upheld", "rejected", "withdrawn")


@app.command("open")
def open_dispute(
    reference_id: ReferenceArgument,
    reason: Annotated[str, typer.Option(help="Why the match is said to be wrong.")],
    upload: Annotated[str, typer.Option(help="The upload's id; '' for the work as a whole.")] = "",
    by: Annotated[str, typer.Option(help="Who objects; you, if not given.")] = "",
) -> None:
    """Record an objection; prints its number."""
    with open_store(load_settings()) as store:
        number = PolicyStore(store.engine).open_dispute(
            ReferenceId(reference_id),
            upload_id=UploadId(upload),
            opened_by=by or getpass.getuser(),
            reason=reason,
            at_ms=SystemClock().now_ms(),
        )
    if number is None:
        fail(f"there is no reference {reference_id}")
    typer.echo(number)


@app.command("close")
def close_dispute(
    number: Annotated[int, typer.Argument(help="The dispute's number.")],
    outcome: Annotated[str, typer.Option(help="What came of it: upheld, rejected, withdrawn.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    by: Annotated[str, typer.Option(help="Who decided; you, if not given.")] = "",
) -> None:
    """Record what came of an objection. If it is upheld, that upload's matches do not count."""
    known = next((one for one in _OUTCOMES if one == outcome), None)
    if known is None:
        message = f"{outcome!r} must be one of {', '.join(_OUTCOMES)}"
        raise typer.BadParameter(message, param_hint="--outcome")
    with open_store(load_settings()) as store:
        closed = PolicyStore(store.engine).close_dispute(
            number,
            outcome=known,
            closed_by=by or getpass.getuser(),
            note=note,
            at_ms=SystemClock().now_ms(),
        )
    if not closed:
        fail(f"there is no open dispute {number}")


@app.command("list")
def list_disputes(
    reference: Annotated[str | None, typer.Option(help="Only of this reference.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List objections, the first ones first."""
    with open_store(load_settings()) as store:
        wanted = ReferenceId(reference) if reference is not None else None
        for dispute in PolicyStore(store.engine).disputes(wanted):
            typer.echo(encode(dispute) if as_json else _told(dispute))


def _told(dispute: Dispute) -> str:
    about = f"upload {dispute.upload_id}" if dispute.upload_id else "the work"
    line = (
        f"{dispute.id} {rfc3339(dispute.opened_at_ms)} {dispute.reference_id}, {about}:"
        f" {dispute.reason} ({dispute.opened_by}); {dispute.outcome}"
    )
    if dispute.closed_at_ms is not None:
        line += f" {rfc3339(dispute.closed_at_ms)} by {dispute.closed_by}"
    return f"{line}: {dispute.note}" if dispute.note else line
