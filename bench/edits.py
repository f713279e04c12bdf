"""Find edited stretches of works, and nothing in videos that hold none.

Videos of several kinds become references. Stretches of each are edited in more than thirty ways at
two strengths, in combinations of two, and spliced into long uploads, then screened against all the
references at once; drawn videos of the same kinds, and the works themselves with their reference
taken out, must match nothing. vPDQ's rule does the same work beside it.

    python -m bench.edits --videos DIR --cache DIR [--quick] [--pairs N]
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine

from bench.edit import SINGLE, pairs
from bench.edited import Truth, Upload, Work, edited, spliced, strangers, works
from bench.rival import Vpdq, vpdq_frames
from contracts.ids import ReferenceId
from contracts.screening import Match
from doorstaff.library import add_reference
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Screener
from store.reference import ReferenceStore
from store.schema import metadata

TOLERANCE_S = 1.0
QUICK_WORKS = ("intel-car", "mdn-friday", "bigbuckbunny", "rocket", "slides 11", "cartoon 11")


@dataclass(kw_only=True)
class Tally:
    """What came of the uploads of one group."""

    uploads: int = 0
    found: int = 0
    rival: int = 0
    truths: int = 0
    stretches: int = 0
    exact: int = 0
    strange: int = 0
    cpu_s: float = 0.0
    missed: list[str] = field(default_factory=list)


def judge(tally: Tally, upload: Upload, matches: tuple[Match, ...]) -> list[str]:
    """Count an upload; say what was wrong with it."""
    told = []
    hits = [best_match(truth, matches) for truth in upload.truths]
    tally.uploads += 1
    tally.truths += len(hits)
    tally.found += any(hits)
    wanted = {truth.work for truth in upload.truths}
    tally.strange += any(match.reference_id not in wanted for match in matches)
    told += [f"FALSE {match}" for match in matches if match.reference_id not in wanted]
    for truth, match in zip(upload.truths, hits, strict=True):
        if match is None:
            told.append(f"missed {truth.work} {truth.upload_start_s:.1f}-{truth.upload_end_s:.1f}")
            continue
        errors = ends(truth, match)
        tally.stretches += 1
        exact = max(map(abs, errors)) <= TOLERANCE_S
        tally.exact += exact
        if not exact:
            told.append(f"ends {truth.work} " + " ".join(f"{error:+.2f}" for error in errors))
    return told


def best_match(truth: Truth, matches: Iterable[Match]) -> Match | None:
    """The match of this work whose seconds, on both sides, are nearest to the truth's."""
    overlapping = [
        match
        for match in matches
        if match.reference_id == truth.work
        and match.upload_start_s < truth.upload_end_s
        and match.upload_end_s > truth.upload_start_s
        and match.reference_start_s < truth.reference_end_s
        and match.reference_end_s > truth.reference_start_s
    ]
    return min(overlapping, key=lambda match: max(map(abs, ends(truth, match))), default=None)


def ends(truth: Truth, match: Match) -> tuple[float, float, float, float]:
    return (
        match.upload_start_s - truth.upload_start_s,
        match.upload_end_s - truth.upload_end_s,
        match.reference_start_s - truth.reference_start_s,
        match.reference_end_s - truth.reference_end_s,
    )


