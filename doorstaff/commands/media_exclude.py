"""`doorstaff media exclude`: what is no evidence of a work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.ids import ReferenceId
from doorstaff.commands.media_reference import ReferenceArgument, fail
from doorstaff.commands.progress import advance, progress_bars
from doorstaff.library import open_store, screening_limits
from doorstaff.settings import load_settings
from media_screening.errors import MediaScreeningError
from media_screening.fingerprinting.fingerprint import ALGORITHM
from media_screening.reading import UPLOAD_FRAMES_PER_SECOND, fingerprint_file
from store.clock import SystemClock
from store.exclusion import ExclusionStore

app = typer.Typer(
    no_args_is_help=True, help="What is no evidence: seconds of a work, shared pictures."
)

NumberArgument = Annotated[int, typer.Argument(help="Its number; see `list`.")]


@app.command("seconds")
def exclude_seconds(
    reference_id: ReferenceArgument,
    start_s: Annotated[float, typer.Argument(min=0, help="First second.")],
    end_s: Annotated[float, typer.Argument(min=0, help="The second after the last.")],
    reason: Annotated[str, typer.Option(help="Why, for those who come after you.")] = "",
) -> None:
    """Leave seconds of a reference out: a studio's logo, a clip from elsewhere."""
    if end_s <= start_s:
        message = f"{end_s:g} is not after {start_s:g}"
        raise typer.BadParameter(message, param_hint="END_S")
    with open_store(load_settings()) as store:
        number = ExclusionStore(store.engine).add_interval(
            ReferenceId(reference_id),
            start_s=start_s,
            end_s=end_s,
            reason=reason,
            at_ms=SystemClock().now_ms(),
        )
    if number is None:
        fail(f"there is no reference {reference_id}")
    typer.echo(number)


@app.command("pictures")
def exclude_pictures(
    file: Annotated[Path, typer.Argument(help="A video of nothing else: an intro, a slate.")],
    title: Annotated[str, typer.Option(help="What it is.")],
    reference: Annotated[
        str | None, typer.Option(help="No evidence of this reference; of any, if not given.")
    ] = None,
) -> None:
    """Let the pictures of a video be no evidence."""
    settings = load_settings()
    try:
        with progress_bars() as bars:
            fingerprint, cut = fingerprint_file(
                file,
                frames_per_second=UPLOAD_FRAMES_PER_SECOND,
                limits=screening_limits(settings),
                progress=advance(bars, file),
            )
    except MediaScreeningError as error:
        fail(f"{file}: {error.reason}")
    if cut is not None:
        fail(f"{file}: {cut.reason}")
    if not len(fingerprint):
        fail(f"{file}: every frame of it is flat, and flat frames are no evidence anyway")
    with open_store(settings) as store:
        number = ExclusionStore(store.engine).add_negative(
            reference_id=None if reference is None else ReferenceId(reference),
            title=title,
            algorithm=ALGORITHM,
            frames=fingerprint.pack(),
            at_ms=SystemClock().now_ms(),
        )
    if number is None:
        fail(f"there is no reference {reference}")
    typer.echo(number)


@app.command("list")
def list_excluded() -> None:
    """List what is excluded: seconds first, then pictures."""
    with open_store(load_settings()) as store:
        excluded = ExclusionStore(store.engine)
        for one in excluded.intervals():
            reason = f": {one.reason}" if one.reason else ""
            typer.echo(
                f"seconds {one.id} {one.reference_id} {one.start_s:g} to {one.end_s:g}{reason}"
            )
        for picture in excluded.negatives():
            whose = picture.reference_id or "any reference"
            typer.echo(f"pictures {picture.id} {whose}: {picture.title}")


@app.command("remove-seconds")
def remove_seconds(number: NumberArgument) -> None:
    """Let seconds of a reference count again."""
    with open_store(load_settings()) as store:
        if not ExclusionStore(store.engine).remove_interval(number, at_ms=SystemClock().now_ms()):
            fail(f"there are no excluded seconds {number}")


@app.command("remove-pictures")
def remove_pictures(number: NumberArgument) -> None:
    """Let pictures count again."""
    with open_store(load_settings()) as store:
        if not ExclusionStore(store.engine).remove_negative(number, at_ms=SystemClock().now_ms()):
            fail(f"there are no excluded pictures {number}")
