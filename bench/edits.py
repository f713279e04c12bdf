"""Find edited stretches of works, and nothing in videos that hold none.

Videos of several kinds become references. Stretches of each are edited in more than thirty ways at
two strengths, in combinations of two, and spliced into long uploads, then screened against all the
references at once; drawn videos of the same kinds, and the works themselves with their reference
taken out, must match nothing. vPDQ's rule and ``videohash`` do the same work beside it.

Uploads come in rounds and answers are kept in the cache, so a run that is broken off, or that
``--minutes`` ends, says something about all edits, and the next one goes on where it was.

    python -m bench.edits --videos DIR --cache DIR [--quick] [--minutes N] [--docs PAGE]
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path

import cv2
from sqlalchemy import create_engine

from bench.answer import Answers, Row, screening_code
from bench.edit import SINGLE, pairs
from bench.edit_page import EditRun, write_page
from bench.edit_tally import PAIRS, SPLICED, Tally
from bench.edited import Upload, Work, edited, spliced, strangers, works
from bench.rate import PEERS_PYTHON
from bench.rival import TRIES, Rival, Vpdq, has_video_hash, video_hash
from contracts.ids import ReferenceId
from contracts.screening import Match
from doorstaff.library import add_reference
from media_screening.errors import ReferenceUnknown
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome, Screener
from store.reference import ReferenceStore
from store.schema import metadata

QUICK_WORKS = ("intel-car", "mdn-friday", "bigbuckbunny", "rocket", "slides 11", "cartoon 11")
SPARE_SEED = "12"
"""Drawn works of this seed are references like others, but are not edited: what there is to find
in them, those of the first seed tell."""

LONG_UPLOADS, LONG_STRETCHES, LONG_STRANGERS = 12, 3, 3
VIDEOHASH_EACH = 10
"""``videohash`` runs ffmpeg a dozen times for each file: it is asked about every tenth."""

TOLD_EVERY = 20

Making = Callable[[], Upload]


def planned(
    sources: Sequence[Work], others: Sequence[Work], folder: Path, *, pair_count: int, thin: bool
) -> list[tuple[str, Making]]:
    """Each work in all edits, or, if thin, each edit at one of its strengths.

    They come in rounds, each of all edits with another work for each, so that a part of them says
    something about every edit.

    Returns:
        Of each upload the group, and what makes it.
    """
    made: list[tuple[int, str, Making]] = []
    making: Making
    for number, work in enumerate(sources):
        beside = others[number % len(others)]
        for at, edit in enumerate(SINGLE):
            if not thin or edit.strength == (at // 2 + number) % 2 + 1:
                making = partial(edited, work, edit, beside, folder, group=edit.label)
                made.append(((at + number) % len(sources), edit.label, making))
        for at, edit in enumerate(pairs(pair_count, seed=number)):
            making = partial(edited, work, edit, beside, folder, group=PAIRS)
            made.append(((at + number) % len(sources), PAIRS, making))
    chance = random.Random(5)
    whole = [making for _, group, making in made if not group.startswith("pieces")]
    for at in range(LONG_UPLOADS // 4 if thin else LONG_UPLOADS):
        parts: list[Work | Making] = [*chance.sample(others, LONG_STRANGERS)]
        for making in chance.sample(whole, LONG_STRETCHES):
            parts.insert(chance.randrange(len(parts) + 1), making)
        made.append((at % len(sources), SPLICED, partial(_splice, parts, folder)))
    chance.shuffle(made)
    made.sort(key=itemgetter(0))
    return [(group, making) for _, group, making in made]


def _splice(parts: Sequence[Work | Making], folder: Path) -> Upload:
    return spliced([part if isinstance(part, Work) else part() for part in parts], folder)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The references, those who are asked about uploads, and what they have answered before.

    Attributes:
        code: The state of the code that is measured.
        older: Whether answers of an earlier state of the code stand.
    """

    works: Sequence[Work]
    screener: Screener
    library: ReferenceLibrary
    rivals: Mapping[str, Rival]
    answers: Answers
    code: str
    older: bool

    def screen(self, path: Path, *, without: str = "") -> Row:
        """Screen a file, unless it was; ``without`` names a work whose reference is left out."""
        who = f"doorstaff without {without}" if without else "doorstaff"
        kept = self.answers.find(who, path.name, code=None if self.older else self.code)
        if kept is not None:
            return kept
        if without:
            self.library.set_enabled(ReferenceId(without), enabled=False)
        began = cpu_s()
        outcome = self.screener.screen(path)
        for _ in range(TRIES - 1):
            if outcome.passing:  # a busy machine let ffmpeg wait too long
                outcome = self.screener.screen(path)
        row = self.answers.keep(who, path.name, code=self.code, **_told(outcome, cpu_s() - began))
        if without:
            self.library.set_enabled(ReferenceId(without), enabled=True)
        return row

    def ask(self, rival: str, path: Path) -> set[str]:
        """The works that a rival calls the same as this file."""
        ours = self._hashes(rival, path)
        asked = self.rivals[rival]
        return {
            work.name for work in self.works if asked.are_same(ours, self._hashes(rival, work.path))
        }

    def _hashes(self, rival: str, path: Path) -> list[str]:
        """What a rival keeps of a file: its code does not change."""
        kept = self.answers.find(rival, path.name, code=None)
        if kept is None:
            hashes = self.rivals[rival].hashes(path)
            kept = self.answers.keep(rival, path.name, code="", hashes=hashes)
        return list(kept["hashes"])