def uploads(
    sources: list[Work], others: list[Work], folder: Path, *, pair_count: int, thin: bool
) -> list[Upload]:
    """Each work in all edits; if thin, each edit at one of its strengths."""
    made: list[Upload] = []
    for number, work in enumerate(sources):
        beside = others[number % len(others)]
        for at, edit in enumerate(SINGLE):
            if not thin or edit.strength == (at // 2 + number) % 2 + 1:
                made.append(edited(work, edit, beside, folder, group=edit.label))
        for edit in pairs(pair_count, seed=number):
            made.append(edited(work, edit, beside, folder, group="pairs"))
    chance = random.Random(5)
    for _ in range(max(2, len(sources) // 2)):
        parts: list[Upload | Work] = [*chance.sample(others, 3)]
        for upload in chance.sample([one for one in made if len(one.truths) == 1], 2):
            parts.insert(chance.randrange(1, len(parts)), upload)
        made.append(spliced(parts, folder))
    return made


def show(tallies: dict[str, Tally], console: Console) -> None:
    table = Table(
        "edit", "uploads", "found", "vPDQ", "stretches", "ends ±1 s", "false", "CPU s each"
    )
    for name, tally in tallies.items():
        table.add_row(
            name, str(tally.uploads), f"{tally.found / tally.uploads:.0%}",
            f"{tally.rival / tally.uploads:.0%}", f"{tally.stretches}/{tally.truths}",
            f"{tally.exact}", str(tally.strange), f"{tally.cpu_s / tally.uploads:.2f}",
        )  # fmt: skip
    console.print(table)
    for title, names in (
        ("single edits", [name for name in tallies if name not in {"pairs", "spliced"}]),
        ("pairs of edits", ["pairs"]),
        ("spliced", ["spliced"]),
    ):
        chosen = [tallies[name] for name in names if name in tallies]
        total = sum(tally.uploads for tally in chosen) or 1
        stretches = sum(tally.stretches for tally in chosen)
        console.print(
            f"{title}: found {sum(tally.found for tally in chosen)} of {total}"
            f" ({sum(tally.found for tally in chosen) / total:.1%}), vPDQ's rule"
            f" {sum(tally.rival for tally in chosen) / total:.1%}; stretches"
            f" {stretches} of {sum(tally.truths for tally in chosen)}, both ends within"
            f" {TOLERANCE_S:g} s {sum(tally.exact for tally in chosen) / (stretches or 1):.1%};"
            f" false {sum(tally.strange for tally in chosen)}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of source videos")
    parser.add_argument("--cache", type=Path, required=True, help="where made videos are kept")
    parser.add_argument("--pairs", type=int, default=14, help="combinations of two, a work")
    parser.add_argument("--quick", action="store_true", help="some works only")
    parser.add_argument("--only", default="", help="groups whose name holds this")
    parser.add_argument("--no-rival", action="store_true", help="leave vPDQ's rule out")
    parser.add_argument("--verbose", action="store_true", help="tell each upload that went wrong")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    console = Console(width=130)
    folder = arguments.cache
    folder.mkdir(parents=True, exist_ok=True)
    sources, others = works(arguments.videos, folder), strangers(folder)
    tried = [work for work in sources if not arguments.quick or work.name in QUICK_WORKS]

    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    library = ReferenceLibrary(ReferenceStore(engine))
    for work in sources:
        add_reference(library, work.path, title=work.name, reference_id=work.name, listen=False)
    screener = Screener(library)
    rival = Vpdq(known={work.name: vpdq_frames(work.path) for work in sources})

    made = uploads(
        tried,
        others,
        folder,
        pair_count=4 if arguments.quick else arguments.pairs,
        thin=arguments.quick,
    )
    tallies: dict[str, Tally] = defaultdict(Tally)
    for upload in made:
        if arguments.only not in upload.group:
            continue
        tally = tallies[upload.group]
        began = time.process_time()
        outcome = screener.screen(upload.path)
        tally.cpu_s += time.process_time() - began
        if not arguments.no_rival:
            tally.rival += bool(
                rival.matches(upload.path) & {truth.work for truth in upload.truths}
            )
        for told in judge(tally, upload, outcome.matches):
            if arguments.verbose:
                console.print(f"{upload.group}: {upload.path.name}: {told}", soft_wrap=True)
    show(tallies, console)

    false = 0
    for work in others:
        outcome = screener.screen(work.path)
        false += outcome.status != "clean"
        if outcome.status != "clean":
            console.print(f"FALSE {work.name}: {outcome.matches}", soft_wrap=True)
    for work in sources:
        library.set_enabled(ReferenceId(work.name), enabled=False)
        outcome = screener.screen(work.path)
        false += outcome.status != "clean"
        if outcome.status != "clean":
            console.print(f"FALSE {work.name}: {outcome.matches}", soft_wrap=True)
        library.set_enabled(ReferenceId(work.name), enabled=True)
    console.print(f"videos that hold no work: {len(others) + len(sources)}; false: {false}")
    return 1 if false else 0


if __name__ == "__main__":
    raise SystemExit(main())
