"""A thousand uploads, half of them hostile, through one media worker: what it holds at the end.

Jobs are drawn from the hostile corpus (`tests/hostile`) and from ordinary clips, put on a real
queue (Valkey), and screened by the worker's own code, ffmpeg behind its fences and all. After each
job the worker's memory, open files, threads and children are read. Every upload has to end as its
table says, and nothing may grow. Ctrl-C ends it early, and what was measured by then is told.

    python -m bench.hostile [--jobs N] [--seed N] [--workshop FOLDER] [--plot FILE.png]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine

from contracts.dead_letter import DeadLetter
from contracts.ids import AccountId, EventId, UploadId
from contracts.screening import Screening, ScreeningJob
from doorstaff.embedded.valkey import start_valkey
from media_screening.decoding.child import broken_fences
from media_screening.decoding.source import Source, SourceLimits
from media_screening.queue import ScreeningQueue
from media_screening.reading import (
    REFERENCE_FRAMES_PER_SECOND,
    Progress,
    ScreeningLimits,
    fingerprint_file,
)
from media_screening.reference import ReferenceLibrary, sha256_of
from media_screening.screening import Outcome, Screener
from media_screening.worker import MediaWorker, WorkerRule
from store.reference import ReferenceStore
from store.schema import metadata
from store.upload import UploadStore
from tests.hostile.case import Case, Forge
from tests.hostile.corpus import CASES
from tests.unit.media_screening.footage import film

MIB = 1 << 20
WARM_UP_SHARE = 0.2
"""Of the jobs, before growth is measured: caches fill, and the allocator finds its size."""

ORDINARY = tuple(
    Case(name=f"ordinary-{seed}.mp4", make=lambda _: "", status="clean") for seed in (2, 3, 4)
)
RULE = WorkerRule(max_attempts=2, timeout_seconds=600, retry_seconds=0.05, claim_wait_seconds=0.05)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What the worker's process held after a job."""

    memory_bytes: int
    handles: int
    threads: int
    children: int


