from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import Engine, select

from contracts.dead_letter import DeadLetter
from contracts.event import Upload, parse_event
from contracts.screening import Screening, ScreeningJob
from media_screening.decoding.child import run
from media_screening.decoding.source import Source, SourceLimits
from media_screening.errors import DecoderFailed, WorkerStuck
from media_screening.fingerprinting.fingerprint import ALGORITHM, Fingerprint
from media_screening.queue import ScreeningQueue
from media_screening.reading import Progress
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome, Screener
from media_screening.worker import MediaWorker, WorkerRule
from store.reference import ReferenceStore
from store.schema import upload_fingerprints, upload_stills
from store.upload import UploadStore
from tests.integration.media_screening.test_queue import job
from tests.unit.media_screening.conftest import add

RULE = WorkerRule(
    max_attempts=3,
    timeout_seconds=20,
    grace_seconds=0,
    retry_seconds=0.02,
    claim_wait_seconds=0.05,
    drain_seconds=0.2,
    refresh_seconds=0.1,
    trouble_seconds=0.05,
)


@dataclass
class Bench:
    """A worker on a real queue; what it says is kept."""

    queue: ScreeningQueue
    worker: MediaWorker
    screenings: list[Screening] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    fail_publishing: int = 0

    async def until(self, met: Callable[[], bool], *, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not met():
                await asyncio.sleep(0.01)


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
def make(redis: Redis, library: ReferenceLibrary, store: ReferenceStore, folder: Path) -> Make:
    async def build(
        *, screener: Screener | None = None, rule: WorkerRule = RULE, lease_seconds: float = 0.5
    ) -> Bench:
        queue = ScreeningQueue(redis, consumer="worker", lease_seconds=lease_seconds)
        await queue.open()

        async def publish(screening: Screening) -> None:
            if bench.fail_publishing:
                bench.fail_publishing -= 1
                raise ConnectionError
            bench.screenings.append(screening)

        async def dead_letter(letter: DeadLetter) -> None:
            bench.letters.append(letter)

        worker = MediaWorker(
            queue=queue,
            library=library,
            screener=screener or Screener(library),
            source=Source(SourceLimits(folder=folder)),
            publish=publish,
            dead_letter=dead_letter,
            dead_letter_topic="doorstaff.uploads",
            rule=rule,
            keep_uploads=UploadStore(store.engine),
        )
        bench = Bench(queue=queue, worker=worker)
        return bench

    return build


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(bench.worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def test_uploads_are_screened_and_their_fingerprints_kept(
    make: Make,
    films: dict[str, Path],
    library: ReferenceLibrary,
    engine: Engine,
    folder: Path,
) -> None:
    reference_id = add(library, films["work"], "The work")
    for name, film in (("a", "work"), ("b", "other")):
        (folder / f"{name}.mp4").write_bytes(films[film].read_bytes())
    (folder / "c.mp4").write_text("no video")
    bench = await make()
    async with running(bench):
        for name in "abcd":
            await bench.queue.add(_job(name))
        await bench.until(lambda: len(bench.screenings) == 4 and bool(bench.letters))
        assert bench.worker.ready
    by_name = {str(screening.upload_id): screening for screening in bench.screenings}
    assert [by_name[name].status for name in "abcd"] == ["match", "clean", "rejected", "error"]
    assert by_name["a"].matches[0].reference_id == reference_id
    assert by_name["c"].reason == "a text file, not a video"
    assert by_name["d"].reason == "no such file"
    assert by_name["a"].event_id == "event-a"
    assert by_name["a"].elapsed_s > 0
    assert await bench.queue.length() == 0
    (letter,) = bench.letters  # nobody knows what "d" shows: it can be sent again
    assert letter.reason == "no such file"
    assert await bench.queue.add(_job("d"))
    with engine.connect() as connection:
        kept = connection.execute(
            select(upload_fingerprints).order_by(upload_fingerprints.c.upload_id)
        ).all()
        sketches = connection.execute(select(upload_stills.c.rows, upload_stills.c.hashes)).all()
    assert [(record.upload_id, record.algorithm) for record in kept] == [
        ("a", ALGORITHM),
        ("b", ALGORITHM),
    ]
    assert len(Fingerprint.unpack(kept[0].frames)) > 50
    assert len(sketches) == 2
    assert all(10 < rows == len(hashes) / 32 for rows, hashes in sketches)


async def test_a_crashing_screening_is_tried_again_then_put_aside(
    make: Make, library: ReferenceLibrary, folder: Path, films: dict[str, Path]
) -> None:
    class Crashing(Screener):
        tries = 0

        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            if path.name == "bad.mp4":
                self.tries += 1
                raise ZeroDivisionError
            return super().screen(path, progress=progress)

    for name in ("bad", "good"):
        (folder / f"{name}.mp4").write_bytes(films["other"].read_bytes())
    screener = Crashing(library)
    bench = await make(screener=screener)
    async with running(bench):
        await bench.queue.add(_job("bad"))
        await bench.queue.add(_job("good"))
        await bench.until(lambda: bool(bench.letters) and len(bench.screenings) == 2)
    assert screener.tries == 3
    statuses = {screening.upload_id: screening.status for screening in bench.screenings}
    assert statuses == {"bad": "error", "good": "clean"}
    (letter,) = bench.letters
    assert letter.reason == "the screener crashed: ZeroDivisionError (tried 3 times)"
    assert (letter.topic, letter.partition, letter.key) == ("doorstaff.uploads", -1, b"acc-1")
    event = parse_event(letter.value)
    assert isinstance(event, Upload)
    assert (event.event_id, event.uri) == ("event-bad", "bad.mp4")
    assert await bench.queue.add(_job("bad"))


async def test_a_hang_costs_one_job(make: Make, library: ReferenceLibrary, folder: Path) -> None:
    forever = threading.Event()

    class Hanging(Screener):
        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            if path.name == "hang.mp4":
                forever.wait()
            return Outcome(status="clean")

    rule = replace(RULE, timeout_seconds=0.1, max_attempts=2)
    bench = await make(screener=Hanging(library), rule=rule)
    try:
        async with running(bench):
            await bench.queue.add(_job("hang"))
            await bench.queue.add(_job("fine"))
            await bench.until(lambda: bool(bench.letters) and len(bench.screenings) == 2)
    finally:
        forever.set()
    assert bench.letters[0].reason == "screening took longer than 0.1 s (tried 2 times)"


async def test_a_worker_with_too_many_hangs_gives_up_on_itself(
    make: Make, library: ReferenceLibrary
) -> None:
    forever = threading.Event()

    class Hanging(Screener):
        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            forever.wait()
            return Outcome(status="clean")

    rule = replace(RULE, timeout_seconds=0.1, max_attempts=1, max_stuck=3)
    bench = await make(screener=Hanging(library), rule=rule)
    try:
        for name in "abcd":
            await bench.queue.add(_job(name))
        with pytest.raises(WorkerStuck):
            await asyncio.wait_for(bench.worker.run(asyncio.Event()), 20)
    finally:
        forever.set()
    assert len(bench.letters) == 3
    assert await bench.queue.length() == 1  # the fourth is for the next worker
    assert not bench.worker.ready


async def test_a_crash_of_the_decoder_costs_one_job(
    make: Make, library: ReferenceLibrary, folder: Path, films: dict[str, Path]
) -> None:
    """A crash by signal, in a true child behind the fences."""

    class Crashing(Screener):
        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            if path.name != "bad.mp4":
                return super().screen(path, progress=progress)
            code = "import ctypes; ctypes.string_at(0)"
            command = [os.path.realpath(sys.executable), "-I", "-S", "-c", code]
            try:
                run(command, reads=[Path(sysconfig.get_path("stdlib"))])
            except DecoderFailed as error:
                return Outcome(status="error", reason=error.reason, passing=error.passing)
            raise AssertionError

    for name in ("bad", "good"):
        (folder / f"{name}.mp4").write_bytes(films["other"].read_bytes())
    bench = await make(screener=Crashing(library))
    async with running(bench):
        for name in ("bad", "good"):
            await bench.queue.add(_job(name))
        await bench.until(lambda: bool(bench.letters) and len(bench.screenings) == 2)
    assert bench.letters[0].reason == "ffmpeg crashed: SIGSEGV (tried 3 times)"
    assert {str(s.upload_id): s.status for s in bench.screenings} == {
        "bad": "error",
        "good": "clean",
    }


async def test_a_long_screening_keeps_its_lease(
    make: Make, redis: Redis, library: ReferenceLibrary
) -> None:
    begun = threading.Event()

    class Slow(Screener):
        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            begun.set()
            time.sleep(4.0)
            return Outcome(status="clean")

    bench = await make(screener=Slow(library), lease_seconds=1.5)
    other = ScreeningQueue(redis, consumer="other", lease_seconds=1.5)
    async with running(bench):
        await bench.queue.add(_job("slow"))
        await bench.until(begun.is_set)
        while not bench.screenings:
            assert await other.claim(wait_seconds=0.02) is None
    assert len(bench.screenings) == 1


async def test_when_the_broker_is_away_the_job_is_kept_and_no_attempt_lost(
    make: Make, library: ReferenceLibrary
) -> None:
    class Clean(Screener):
        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            return Outcome(status="clean")

    bench = await make(screener=Clean(library))
    bench.fail_publishing = 5
    async with running(bench):
        await bench.queue.add(_job("x"))
        await bench.until(lambda: bool(bench.screenings))
    assert (len(bench.screenings), bench.letters, bench.fail_publishing) == (1, [], 0)


async def test_what_is_no_job_is_put_aside(make: Make, redis: Redis) -> None:
    bench = await make()
    await redis.xadd("doorstaff.screening-jobs", {"job": b"{not json"})
    await redis.xadd("doorstaff.screening-jobs", {"something": "else"})
    async with running(bench):
        await bench.until(lambda: len(bench.letters) == 2)
    assert {letter.reason for letter in bench.letters} == {"not a screening job"}
    assert {letter.value for letter in bench.letters} == {b"{not json", b""}
    assert len({letter.offset for letter in bench.letters}) == 2


async def test_stopping_gives_an_unfinished_job_back(
    make: Make, redis: Redis, library: ReferenceLibrary
) -> None:
    forever = threading.Event()

    class Hanging(Screener):
        def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
            forever.wait()
            return Outcome(status="clean")

    bench = await make(screener=Hanging(library))
    async with running(bench):
        await bench.queue.add(_job("x"))
        await asyncio.sleep(0.3)
    forever.set()
    other = ScreeningQueue(redis, consumer="other", lease_seconds=0.5)
    claim = await other.claim(wait_seconds=0.05)
    assert claim is not None
    assert claim.attempt == 1
    assert bench.screenings == []


HOLD = """
import asyncio, sys
from redis.asyncio import Redis
from media_screening.queue import ScreeningQueue

async def hold():
    queue = ScreeningQueue(Redis.from_url(sys.argv[1]), consumer="killed", lease_seconds=0.5)
    claim = await queue.claim(wait_seconds=5)
    print(claim.job.upload_id, flush=True)
    while True:
        await asyncio.sleep(0.1)
        await queue.renew(claim)

asyncio.run(hold())
"""


async def test_a_killed_workers_job_is_screened_by_another(
    make: Make, valkey_url: str, folder: Path, films: dict[str, Path]
) -> None:
    (folder / "x.mp4").write_bytes(films["other"].read_bytes())
    bench = await make()
    await bench.queue.add(_job("x"))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, valkey_url], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        assert line == b"x\n"
        async with running(bench):
            await asyncio.sleep(1.0)
            assert bench.screenings == []  # it lives, and renews its lease
            process.send_signal(signal.SIGKILL)
            process.wait()
            await bench.until(lambda: bool(bench.screenings))
    assert bench.screenings[0].status == "clean"


def _job(name: str) -> ScreeningJob:
    return replace(job(name), uri=f"{name}.mp4")
