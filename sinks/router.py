"""Takes alerts in, durably, and sees to it that each sink gets those that are routed to it.

``accept`` writes an alert and what is owed of it to the sinks in one SQL transaction (the
transactional outbox); a lane a sink delivers from there. So an alert that was accepted reaches its
sinks, also after a crash, at least once; a sink that is away delays no other; and of an alert that
changes faster than a sink takes it, the sink gets the newest revision, never an older one after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Self, TypeVar

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from contracts.alert import Alert
from sinks.errors import AlertsNotAccepted
from sinks.lane import Lane
from sinks.metrics import SinkMetrics
from sinks.route import Route, sinks_for
from sinks.sink import Sink
from store.acceptance import Offer, accept_alerts
from store.clock import Clock
from store.dead_letter import prune_dead_letters
from store.delivery import count_due, prune_finished
from store.errors import failure_text
from store.upload import prune_uploads

P = ParamSpec("P")
T = TypeVar("T")

POLL_SECONDS = 1.0
"""How often a lane looks for what came due, or was left by a worker that died."""

STOP_SECONDS = 5.0
"""How long a stop waits for deliveries that are under way."""

GAUGE_SECONDS = 5.0
"""How often the outbox's length is told."""

PRUNE_SECONDS = 3_600.0
"""How often what is past its time is forgotten; once as a router starts, too."""

DAY_MS = 86_400_000

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepTimes:
    """How many days SQL keeps what nobody has to keep for good.

    Attributes:
        finished_days: Deliveries that arrived, or that a newer one superseded.
        dead_letters_days: Dead letters, from when they failed, whether sent again or not.
        retried_days: Dead letters that were sent again, from then on.
        uploads_days: Fingerprints of uploads, from the time of the upload.
    """

    finished_days: float = 7.0
    dead_letters_days: float = 30.0
    retried_days: float = 7.0
    uploads_days: float = 365.0


class Router:
    """From detection to people. Use it with ``async with``; it closes its sinks as it ends.

    Any number of routers, in as many processes, may work on one database.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        sinks: Sequence[Sink],
        clock: Clock,
        routes: tuple[Route, ...] = (),
        registry: CollectorRegistry | None = None,
        poll_seconds: float = POLL_SECONDS,
        stop_seconds: float = STOP_SECONDS,
        keep: KeepTimes | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._routes = routes
        self._stop_seconds = stop_seconds
        self._keep = keep or KeepTimes()
        self._metrics = SinkMetrics(registry or CollectorRegistry())
        # One thread a lane, one for accept and one to spare: SQL's waits are nobody else's.
        self._executor = ThreadPoolExecutor(len(sinks) + 2, thread_name_prefix="router")
        self._lanes = {
            sink.name: Lane(
                sink,
                transact=self._transact,
                clock=clock,
                metrics=self._metrics,
                poll_seconds=poll_seconds,
            )
            for sink in sinks
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(lane.run(), name=f"lane-{name}")
            for name, lane in self._lanes.items()
        ]
        self._tasks.append(asyncio.create_task(self._keep_house(), name="router-housekeeping"))
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._stopped.set()
        for lane in self._lanes.values():
            lane.stop()
        _, late = await asyncio.wait(self._tasks, timeout=self._stop_seconds)
        for task in late:
            task.cancel()
        if late:  # a sink that does not heed even this is left behind
            await asyncio.wait(late, timeout=self._stop_seconds)
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                log.error("a lane has ended", task=task.get_name(), error=type(error).__name__)
        for lane in self._lanes.values():
            await lane.close(self._stop_seconds)
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def accept(self, alerts: Iterable[Alert]) -> None:
        """Take alerts in; when it returns they are durable, and on their way.

        What was accepted before is left out, so a repeat is harmless; ``accept_alerts`` says what
        tells a repeat from an alert whose revisions began again.

        Raises:
            AlertsNotAccepted: SQL is away, and none was taken: do not acknowledge what raised them.
        """
        batch = list(alerts)
        if not batch:
            return
        try:
            accepted: list[Alert] = await self._transact(self._accept, batch)
        except SQLAlchemyError as error:
            raise AlertsNotAccepted(count=len(batch), cause=failure_text(error)) from None
        for alert in accepted:
            self._metrics.accepted.labels(alert.kind, alert.status).inc()
        for lane in self._lanes.values():
            lane.wake()

    async def drained(self, timeout_seconds: float) -> bool:
        """Wait until no sink of this router is owed anything.

        Returns:
            Whether that came about in time.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._lanes.keys() & (await self._transact(count_due)).keys():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def _accept(self, connection: Connection, batch: list[Alert]) -> list[Alert]:
        sinks = tuple(self._lanes)
        offers = [
            Offer(alert=alert, sinks=sinks_for(alert, self._routes, sinks)) for alert in batch
        ]
        return accept_alerts(connection, offers, now_ms=self._clock.now_ms())

    async def _keep_house(self) -> None:
        """Tell the outbox's length, and now and then forget what was kept for long enough."""
        prune_at_ms = self._clock.now_ms()
        while not self._stopped.is_set():
            try:
                due: dict[str, int] = await self._transact(count_due)
                for name in self._lanes:
                    self._metrics.outbox.labels(name).set(due.get(name, 0))
                if (now_ms := self._clock.now_ms()) >= prune_at_ms:
                    await self._transact(self._prune, now_ms=now_ms)
                    prune_at_ms = now_ms + round(PRUNE_SECONDS * 1_000)
            except SQLAlchemyError as error:
                log.error("the outbox does not answer", error=type(error).__name__)
            try:
                async with asyncio.timeout(GAUGE_SECONDS):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    def _prune(self, connection: Connection, *, now_ms: int) -> None:
        def before(days: float) -> int:
            return now_ms - round(days * DAY_MS)

        prune_finished(connection, before_ms=before(self._keep.finished_days))
        prune_dead_letters(
            connection,
            failed_before_ms=before(self._keep.dead_letters_days),
            retried_before_ms=before(self._keep.retried_days),
        )
        prune_uploads(connection, before_ms=before(self._keep.uploads_days))

    async def _transact(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function of the store in a transaction, in a thread."""

        def run() -> T:
            with self._engine.begin() as connection:
                return work(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)
