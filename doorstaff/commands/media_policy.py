"""`doorstaff media policy`: when a match with a reference counts, and for what."""

from __future__ import annotations

import dataclasses
import getpass
import re
from typing import Annotated, get_args

import typer

from contracts.ids import ACTIONS, AccountId, ReferenceId
from contracts.match_policy import Evidence, MatchPolicy
from contracts.wire import encode
from doorstaff.commands.media_reference import ReferenceArgument, fail
from doorstaff.library import open_store
from doorstaff.settings import load_settings
from store.clock import SystemClock
from store.policy import PolicyRecord, PolicyStore

app = typer.Typer(no_args_is_help=True, help="When a match counts, and for what, by reference.")

_COUNTRY = re.compile(r"[A-Z]{2}")


@app.command("show")
def show(reference_id: ReferenceArgument) -> None:
    """Show the policy of a reference as JSON, with who set it."""
    with open_store(load_settings()) as store:
        if store.get(ReferenceId(reference_id)) is None:
            fail(f"there is no reference {reference_id}")
        record = PolicyStore(store.engine).all().get(ReferenceId(reference_id))
    typer.echo(encode(record or {"reference_id": reference_id, "policy": MatchPolicy()}))


@app.command("set")
def set_policy(
    reference_id: ReferenceArgument,
    *,
    min_seconds: Annotated[
        float | None, typer.Option(min=0, help="Least matched seconds of the upload.")
    ] = None,
    min_upload_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least share of the upload, 0 to 1.")
    ] = None,
    min_reference_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least share of the work, 0 to 1.")
    ] = None,
    evidence: Annotated[
        str | None, typer.Option(help="What must match: picture, sound, either or both.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="What is asked for: allow, review or hold.")
    ] = None,
    territory: Annotated[
        list[str] | None,
        typer.Option(help="A country it holds for, such as DE; repeat it. '' for everywhere."),
    ] = None,
    allow_account: Annotated[
        list[str] | None,
        typer.Option(help="An account that may show it; repeat it. '' for none."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who sets it; you, if not given.")] = "",
) -> None:
    """Change what is given, and keep the rest as it was; workers follow within a second."""
    _one_of("--evidence", evidence, get_args(Evidence))
    _one_of("--action", action, ACTIONS)
    countries = None if territory is None else tuple(one.upper() for one in territory if one)
    for one in countries or ():
        if not _COUNTRY.fullmatch(one):
            message = f"{one!r} is no country code of two letters"
            raise typer.BadParameter(message, param_hint="--territory")
    accounts = (
        None if allow_account is None else tuple(AccountId(one) for one in allow_account if one)
    )
    given = {
        "min_seconds": min_seconds,
        "min_upload_share": min_upload_share,
        "min_reference_share": min_reference_share,
        "evidence": evidence,
        "action": action,
        "territories": countries,
        "allowed_accounts": accounts,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    with open_store(load_settings()) as store:
        policies = PolicyStore(store.engine)
        before = policies.all().get(ReferenceId(reference_id))
        policy = dataclasses.replace(
            before.policy if before else MatchPolicy(),
            **changed,  # type: ignore[arg-type] # checked above
        )
        record = PolicyRecord(
            reference_id=ReferenceId(reference_id),
            policy=policy,
            changed_at_ms=SystemClock().now_ms(),
            changed_by=by or getpass.getuser(),
        )
        if not policies.set(record):
            fail(f"there is no reference {reference_id}")
    typer.echo(encode(record))


def _one_of(option: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        message = f"{value!r} must be one of {', '.join(known)}"
        raise typer.BadParameter(message, param_hint=option)
