"""The Faust app, composed: which agent reads which topic."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import faust
import structlog
from aiokafka.errors import KafkaError
from sqlalchemy import Engine

from contracts.ruleset import Ruleset
from detectors.knowledge import BUNDLED, Knowledge
from detectors.reader import Reader
from detectors.velocity import BUDGET_BYTES
from store.clock import SystemClock
from streams import metrics
from streams.delivery import AcceptAlerts, Handle, alert_delivery, dead_letter_store, decision_store
from streams.desk import DeskStage, ScreeningStage
from streams.emitter import Emitter, Enqueue
from streams.errors import StageFailed
from streams.flow import Flow, Run, Work
from streams.history import History
from streams.intake import Intake
from streams.keeper import Keeper
from streams.ledger import LedgerStage
from streams.log_reader import LogReader
from streams.remembering import Stage
from streams.snapshot import SnapshotShelf
from streams.topic import Topics
from streams.transport import ChunkSchema, Transport
from streams.velocity import VelocityStage

log = structlog.get_logger(__name__)

INTAKE_PACE_SECONDS = 0.05
"""How long after a batch the next is begun at the earliest, unless it is full; for intake, where it
decides how many packs there are."""
PACE_SECONDS = 0.01
"""The same for the other agents."""
BUSY_PACE_SECONDS = 0.1
"""The same for these while intake has more than it gets done: events wait there anyway, and a few
large messages cost less than many small ones."""
INTAKE = "intake"
LAG_EVERY_SECONDS = 5.0
WATCH_EVERY_SECONDS = 0.5
STOP_SECONDS = 10.0
"""What Faust has to stop in: longer than the transport settles, commits and leaves."""
CLOSE_SECONDS = 3.0
"""What each of the other clients of the broker has; they wait for one that is away."""
LAST_SNAPSHOTS_SECONDS = 5.0
"""How long a worker that is told to stop takes for snapshots of what changed since the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamConfig:
    """How a worker reaches the broker."""

    bootstrap: str
    topics: Topics
    group: str = "doorstaff"
    session_timeout_seconds: float = 6.0
    data_folder: Path
    window_budget_bytes: int = BUDGET_BYTES
    console_url: str = ""
    snapshot_every_seconds: float = 300.0


