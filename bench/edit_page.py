"""What the bench of edits measured, as a page of the documentation with a chart."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.edit import SINGLE
from bench.edit_tally import PAIRS, SPLICED, TOLERANCE_S, Tally, together
from bench.edited import Work
from bench.note import Note
from bench.rate import PEERS_PYTHON

ASKED = {"single edits": 0.95, "pairs of edits": 0.85, "ends": 0.95}
RIVALS = ("vPDQ", "videohash")
CHART = Path("docs/images/edits.png")


@dataclass(kw_only=True)
class EditRun:
    """All that is counted.

    Attributes:
        works: Those that were edited.
        references: How many works the uploads are held against.
        planned: How many uploads there are; a run may end before it has screened them all.
        tallies: For each edit at a strength, pairs and long uploads, what came of them.
        older: Answers that an earlier state of the code gave.
        empty: Videos that hold none of the works.
        empty_false: In how many of these each of those asked found one.
        cost_s: What each part of the run cost, in seconds of one core.
        stages: Seconds that screenings spent in each stage, by the clock.
    """

    works: Sequence[Work]
    references: int
    planned: int
    verbose: bool = False
    tallies: dict[str, Tally] = field(default_factory=dict)
    older: int = 0
    empty: int = 0
    empty_false: dict[str, int] = field(default_factory=dict)
    cost_s: dict[str, float] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)

    def spent(self, part: str, spent_s: float) -> None:
        """Count what a part cost."""
        self.cost_s[part] = self.cost_s.get(part, 0.0) + spent_s

    def tell(self, text: str) -> None:
        """Say what went wrong, if anybody wants to know."""
        if self.verbose:
            print(text, flush=True)

    def show_progress(self, done: int, whole: int, left_s: float) -> None:
        """Say how far it is, and how it looks."""
        total = together(self.tallies.values())
        print(
            f"{done}/{whole} uploads, {total.found / total.uploads:.1%} found, {total.false} false,"
            f" {total.cpu_s / total.uploads:.2f} s of CPU each, some {left_s / 60:.0f} min left",
            flush=True,
        )

    @property
    def singles(self) -> Tally:
        """All single edits together."""
        return together(self.tallies[edit.label] for edit in SINGLE if edit.label in self.tallies)

    @property
    def false(self) -> int:
        """Videos in which a work was found that is not in them."""
        return together(self.tallies.values()).false + self.empty_false.get("Doorstaff", 0)


def write_page(run: EditRun, page: Path | None) -> None:
    """Print what was measured; with ``page`` write it, and draw the chart."""
    note = Note("Edits", command="python -m bench.edits")
    total = together(run.tallies.values())
    kinds = sorted({work.kind for work in run.works})
    note.say(
        f"{len(run.works)} works of {len(kinds)} kinds ({', '.join(kinds)}) were edited in"
        f" {len({edit.name for edit in SINGLE})} ways at two strengths each, in combinations of"
        f" two, and spliced into long uploads between other videos; each upload is held against"
        f" {run.references} references. Of {run.planned} uploads planned, {total.uploads} were"
        f" screened"
        + (f", {run.older} of them by an earlier state of the code." if run.older else ".")
    )
    note.table(("asked", "measured", ""), _asked(run))
    if page is not None:
        _draw(run)
        note.say(f"![Share of uploads found, by edit](../images/{CHART.name})")
    note.say(
        "An upload is found if a stretch of the right work overlaps the true one on both sides."
        " vPDQ's rule (a frame a second, 31 bits, 80 % of either side's frames) and `videohash`"
        " (within 10 of 64 bits; asked about every tenth upload) only say which work it is, and"
        " have no seconds to be wrong about."
    )
    note.table(
        ("edit", "uploads", "found", *RIVALS, "stretches", f"all ends ±{TOLERANCE_S:g} s", "false",
         "CPU s each"),
        [*_rows(run), _row("**all**", total)],
    )  # fmt: skip
    note.say(
        f"In {run.empty} videos that hold none of the works (drawn ones of the same kinds, and the"
        f" works themselves with their reference taken out) something was found in: "
        + ", ".join(f"{name} {count}" for name, count in run.empty_false.items())
        + f". Matches of the right work at seconds that are none of the upload's stretches:"
        f" {total.astray}."
    )
    whole_s = sum(run.stages.values()) or 1.0
    note.say(
        "Seconds of one core: "
        + ", ".join(f"{part} {spent_s:,.0f}" for part, spent_s in run.cost_s.items())
        + ". Of the time of a screening by the clock, "
        + ", ".join(
            f"{name} {spent_s / whole_s:.0%}"
            for name, spent_s in sorted(run.stages.items(), key=lambda item: -item[1])
        )
        + "."
    )
    note.write(page)


def _asked(run: EditRun) -> list[tuple[str, str, str]]:
    pairs = run.tallies.get(PAIRS, Tally())
    long = run.tallies.get(SPLICED, Tally())
    total = together(run.tallies.values())
    ends = (total.exact, total.stretches)
    return [
        _figure("single edits found, 95 %", run.singles.found, run.singles.uploads, 0.95),
        _figure("pairs of edits found, 85 %", pairs.found, pairs.uploads, 0.85),
        _figure(f"all four ends within {TOLERANCE_S:g} s, 95 % of those found", *ends, 0.95),
        (
            "no false match",
            f"{run.false} of {total.uploads + run.empty} videos",
            _mark(not run.false),
        ),
        ("stretches of long uploads found", _share(long.stretches, long.truths), ""),
        ("of these all four ends within 1 s", _share(long.exact, long.stretches), ""),
    ]


def _figure(name: str, part: int, whole: int, asked: float) -> tuple[str, str, str]:
    return name, _share(part, whole), _mark(bool(whole) and part / whole >= asked)


def _mark(reached: bool) -> str:
    return "reached" if reached else "**not reached**"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "none"


def _rows(run: EditRun) -> list[tuple[str, ...]]:
    known = [edit.label for edit in SINGLE] + [PAIRS, SPLICED]
    return [_row(name, run.tallies[name]) for name in known if name in run.tallies]


def _row(name: str, tally: Tally) -> tuple[str, ...]:
    rivals = [tally.rivals.get(rival, (0, 0)) for rival in RIVALS]
    return (
        name, str(tally.uploads), f"{tally.found / max(1, tally.uploads):.0%}",
        *(f"{right / asked:.0%}" if asked else "" for asked, right in rivals),
        f"{tally.stretches} of {tally.truths}", str(tally.exact), str(tally.false),
        f"{tally.cpu_s / max(1, tally.uploads):.1f}",
    )  # fmt: skip


def _draw(run: EditRun) -> None:
    """Let the Python of the bench's peers draw, which has matplotlib."""
    names = list(dict.fromkeys(edit.name for edit in SINGLE))
    bars = [
        (name, together(run.tallies[f"{name} {n}"] for n in (1, 2) if f"{name} {n}" in run.tallies))
        for name in names
    ]
    bars += [(name, run.tallies[name]) for name in (PAIRS, SPLICED) if name in run.tallies]
    rows = [
        {
            "name": name,
            "Doorstaff": tally.found / tally.uploads,
            "vPDQ": tally.rivals["vPDQ"][1] / tally.rivals["vPDQ"][0],
        }
        for name, tally in bars
        if tally.uploads
    ]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "edits.json"
        results.write_text(json.dumps(rows), encoding="utf-8")
        subprocess.run(
            [PEERS_PYTHON, Path(__file__).parent / "edit_plot.py", results, CHART], check=True
        )