def _told(outcome: Outcome, spent_s: float) -> Row:
    stages: dict[str, float] = {}
    for stage in outcome.stages:
        stages[stage.name] = stages.get(stage.name, 0.0) + stage.elapsed_s
    return {
        "status": outcome.status,
        "reason": outcome.reason,
        "matches": [asdict(match) for match in outcome.matches],
        "cpu_s": round(spent_s, 3),
        "stages": stages,
    }


def cpu_s() -> float:
    """What this process and those it has waited for have spent, in seconds of one core."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


@contextmanager
def opened(sources: Sequence[Work], folder: Path, *, older: bool, peers: bool) -> Iterator[Bench]:
    """Make the references, or take those that this state of the code has made."""
    code = screening_code()
    engine = create_engine(f"sqlite:///{folder / f'references-{code}.db'}")
    metadata.create_all(engine)
    store = ReferenceStore(engine)
    library = ReferenceLibrary(store)
    for work in sources:
        try:
            library.set_enabled(ReferenceId(work.name), enabled=True)
        except ReferenceUnknown:
            add_reference(library, work.path, title=work.name, reference_id=work.name, listen=False)
    rivals: dict[str, Rival] = {"vPDQ": Vpdq()}
    with video_hash(PEERS_PYTHON) if peers else nullcontext() as hasher:
        if hasher is not None:
            rivals["videohash"] = hasher
        yield Bench(
            works=sources,
            screener=Screener(library),
            library=library,
            rivals=rivals,
            answers=Answers(folder / "answers.jsonl"),
            code=code,
            older=older,
        )
    engine.dispose()


def measure(
    bench: Bench, plans: Sequence[tuple[str, Making]], run: EditRun, *, until: float
) -> None:
    """Screen the uploads one after another, until that moment (``time.monotonic``)."""
    began = time.monotonic()
    for number, (group, making) in enumerate(plans, start=1):
        if time.monotonic() > until:
            break
        before_s = cpu_s()
        upload = making()
        run.spent("making uploads", cpu_s() - before_s)
        answer = bench.screen(upload.path)
        run.spent("screening", answer["cpu_s"])
        for stage, elapsed_s in answer["stages"].items():
            run.stages[stage] = run.stages.get(stage, 0.0) + elapsed_s
        run.older += answer["code"] != bench.code
        tally = run.tallies.setdefault(group, Tally())
        matches = tuple(Match(**match) for match in answer["matches"])
        for told in tally.judge(upload, matches, cpu_s=answer["cpu_s"]):
            run.tell(f"{upload.group}: {upload.name}: {upload.path.name}: {told}")
        before_s = cpu_s()
        for rival in bench.rivals:
            if rival == "vPDQ" or number % VIDEOHASH_EACH == 0 or group == SPLICED:
                tally.judge_rival(rival, upload, bench.ask(rival, upload.path))
        run.spent("rivals", cpu_s() - before_s)
        if number % TOLD_EVERY == 0 or number == len(plans):
            left_s = (time.monotonic() - began) / number * (len(plans) - number)
            run.show_progress(number, len(plans), left_s)


def measure_empty(
    bench: Bench, others: Sequence[Work], sources: Sequence[Work], run: EditRun
) -> None:
    """Videos that hold none of the works, and works of which the reference is left out."""
    for work in (*others, *sources):
        answer = bench.screen(work.path, without="" if work in others else work.name)
        run.older += answer["code"] != bench.code
        run.empty += 1
        for rival in bench.rivals:
            false = bool(bench.ask(rival, work.path) - {work.name})
            run.empty_false[rival] = run.empty_false.get(rival, 0) + false
        run.empty_false["Doorstaff"] = run.empty_false.get("Doorstaff", 0) + (
            answer["status"] != "clean"
        )
        if answer["status"] != "clean":
            run.tell(
                f"FALSE in {work.name}: {answer['status']} {answer['reason']} {answer['matches']}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of source videos")
    parser.add_argument("--cache", type=Path, required=True, help="where made videos are kept")
    parser.add_argument("--pairs", type=int, default=12, help="combinations of two, a work")
    parser.add_argument("--quick", action="store_true", help="some works, each edit once")
    parser.add_argument("--only", default="", help="groups whose name holds this")
    parser.add_argument("--minutes", type=float, default=600, help="end after so many, with a part")
    parser.add_argument("--older", action="store_true", help="take answers of older code too")
    parser.add_argument("--verbose", action="store_true", help="tell each upload that went wrong")
    parser.add_argument("--docs", type=Path, help="Markdown file to write the figures to")
    arguments = parser.parse_args()
    until = time.monotonic() + 60 * arguments.minutes
    cv2.setNumThreads(1)
    folder = arguments.cache
    folder.mkdir(parents=True, exist_ok=True)
    sources, others = works(arguments.videos, folder), strangers(folder)
    tried = [
        work
        for work in sources
        if (work.name in QUICK_WORKS if arguments.quick else not work.name.endswith(SPARE_SEED))
    ]
    plans = [
        plan
        for plan in planned(
            tried,
            others,
            folder,
            pair_count=4 if arguments.quick else arguments.pairs,
            thin=arguments.quick,
        )
        if arguments.only in plan[0]
    ]
    run = EditRun(
        works=tried, references=len(sources), planned=len(plans), verbose=arguments.verbose
    )
    peers = has_video_hash(PEERS_PYTHON)
    if not peers:
        print("videohash is left out: it is not in the peers' environment (make bench makes that)")
    with opened(sources, folder, older=arguments.older, peers=peers) as bench:
        measure_empty(bench, others, sources, run)
        measure(bench, plans, run, until=until)
    write_page(run, arguments.docs)
    return 1 if run.false else 0


if __name__ == "__main__":
    raise SystemExit(main())
