"""`doorstaff media`: screen files, run a media worker, and keep what uploads are held against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from contracts.screening import Match, MatchedBy
from contracts.wire import encode
from doorstaff.commands.media_dispute import app as dispute_app
from doorstaff.commands.media_exchange import export_list, import_list
from doorstaff.commands.media_exclude import app as exclude_app
from doorstaff.commands.media_policy import app as policy_app
from doorstaff.commands.media_reference import app as reference_app
from doorstaff.commands.media_retroactive import app as retroactive_app
from doorstaff.commands.media_worker import work
from doorstaff.commands.progress import advance, progress_bars
from doorstaff.library import index_folder, open_store
from doorstaff.screener import make_screener
from doorstaff.settings import load_settings
from media_screening.judgement import judged
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome
from media_screening.sound.library import SoundLibrary

app = typer.Typer(no_args_is_help=True, help="Screen videos against works known to be pirated.")


@app.command("screen")
def screen(
    files: Annotated[list[Path], typer.Argument(help="Videos to screen.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
) -> None:
    """Screen files. Exit 0 if all were screened, 1 if any could not be, 2 on wrong usage."""
    settings = load_settings()
    screened = True
    with open_store(settings) as store, progress_bars() as bars:
        library = ReferenceLibrary(store, folder=index_folder(settings))
        library.refresh()
        if not len(library):
            typer.echo("no references to look for: see doorstaff media reference add", err=True)
        sounds = SoundLibrary(store)
        sounds.refresh()
        screener = make_screener(settings, library, sounds)
        for file in files:
            found = screener.screen(file, progress=advance(bars, file))
            outcome = judged(found, library)
            screened &= outcome.status in {"clean", "match"}
            typer.echo(_json_line(file, outcome) if as_json else _text(file, outcome))
    raise typer.Exit(0 if screened else 1)


app.command("worker")(work)
reference_app.command("import")(import_list)
reference_app.command("export")(export_list)
app.add_typer(reference_app, name="reference")
app.add_typer(policy_app, name="policy")
app.add_typer(dispute_app, name="dispute")
app.add_typer(exclude_app, name="exclude")
app.add_typer(retroactive_app, name="retroactive")


def _json_line(file: Path, outcome: Outcome) -> str:
    line: dict[str, object] = {
        "file": str(file),
        "status": outcome.status,
        "reason": outcome.reason,
        "duration_s": outcome.duration_s,
        "elapsed_s": outcome.elapsed_s,
        "matches": [json.loads(encode(match)) for match in outcome.matches],
        "stages": [json.loads(encode(stage)) for stage in outcome.stages],
    }
    if outcome.prohibited:  # only ever where it was asked for
        line["prohibited"] = [json.loads(encode(hit)) for hit in outcome.prohibited]
    # Names may hold bytes that are no text; JSON has an escape for those.
    return json.dumps(line)


def _text(file: Path, outcome: Outcome) -> str:
    reason = f": {outcome.reason}" if outcome.reason else ""
    name = str(file).encode(errors="replace").decode()
    looks = [
        f"  {_clock(hit.at_s)} may show {hit.label}, {hit.score:.0%} sure: for a person to judge"
        for hit in outcome.prohibited
    ]
    return "\n".join([f"{name}: {outcome.status}{reason}", *map(_told, outcome.matches), *looks])


def _told(match: Match) -> str:
    return (
        f"  {_clock(match.upload_start_s)} to {_clock(match.upload_end_s)} is"
        f" {_clock(match.reference_start_s)} to {_clock(match.reference_end_s)} of"
        f" {match.title} ({match.reference_id}), {_FOUND_BY[match.by].format(match.score)}"
    )


_FOUND_BY: dict[MatchedBy, str] = {
    "picture": "by the picture, score {:.2f}",
    "sound": "by sound, score {:.2f}",
    "both": "by picture and sound, score {:.2f}",
}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:05.2f}"
