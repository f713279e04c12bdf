"""A Faust worker process, composed from its settings."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import structlog
from prometheus_client import REGISTRY
from redis.exceptions import RedisError
from sqlalchemy import Engine

from contracts.alert import Alert
from contracts.ruleset import Ruleset, default_ruleset, parse_ruleset, read_ruleset
from contracts.screening import ScreeningJob
from doorstaff.database import open_home_database
from doorstaff.errors import InvalidSettings, ServiceUnavailable
from doorstaff.interpreter import calm_collector
from doorstaff.knowledge import knowledge_of
from doorstaff.monitoring import Monitoring
from doorstaff.redis import open_redis
from doorstaff.settings import Settings
from doorstaff.sinks import build_routes, build_sinks
from media_screening.queue import ScreeningQueue
from sinks.router import KeepTimes, Router
from store.clock import SystemClock
from store.ruleset import live_ruleset
from streams.errors import StreamError
from streams.topic import Topics, create_topics
from streams.worker import StreamConfig, StreamWorker

log = structlog.get_logger(__name__)


def topics_of(settings: Settings) -> Topics:
    """The topics that the settings name."""
    return Topics(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        retention_hours=settings.retention_hours,
    )


def ruleset_of(settings: Settings, engine: Engine) -> Ruleset:
    """The ruleset file that the settings name, else the newest published one, else the default.

    Raises:
        InvalidRuleset: With the lines that are wrong.
    """
    if settings.ruleset is not None:
        return read_ruleset(settings.ruleset)
    with engine.connect() as connection:
        published = live_ruleset(connection)
    if published is None:
        return default_ruleset()
    return parse_ruleset(published.text, name=f"ruleset {published.version}")


async def run_worker(settings: Settings, *, ready: Callable[[], None] = lambda: None) -> None:
    """Work until SIGTERM or SIGINT.

    Args:
        settings: With the addresses of the broker and of Redis.
        ready: Called when the broker has given this worker its share.

    Raises:
        InvalidSettings: An address is missing.
        ServiceUnavailable: A service does not answer, or the stream had to stop.
    """
    for name, value in (("KAFKA", settings.kafka_url), ("REDIS", settings.redis_url)):
        if not value:
            message = (
                f"DOORSTAFF_{name}_URL is not set; `doorstaff up` starts one with all the rest"
            )
            raise InvalidSettings(message)
    engine = open_home_database(settings)
    ruleset = ruleset_of(settings, engine)
    redis = open_redis(settings.redis_url)
    queue = ScreeningQueue(
        redis,
        consumer=f"{socket.gethostname()}-{os.getpid()}",
        prefix=settings.topic_prefix,
    )
    try:
        await queue.open()
        topics = topics_of(settings)
        await create_topics(settings.kafka_url, topics, replication=settings.replication)
        async with Router(
            engine=engine,
            sinks=build_sinks(settings),
            routes=build_routes(settings),
            clock=SystemClock(),
            registry=REGISTRY,
            keep=KeepTimes(uploads_days=settings.media_keep_days),
        ) as router:

            async def enqueue(job: ScreeningJob) -> None:
                await queue.add(job)

            async def accept(alerts: list[Alert]) -> None:
                await router.accept(alerts)

            worker = StreamWorker(
                StreamConfig(
                    bootstrap=settings.kafka_url,
                    topics=topics,
                    session_timeout_seconds=settings.session_timeout_seconds,
                    data_folder=settings.home / "faust",
                    window_budget_bytes=settings.window_budget_mib * 1024**2,
                    console_url=settings.resolved_console_url,
                    snapshot_every_seconds=settings.snapshot_every_seconds,
                ),
                ruleset=ruleset,
                knowledge=knowledge_of(engine),
                engine=engine,
                enqueue=enqueue,
                accept_alerts=accept,
            )
            with Monitoring(
                settings.host, settings.metrics_port, healthy=lambda: worker.is_ready
            ) as monitoring:
                calm_collector()
                async with worker:
                    log.info("worker started", ruleset=ruleset.version, metrics=monitoring.url)
                    await _until_stopped(worker, ready)
                log.info("worker stopped")
    except RedisError as error:
        message = f"Redis (DOORSTAFF_REDIS_URL) does not answer: {type(error).__name__}"
        raise ServiceUnavailable(message) from None
    except StreamError as error:
        raise ServiceUnavailable(str(error)) from error
    finally:
        await redis.aclose()
        engine.dispose()


async def _until_stopped(worker: StreamWorker, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def announce() -> None:
        while not worker.is_ready:
            await asyncio.sleep(0.05)
        ready()

    stopped: asyncio.Future[Any] = asyncio.create_task(stop.wait())
    announced = asyncio.create_task(announce())
    try:
        await asyncio.wait([stopped, worker.failed], return_when=asyncio.FIRST_COMPLETED)
        if worker.failed.done():
            worker.failed.result()
    finally:
        for task in (stopped, announced):
            task.cancel()
