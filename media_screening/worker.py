"""Takes uploads off the queue, screens them, and tells what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog

from contracts.dead_letter import DeadLetter
from contracts.event import epoch_ms
from contracts.screening import Screening, ScreeningJob
from contracts.wire import encode
from media_screening import metrics
from media_screening.decoding.child import broken_fences
from media_screening.decoding.source import Source
from media_screening.errors import (
    Rejected,
    ScreeningFailed,
    SourceUnavailable,
    TimeLimit,
    WorkerStuck,
)
from media_screening.evidence import EvidenceKeeper
from media_screening.fingerprinting.fingerprint import ALGORITHM
from media_screening.fingerprinting.sketch import sketch_of
from media_screening.judgement import judged
from media_screening.queue import Claim, ScreeningQueue
from media_screening.reference import ReferenceLibrary, sha256_of
from media_screening.screening import Outcome, Screener
from media_screening.sound.library import SoundLibrary
from media_screening.sound.sound_fingerprint import SOUND_ALGORITHM
from store.upload import UploadFingerprintRecord, UploadStills, UploadStore

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerRule:
    """How a worker deals with time and failure.

    Attributes:
        timeout_seconds: For one attempt, fetching included. Twice the grace is added before a
            thread that does not end is left behind.
        retry_seconds: Pause before the second attempt; doubled for each one after it.
        drain_seconds: What the job in hand is given to end when the worker is told to stop.
        max_stuck: Threads left behind, and still at work, with which a worker gives up on itself:
            whoever supervises it starts another with a clean memory.
    """

    max_attempts: int = 3
    timeout_seconds: float = 900.0
    grace_seconds: float = 10.0
    retry_seconds: float = 2.0
    claim_wait_seconds: float = 1.0
    drain_seconds: float = 10.0
    max_stuck: int = 3
    refresh_seconds: float = 0.25
    trouble_seconds: float = 1.0
    prune_seconds: float = 3_600.0


class MediaWorker:
    """Screens one upload at a time; run one process to a core.

    An upload's outcome is published before its job is taken off the queue: a crash between the two
    publishes it again, with the same ``event_id``. Whatever goes wrong with one job, a hang and a
    crash included, costs that job an attempt and the others nothing.
    """

    def __init__(
        self,
        *,
        queue: ScreeningQueue,
        library: ReferenceLibrary,
        screener: Screener,
        source: Source,
        publish: Callable[[Screening], Awaitable[None]],
        dead_letter: Callable[[DeadLetter], Awaitable[None]],
        dead_letter_topic: str,
        rule: WorkerRule | None = None,
        keep_uploads: UploadStore | None = None,
        sounds: SoundLibrary | None = None,
        evidence: EvidenceKeeper | None = None,
    ) -> None:
        self._queue = queue
        self._library = library
        self._screener = screener
        self._source = source
        self._publish = publish
        self._dead_letter = dead_letter
        self._dead_letter_topic = dead_letter_topic
        self._rule = rule or WorkerRule()
        self._keep_uploads = keep_uploads
        self._sounds = sounds
        self._evidence = evidence
        self._ready = False
        self._threads: list[threading.Thread] = []

    @property
    def ready(self) -> bool:
        """Whether it takes jobs: its queue answers, and its references are loaded."""
        return self._ready

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the job in hand is finished, or given back uncounted.

        Raises:
            WorkerStuck: Too many screenings hang on in their threads, long given up on.
        """
        await self._queue.open()
        await asyncio.to_thread(_tell_fences)
        if swept := await asyncio.to_thread(self._source.sweep):
            _log.info("uploads left by killed workers removed", uploads=swept)
        await asyncio.to_thread(self._refresh)
        refreshing = asyncio.create_task(self._keep_fresh())
        pruning = asyncio.create_task(self._keep_in_budget())
        try:
            while not stop.is_set():
                try:
                    await self._turn(stop)
                    self._ready = True
                except Exception as error:
                    # The queue, the broker or SQL does not answer. It is not the job's fault.
                    self._ready = False
                    _log.warning("media worker waits", error=type(error).__name__)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), self._rule.trouble_seconds)
                # Between two jobs, whatever still runs was given up on.
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                if len(self._threads) >= self._rule.max_stuck:
                    raise WorkerStuck
        finally:
            self._ready = False
            refreshing.cancel()
            pruning.cancel()
            await asyncio.gather(refreshing, pruning, return_exceptions=True)
            with contextlib.suppress(Exception):
                await self._queue.close()

    async def _turn(self, stop: asyncio.Event) -> None:
        metrics.QUEUE_JOBS.set(await self._queue.length())
        claim = await self._queue.claim(wait_seconds=self._rule.claim_wait_seconds)
        if claim is None:
            return
        metrics.ATTEMPTS.inc()
        if claim.job is None:
            await self._give_up(claim, "not a screening job")
        elif claim.attempt > self._rule.max_attempts:
            reason = claim.last_reason or "its worker vanished each time"
            await self._give_up(claim, f"{reason} (tried {self._rule.max_attempts} times)")
        else:
            await self._work(claim, claim.job, stop)

    async def _work(self, claim: Claim, job: ScreeningJob, stop: asyncio.Event) -> None:
        started = time.monotonic()
        attempt = asyncio.create_task(self._attempt(job))
        lease = asyncio.create_task(self._hold(claim))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({attempt, lease, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() and not attempt.done() and not lease.done():
                await asyncio.wait({attempt, lease}, timeout=self._rule.drain_seconds)
            if not attempt.done():
                if not lease.done():
                    await self._queue.release(claim)
                _log.info("screening given back", event_id=job.event_id)
                return
            outcome = attempt.result()
            outcome = replace(outcome, elapsed_s=round(time.monotonic() - started, 3))
            await self._finish(claim, job, outcome)
        except BaseException:
            with contextlib.suppress(Exception):
                await self._queue.release(claim, delay_seconds=self._rule.trouble_seconds)
            raise
        finally:
            for task in (attempt, lease, stopping):
                task.cancel()
            await asyncio.gather(attempt, lease, stopping, return_exceptions=True)

    async def _attempt(self, job: ScreeningJob) -> Outcome:
        """Fetch and screen; whatever goes wrong with this upload is told by the outcome."""
        given_up = threading.Event()

        def still_wanted(_done_s: float, _whole_s: float | None) -> None:
            if given_up.is_set():
                raise TimeLimit

        def screen(path: Path) -> Outcome:
            if job.sha256 and not hmac.compare_digest(sha256_of(path), job.sha256):
                reason = "the file is not the one that was announced: its SHA-256 differs"
                raise SourceUnavailable(reason)
            outcome = self._screener.screen(path, progress=still_wanted)
            outcome = judged(
                outcome,
                self._library,
                account_id=job.account_id,
                upload_id=job.upload_id,
                country=job.country or "",
            )
            if self._evidence is not None:
                self._evidence.keep_upload(job.upload_id, path, outcome.matches)
            return outcome

        try:
            async with asyncio.timeout(self._rule.timeout_seconds + self._rule.grace_seconds):
                async with self._source.open(job.uri) as path:
                    return await in_daemon_thread(lambda: screen(path), self._threads)
        except Rejected as error:
            return Outcome(status="rejected", reason=error.reason)
        except ScreeningFailed as error:
            return Outcome(status="error", reason=error.reason, passing=error.passing)
        except TimeoutError:
            reason = f"screening took longer than {self._rule.timeout_seconds:g} s"
            return Outcome(status="error", reason=reason, passing=True)
        except FileNotFoundError:
            return Outcome(status="error", reason="no such file")
        except Exception as error:
            _log.exception("screening crashed", event_id=job.event_id)
            reason = f"the screener crashed: {type(error).__name__}"
            return Outcome(status="error", reason=reason, passing=True)
        finally:
            given_up.set()

    async def _finish(self, claim: Claim, job: ScreeningJob, outcome: Outcome) -> None:
        if outcome.status == "error" and not outcome.passing:
            await self._give_up(claim, outcome.reason)
            return
        if outcome.status == "error":
            if claim.attempt >= self._rule.max_attempts:
                await self._give_up(claim, f"{outcome.reason} (tried {claim.attempt} times)")
                return
            metrics.RETRIES.inc()
            delay_s = self._rule.retry_seconds * 2 ** (claim.attempt - 1)
            await self._queue.retry(claim, reason=outcome.reason, delay_seconds=delay_s)
            _log.info("screening to be tried again", event_id=job.event_id, reason=outcome.reason)
            return
        if self._keep_uploads is not None and outcome.fingerprint is not None:
            await asyncio.to_thread(_keep, self._keep_uploads, job, outcome)
        await self._publish(_screening(job, outcome))
        await self._queue.done(claim)
        metrics.SCREENINGS.labels(outcome.status).inc()
        metrics.SCREENING_SECONDS.observe(outcome.elapsed_s)
        metrics.VIDEO_SECONDS.inc(outcome.duration_s)
        _log.info(
            "upload screened",
            event_id=job.event_id,
            status=outcome.status,
            matches=len(outcome.matches),
            duration_s=outcome.duration_s,
            elapsed_s=outcome.elapsed_s,
        )

    async def _give_up(self, claim: Claim, reason: str) -> None:
        """Say that it could not be screened, and put the upload aside to be sent again."""
        if claim.job is not None:
            await self._publish(_screening(claim.job, Outcome(status="error", reason=reason)))
        await self._dead_letter(
            DeadLetter(
                reason=reason,
                topic=self._dead_letter_topic,
                partition=QUEUE_PARTITION,
                offset=claim.offset,
                key=claim.job.account_id.encode() if claim.job else None,
                value=upload_event(claim.job) if claim.job else claim.raw,
                failed_at=datetime.now(UTC),
            )
        )
        await self._queue.done(claim, forget=True)
        metrics.DEAD_LETTERS.inc()
        metrics.SCREENINGS.labels("error").inc()
        _log.warning("screening given up", message_id=claim.message_id, reason=reason)

    async def _hold(self, claim: Claim) -> None:
        """Renew the lease until it is lost; a queue that does not answer is asked again."""
        while True:
            await asyncio.sleep(self._queue.lease_seconds / 3)
            try:
                if not await self._queue.renew(claim):
                    _log.warning("screening lost to another worker", message_id=claim.message_id)
                    return
            except Exception as error:
                _log.warning("lease not renewed", error=type(error).__name__)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._rule.refresh_seconds)
            try:
                await asyncio.to_thread(self._refresh)
            except Exception as error:
                _log.warning("references not refreshed", error=type(error).__name__)

    async def _keep_in_budget(self) -> None:
        while self._evidence is not None:
            try:
                await asyncio.to_thread(self._evidence.prune)
            except OSError as error:
                _log.warning("pictures not pruned", error=type(error).__name__)
            await asyncio.sleep(self._rule.prune_seconds)

    def _refresh(self) -> None:
        if self._library.refresh():
            _log.info("references loaded", references=len(self._library))
        metrics.REFERENCES.set(len(self._library))
        metrics.INDEXED_FRAMES.set(len(self._library.index))
        if self._sounds is not None:
            self._sounds.refresh()
            metrics.SOUND_VALUES.set(len(self._sounds.index))


QUEUE_PARTITION = -1
"""What a dead letter names as its partition when it comes from the queue; its offset is the queue's
message id."""


def upload_event(job: ScreeningJob) -> bytes:
    """The upload that a job was made of, as the uploads topic has it."""
    return json.dumps({"type": "upload", **json.loads(encode(job))}).encode()


async def in_daemon_thread(function: Callable[[], T], threads: list[threading.Thread]) -> T:
    """Run in a thread that cannot hold up the process's end, should it never return.

    The thread is added to ``threads``.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(setter: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            setter(value)

    def work() -> None:
        try:
            result = function()
        except BaseException as error:
            outcome: tuple[Callable[[Any], None], Any] = (future.set_exception, error)
        else:
            outcome = (future.set_result, result)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, *outcome)

    thread = threading.Thread(target=work, name="screening", daemon=True)
    thread.start()
    threads.append(thread)
    return await future


def _tell_fences() -> None:
    try:
        broken = broken_fences()
    except ScreeningFailed as error:
        _log.warning("fences not tried", reason=error.reason)
        return
    if broken:
        _log.warning("ffmpeg runs without some fences", missing=broken)


def _screening(job: ScreeningJob, outcome: Outcome) -> Screening:
    return Screening(
        event_id=job.event_id,
        account_id=job.account_id,
        upload_id=job.upload_id,
        occurred_at=job.occurred_at,
        status=outcome.status,
        title=job.title,
        reason=outcome.reason,
        duration_s=outcome.duration_s,
        elapsed_s=outcome.elapsed_s,
        matches=outcome.matches,
        prohibited=outcome.prohibited,
        action=outcome.action,
    )


def _keep(store: UploadStore, job: ScreeningJob, outcome: Outcome) -> None:
    def record(algorithm: str, frames: bytes) -> UploadFingerprintRecord:
        return UploadFingerprintRecord(
            upload_id=job.upload_id,
            account_id=job.account_id,
            event_id=job.event_id,
            occurred_at_ms=epoch_ms(job.occurred_at),
            duration_s=outcome.duration_s,
            algorithm=algorithm,
            frames=frames,
        )

    if outcome.fingerprint is not None:
        hashes = sketch_of(outcome.fingerprint)
        store.keep(
            record(ALGORITHM, outcome.fingerprint.pack()),
            UploadStills(
                upload_id=job.upload_id,
                occurred_at_ms=epoch_ms(job.occurred_at),
                rows=len(hashes),
                hashes=hashes.tobytes(),
            ),
        )
    if outcome.sound is not None:
        store.keep(record(SOUND_ALGORITHM, outcome.sound.pack()))
