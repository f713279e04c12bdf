"""Takes new references off the list, one by one, and tells which past uploads show them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog

from contracts.event import from_epoch_ms
from contracts.screening import Screening
from media_screening import metrics
from media_screening.index.folder import IndexFolder
from media_screening.judgement import judged
from media_screening.reference import ReferenceLibrary
from media_screening.retroactive import RetroactiveHit, RetroactiveSearch, RetroactiveStep
from media_screening.screening import Outcome, Screener
from store.clock import Clock, SystemClock
from store.reference import ReferenceStore
from store.retroactive import RetroactiveJob, RetroactiveStore
from store.upload import UploadStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetroactiveRule:
    """How a worker deals with time and failure.

    Attributes:
        wait_seconds: From the request to the search: by then every worker searches for the new
            reference itself, and no upload falls between the two.
        lease_seconds: Silence after which a job goes to another; a page of uploads takes a second
            or so.
    """

    poll_seconds: float = 2.0
    wait_seconds: float = 10.0
    lease_seconds: float = 300.0
    trouble_seconds: float = 30.0
    max_attempts: int = 5


class RetroactiveWorker:
    """One job at a time, beside the screening of uploads.

    A hit is published before the page it is on is done: a crash publishes it again, as the same
    alert. It is published with all that the upload matches, so that it adds to what is known.
    """

    def __init__(
        self,
        store: ReferenceStore,
        *,
        library: ReferenceLibrary,
        screener: Screener,
        publish: Callable[[Screening], Awaitable[None]],
        lease: str,
        folder: IndexFolder | None = None,
        rule: RetroactiveRule | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._references = store
        self._jobs = RetroactiveStore(store.engine)
        self._uploads = UploadStore(store.engine)
        self._library = library
        self._screener = screener
        self._publish = publish
        self._lease = lease
        self._folder = folder
        self._rule = rule or RetroactiveRule()
        self._clock = clock or SystemClock()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the job in hand is given back where it is."""
        while not stop.is_set():
            try:
                busy = await self.turn(stop)
            except Exception as error:
                # SQL or the broker does not answer. It is not the job's fault.
                _log.warning("retroactive search waits", error=type(error).__name__)
                busy = False
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._rule.poll_seconds)

    async def turn(self, stop: asyncio.Event) -> bool:
        """Do one job, if there is one; False if there was none."""
        now_ms = self._clock.now_ms()
        job = await asyncio.to_thread(
            self._jobs.claim,
            lease=self._lease,
            now_ms=now_ms,
            lease_ms=self._lease_ms,
            waited_ms=round(self._rule.wait_seconds * 1_000),
        )
        if job is None:
            return False
        if job.attempts > self._rule.max_attempts:
            error = job.last_error or "its worker vanished each time"
            await asyncio.to_thread(
                self._jobs.finish, job, state="failed", now_ms=now_ms, error=error
            )
            return True
        try:
            await self._work(job, stop)
        except Exception as error:
            _log.exception("retroactive search failed", reference_id=job.reference_id)
            until_ms = self._clock.now_ms() + round(self._rule.trouble_seconds * 1_000)
            await asyncio.to_thread(
                self._jobs.give_back, job, until_ms=until_ms, error=type(error).__name__
            )
        return True

    @property
    def _lease_ms(self) -> int:
        return round(self._rule.lease_seconds * 1_000)

    async def _work(self, job: RetroactiveJob, stop: asyncio.Event) -> None:
        steps = await asyncio.to_thread(self._steps, job)
        while (step := await asyncio.to_thread(next, steps, None)) is not None:
            for hit in step.hits:
                await self._tell(hit)
            held = await asyncio.to_thread(
                self._jobs.advance,
                job,
                at_ms=step.at_ms,
                done=step.uploads,
                found=len(step.hits),
                leased_until_ms=self._clock.now_ms() + self._lease_ms,
            )
            metrics.RETROACTIVE_UPLOADS.inc(step.uploads)
            if not held:
                _log.info("retroactive search ended by others", reference_id=job.reference_id)
                return
            if stop.is_set():
                await asyncio.to_thread(self._jobs.give_back, job, until_ms=0)
                return
        now_ms = self._clock.now_ms()
        await asyncio.to_thread(self._jobs.finish, job, state="done", now_ms=now_ms)
        _log.info("past uploads searched", reference_id=job.reference_id)

    def _steps(self, job: RetroactiveJob) -> Iterator[RetroactiveStep]:
        alone = ReferenceLibrary(self._references, folder=self._folder, only=job.reference_id)
        alone.refresh()
        search = RetroactiveSearch(alone, self._uploads)
        return search.run(job.reference_id, from_ms=job.at_ms, to_ms=job.to_ms)

    async def _tell(self, hit: RetroactiveHit) -> None:
        upload = hit.upload
        outcome = await asyncio.to_thread(self._outcome, hit)
        if outcome.status != "match":
            return
        metrics.RETROACTIVE_HITS.inc()
        await self._publish(
            Screening(
                event_id=upload.event_id,
                account_id=upload.account_id,
                upload_id=upload.upload_id,
                occurred_at=from_epoch_ms(upload.occurred_at_ms),
                status="match",
                duration_s=upload.duration_s,
                matches=outcome.matches,
                action=outcome.action,
                retroactive=True,
            )
        )

    def _outcome(self, hit: RetroactiveHit) -> Outcome:
        upload = hit.upload
        self._library.refresh()
        found = Outcome(
            status="match",
            duration_s=upload.duration_s,
            matches=self._screener.match(hit.fingerprint),
        )
        return judged(
            found, self._library, account_id=upload.account_id, upload_id=upload.upload_id
        )
