"""Takes new references off the list, one by one, and tells which past uploads show them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog

from contracts.event import from_epoch_ms
from contracts.ids import ReferenceId
from contracts.screening import Match, Screening
from media_screening import metrics
from media_screening.alignment.confirmation import picture_confirms
from media_screening.file_match import whole_file_match
from media_screening.fingerprinting.fingerprint import Fingerprint
from media_screening.index.folder import IndexFolder
from media_screening.joining import join_matches
from media_screening.judgement import judged
from media_screening.reference import ReferenceLibrary
from media_screening.retroactive.search import RetroactiveHit, RetroactiveSearch, RetroactiveStep
from media_screening.screening import Outcome, Screener
from media_screening.sound.library import SoundLibrary
from media_screening.sound.screening import SoundScreener
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

    Args:
        store: The references in SQL.
        library: All of them.
        screener: Holds past uploads against them.
        publish: Tells a hit.
        lease: The worker's name.
        sounds: The references' sound; None for the picture alone.
    """

    def __init__(
        self,
        store: ReferenceStore,
        *,
        library: ReferenceLibrary,
        screener: Screener,
        publish: Callable[[Screening], Awaitable[None]],
        lease: str,
        sounds: SoundLibrary | None = None,
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
        self._sounds = sounds
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
                await self._tell(hit, job.reference_id)
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
        only = job.reference_id
        alone = ReferenceLibrary(self._references, folder=self._folder, only=only)
        alone.refresh()
        sounds = None
        if self._sounds is not None:
            sounds = SoundLibrary(self._references, only=only)
            sounds.refresh()
        search = RetroactiveSearch(alone, self._uploads, whole=self._library, sounds=sounds)
        return search.run(only, from_ms=job.at_ms, to_ms=job.to_ms)

    async def _tell(self, hit: RetroactiveHit, reference_id: ReferenceId) -> None:
        upload = hit.upload
        outcome = await asyncio.to_thread(self._outcome, hit, reference_id)
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

    def _outcome(self, hit: RetroactiveHit, reference_id: ReferenceId) -> Outcome:
        self._library.refresh()
        upload, fingerprint = hit.upload, hit.fingerprint
        matches = self._screener.match(fingerprint) if fingerprint is not None else ()
        if hit.sound is not None and self._sounds is not None:
            self._sounds.refresh()
            heard = SoundScreener(self._sounds).match([hit.sound.hearing()])
            matches = join_matches(
                matches,
                [one.as_match() for one in heard],
                confirms=lambda match: self._confirms(fingerprint, match),
            )
        if hit.same_file:
            matches = self._with_file(matches, hit, reference_id)
        found = Outcome(
            status="match" if matches else "clean", duration_s=upload.duration_s, matches=matches
        )
        return judged(
            found, self._library, account_id=upload.account_id, upload_id=upload.upload_id
        )

    def _confirms(self, fingerprint: Fingerprint | None, match: Match) -> bool:
        reference = self._library.get(match.reference_id)
        if fingerprint is None or reference is None:
            return False
        return picture_confirms(fingerprint, reference.fingerprint, match)

    def _with_file(
        self, matches: tuple[Match, ...], hit: RetroactiveHit, reference_id: ReferenceId
    ) -> tuple[Match, ...]:
        work = self._library.work(reference_id)
        if work is None or any(match.reference_id == reference_id for match in matches):
            return matches
        title = self._library.title_of(reference_id) or ""
        return (whole_file_match(work, title, duration_s=hit.upload.duration_s), *matches)