class StreamWorker:
    """One worker process's share of the stream.

    A chunk is acknowledged when all that it led to is durable. If an agent cannot go on, nothing of
    its chunk is acknowledged, and ``failed`` ends with the reason.
    """

    def __init__(
        self,
        config: StreamConfig,
        *,
        ruleset: Ruleset,
        knowledge: Knowledge = BUNDLED,
        engine: Engine,
        enqueue: Enqueue,
        accept_alerts: AcceptAlerts,
    ) -> None:
        topics = config.topics
        self._config = config
        self._app = _faust_app(config)
        self._emitter = Emitter(
            config.bootstrap,
            enqueue=enqueue,
            hand_over=self._app.consumer.hand_over,
            own_topics=(topics.facets, topics.signals, topics.cases, topics.alerts),
        )
        self._app.on_partitions_assigned.connect(self._on_assigned)
        self._reader = LogReader(config.bootstrap)
        self._shelf = SnapshotShelf(engine, SystemClock())
        self._histories: list[History] = []
        self._intake: Flow | None = None
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        reader = Reader(ruleset, knowledge)
        lateness_ms = ruleset.lateness * 1_000
        self._add_stage(
            INTAKE, Intake(reader, topics, lateness_ms=lateness_ms), topics.signups, topics.posts
        )
        self._add_stage("uploads", Intake(reader, topics, lateness_ms=lateness_ms), topics.uploads)
        velocity = VelocityStage(ruleset, topics, budget_bytes=config.window_budget_bytes)
        self._add_stage("velocity", velocity, topics.facets)
        self._add_stage("screenings", ScreeningStage(reader, topics), topics.screenings)
        self._add_stage("ledger", LedgerStage(ruleset, topics), topics.signals)
        self._add_stage(
            "desk", DeskStage(ruleset, topics, console_url=config.console_url), topics.cases
        )
        self._add_delivery(
            "alerts", alert_delivery(accept_alerts, self._emitter, topics), topics.alerts
        )
        self._add_delivery("dead letters", dead_letter_store(engine), topics.dead_letters)
        self._add_delivery(
            "decisions", decision_store(engine, self._emitter, topics), topics.decisions
        )
        self._keeper = Keeper(
            self._histories, self._shelf, every_seconds=config.snapshot_every_seconds
        )
        self._watches: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Connect, and join the group."""
        await self._emitter.start()
        self._app.finalize()
        await self._app.start()
        self._watches = [
            asyncio.create_task(self._watch_lag()),
            asyncio.create_task(self._watch_app()),
            asyncio.create_task(self._keeper.run()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the group; what is unfinished is read again by whoever has it next."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        if not self.failed.done():  # while the partitions are still this worker's
            await self._keeper.take_all(limit_seconds=LAST_SNAPSHOTS_SECONDS)
        for part, seconds in (
            (self._app, STOP_SECONDS),
            (self._emitter, CLOSE_SECONDS),
            (self._reader, CLOSE_SECONDS),
        ):
            try:
                async with asyncio.timeout(seconds):
                    await part.stop()
            except TimeoutError:  # nothing is lost: what is unfinished is not acknowledged
                log.warning("did not stop in time", part=type(part).__name__)

    @property
    def is_ready(self) -> bool:
        """Whether the broker has given this worker its share."""
        return (
            bool(self._app.rebalancing_count)
            and not self._app.rebalancing
            and not self.failed.done()
        )

    def _add_stage(self, name: str, stage: Stage, *topics: str) -> None:
        history = History(name, stage, self._reader, self._shelf)
        self._histories.append(history)

        async def work(runs: list[Run]) -> Awaitable[None]:
            handled = await history.handle(runs)
            durable = await self._emitter.send(handled.outgoing)

            async def settled() -> None:
                await durable
                handled.settle()

            return settled()

        pace = _intake_pace if isinstance(stage, Intake) else self._pace
        self._add_agent(name, work, *topics, pace=pace)

    def _add_delivery(self, name: str, handle: Handle, *topics: str) -> None:
        async def work(runs: list[Run]) -> None:
            await handle([record for run in runs for record in run])

        self._add_agent(name, work, *topics, pace=self._pace)

    def _pace(self) -> float:
        return (
            BUSY_PACE_SECONDS
            if self._intake is not None and self._intake.is_behind
            else PACE_SECONDS
        )

    def _add_agent(self, name: str, work: Work, *topics: str, pace: Callable[[], float]) -> None:
        topic = self._app.topic(*topics, schema=ChunkSchema())

        async def agent(stream: Any) -> None:
            # One that is started again after a rebalance begins with empty hands.
            flow = Flow(name, work, pace=pace)
            if name == INTAKE:
                self._intake = flow
            try:
                await flow.run(stream.noack())
            except* Exception as failures:
                await self._fail(name, failures.exceptions[0])

        agent.__name__ = name.replace(" ", "_")
        self._app.agent(topic, name=name.replace(" ", "_"))(agent)

    async def _fail(self, name: str, error: Exception) -> None:
        """Stop the worker: what a stage could not do must not be acknowledged."""
        failure = StageFailed(name, error)
        log.error("a stage failed", stage=name, error=type(error).__name__, exc_info=error)
        if not self.failed.done():
            self.failed.set_exception(failure)
        await asyncio.Event().wait()

    async def _on_assigned(self, _app: Any, assigned: Iterable[Any], **_: Any) -> None:
        for history in self._histories:
            history.keep_only({(tp.topic, tp.partition) for tp in assigned})

    async def _watch_app(self) -> None:
        """Take notice when Faust gives up by itself, as it does when it cannot commit.

        A fetcher that is cancelled by a rebalance marks the app as crashed too, and starts again.
        """
        while True:
            reason = self._app.crash_reason if self._app.crashed else None
            if isinstance(reason, Exception) and not self.failed.done():
                log.error("faust has crashed", error=type(reason).__name__)
                self.failed.set_exception(StageFailed("faust", reason))
            await asyncio.sleep(WATCH_EVERY_SECONDS)

    async def _watch_lag(self) -> None:
        while True:
            lag: dict[str, int] = {}
            for tp in self._app.consumer.assignment():
                try:
                    highwater = self._app.consumer.highwater(tp)
                    position = await self._app.consumer.position(tp)
                except (KafkaError, RuntimeError):  # between two assignments
                    continue
                if highwater is not None and position is not None:
                    lag[tp.topic] = lag.get(tp.topic, 0) + max(0, highwater - position)
            for topic, messages in lag.items():
                metrics.LAG.labels(topic).set(messages)
            await asyncio.sleep(LAG_EVERY_SECONDS)


def _intake_pace() -> float:
    return INTAKE_PACE_SECONDS


def _faust_app(config: StreamConfig) -> Any:
    timeout = config.session_timeout_seconds
    app = faust.App(
        config.group,
        broker=f"kafka://{';'.join(config.bootstrap.split(','))}",
        datadir=str(config.data_folder),
        store="memory://",
        web_enabled=False,
        broker_session_timeout=timeout,
        broker_heartbeat_interval=timeout / 3,
        broker_commit_interval=1.0,
        broker_commit_livelock_soft_timeout=300.0,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=True,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=config.topics.partitions,
        Monitor=None,
    )
    app.transport = Transport(app.conf.broker_consumer, app)
    return app