@dataclass(kw_only=True)
class Run:
    """What came of the jobs, in their order."""

    samples: list[Sample] = field(default_factory=list)
    screenings: dict[str, Screening] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class ByCase(Screener):
    """The real screener, with less patience for those that would take for ever."""

    def __init__(self, library: ReferenceLibrary) -> None:
        super().__init__(library, limits=ScreeningLimits(timeout_seconds=600, decode_threads=1))
        self._hasty = {
            case.name: Screener(library, limits=ScreeningLimits(timeout_seconds=1))
            for case in CASES
            if case.timeout_seconds <= 1
        }

    def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
        hasty = self._hasty.get(path.name)
        if hasty is not None:
            return hasty.screen(path, progress=progress)
        return super().screen(path, progress=progress)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workshop", type=Path, help="keep here what was encoded, for another run")
    parser.add_argument("--plot", type=Path, help="draw memory and handles over the jobs here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        workshop = arguments.workshop or root / "workshop"
        for folder in (root / "uploads", root / "valkey", workshop):
            folder.mkdir(exist_ok=True)
        forge = Forge(root / "uploads", workshop)
        uris = {case.name: case.make(forge) for case in CASES}
        for case in ORDINARY:
            seed = int(case.name[9:-4])
            film(forge.uploads / case.name, seed=seed, seconds=6)
            uris[case.name] = case.name
        drawn = draw(arguments.jobs, random.Random(arguments.seed))
        run = asyncio.run(measure(forge, root, [(case, uris[case.name]) for case in drawn]))
    if arguments.plot:
        plot(run, arguments.plot)
    return report(run, drawn)


def draw(jobs: int, chance: random.Random) -> list[Case]:
    """Each hostile file once if there are jobs enough, then one or the other by chance."""
    rest = [
        chance.choice(CASES if chance.random() < 0.5 else ORDINARY)
        for _ in range(max(0, jobs - len(CASES)))
    ]
    drawn = [*CASES, *rest][:jobs]
    chance.shuffle(drawn)
    return drawn


async def measure(forge: Forge, root: Path, drawn: list[tuple[Case, str]]) -> Run:
    engine = create_engine(f"sqlite:///{root / 'bench.db'}")
    metadata.create_all(engine)
    store = ReferenceStore(engine)
    library = ReferenceLibrary(store)
    work, _ = fingerprint_file(
        forge.work, frames_per_second=REFERENCE_FRAMES_PER_SECOND, limits=ScreeningLimits()
    )
    library.add(work, title="The work", sha256=sha256_of(forge.work))
    server, address = start_valkey(root / "valkey")
    run = Run()
    own = psutil.Process()
    try:
        redis = Redis.from_url(address)
        queue = ScreeningQueue(redis, consumer="bench", lease_seconds=600)
        await queue.open()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

        async def publish(screening: Screening) -> None:
            run.screenings[str(screening.event_id)] = screening
            run.samples.append(sample(own))
            if len(run.samples) == len(drawn):
                stop.set()

        async def dead_letter(letter: DeadLetter) -> None:
            run.letters.append(letter)

        worker = MediaWorker(
            queue=queue,
            library=library,
            screener=ByCase(library),
            source=Source(SourceLimits(folder=forge.uploads)),
            publish=publish,
            dead_letter=dead_letter,
            dead_letter_topic="doorstaff.uploads",
            rule=RULE,
            keep_uploads=UploadStore(store.engine),
        )
        for place, (_, uri) in enumerate(drawn):
            await queue.add(job(place, uri))
        began, cpu = time.monotonic(), cpu_seconds()
        await worker.run(stop)
        run.seconds, run.cpu_seconds = time.monotonic() - began, cpu_seconds() - cpu
        await redis.aclose()
    finally:
        server.stop()
        engine.dispose()
    return run


def job(number: int, uri: str) -> ScreeningJob:
    return ScreeningJob(
        event_id=EventId(f"job-{number}"),
        account_id=AccountId("bench"),
        upload_id=UploadId(f"upload-{number}"),
        occurred_at=datetime.now(UTC),
        uri=uri,
    )


def sample(own: psutil.Process) -> Sample:
    return Sample(
        memory_bytes=own.memory_info().rss,
        handles=own.num_fds(),
        threads=own.num_threads(),
        children=sum("ffmpeg" in child.name() for child in own.children()),
    )


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def report(run: Run, drawn: list[Case]) -> int:
    console = Console(width=110)
    wrong = [
        f"{case.name}: {screening.status}: {screening.reason}"
        for number, case in enumerate(drawn)
        if (screening := run.screenings.get(f"job-{number}")) is not None
        and not (screening.status == case.status and re.search(case.reason, screening.reason))
    ]
    ends = Counter(screening.status for screening in run.screenings.values())
    warm = run.samples[round(len(run.samples) * WARM_UP_SHARE) :]
    table = Table("", "after the warm-up", "at the end", "most", "growth per 1,000 jobs", box=None)
    for title, unit, values in (
        ("memory", "MiB", [one.memory_bytes / MIB for one in warm]),
        ("open files", "", [one.handles for one in warm]),
        ("threads", "", [one.threads for one in warm]),
        ("ffmpeg processes", "", [one.children for one in warm]),
    ):
        tenth = max(1, len(values) // 10)
        slope = float(np.polyfit(range(len(values)), values, 1)[0]) * 1_000
        table.add_row(
            f"{title} {unit}",
            f"{np.mean(values[:tenth]):,.1f}",
            f"{np.mean(values[-tenth:]):,.1f}",
            f"{max(values):,.1f}",
            f"{slope:+,.2f}",
        )
    console.print(table)
    console.print(
        f"{len(run.samples):,} of {len(drawn):,} jobs, {len(set(drawn)):,} different files,"
        f" in {run.seconds:,.0f} s ({run.cpu_seconds:,.0f} s of CPU);"
        f" ends: {dict(sorted(ends.items()))}; dead letters: {len(run.letters)}"
    )
    console.print(f"fences that do not hold here: {broken_fences() or 'none'}")
    console.print(f"ended otherwise than expected: {len(wrong)}")
    for line in wrong:
        console.print(f"  {line!a}")
    return 1 if wrong else 0


def plot(run: Run, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 -- only who draws needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- as above

    figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(8, 4.5))
    upper.plot([one.memory_bytes / MIB for one in run.samples], color="#0f766e", linewidth=1)
    upper.set_ylabel("memory, MiB")
    upper.set_ylim(bottom=0)
    lower.plot([one.handles for one in run.samples], color="#0f766e", label="open files")
    lower.plot([one.threads for one in run.samples], color="#94a3b8", label="threads")
    lower.set_ylim(bottom=0)
    lower.set_xlabel("uploads screened, half of them hostile")
    lower.legend(frameon=False, ncols=2)
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    raise SystemExit(main())
