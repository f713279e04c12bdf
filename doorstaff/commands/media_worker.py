"""`doorstaff media worker`: take uploads off the queue, and hold new works against past ones."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.dead_letter import DeadLetter
from contracts.screening import Screening
from contracts.wire import encode
from doorstaff.errors import ServiceUnavailable
from doorstaff.evidence import evidence_keeper
from doorstaff.library import index_folder, open_store
from doorstaff.logging import configure_logging
from doorstaff.monitoring import Monitoring
from doorstaff.redis import open_redis
from doorstaff.screener import make_screener
from doorstaff.settings import Settings, load_settings
from media_screening.decoding.fetch import FetchLimits
from media_screening.decoding.source import Source, SourceLimits
from media_screening.errors import WorkerStuck
from media_screening.queue import ScreeningQueue
from media_screening.reference import ReferenceLibrary
from media_screening.retroactive_worker import RetroactiveWorker
from media_screening.sound.library import SoundLibrary
from media_screening.worker import MediaWorker, WorkerRule
from store.reference import ReferenceStore
from store.upload import UploadStore


def work() -> None:
    """Take uploads off the screening queue until told to stop; run one to a core."""
    settings = load_settings()
    for name, value in (("KAFKA", settings.kafka_url), ("REDIS", settings.redis_url)):
        if not value:
            message = (
                f"DOORSTAFF_{name}_URL is not set: a media worker needs it. `doorstaff up` starts"
                " everything on this machine."
            )
            raise ServiceUnavailable(message)
    configure_logging(settings.log_level)
    asyncio.run(run_worker(settings))


async def run_worker(settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Put a worker together and let it work until SIGTERM, SIGINT or ``stop``.

    Raises:
        ServiceUnavailable: Kafka or Redis does not answer as it starts, or screenings hang.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    redis = open_redis(settings.redis_url)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_url, acks="all")
    with open_store(settings) as store:
        worker, past = make_workers(settings, store=store, redis=redis, producer=producer)
        with Monitoring(settings.host, settings.metrics_port, healthy=lambda: worker.ready):
            try:
                await producer.start()
                searching = asyncio.create_task(past.run(stop))
                await worker.run(stop)
                await searching
            except KafkaError as error:
                message = f"Kafka at {settings.kafka_url}: {error or type(error).__name__}"
                raise ServiceUnavailable(message) from None
            except RedisError as error:
                message = f"Redis (DOORSTAFF_REDIS_URL) does not answer: {type(error).__name__}"
                raise ServiceUnavailable(message) from None
            except WorkerStuck as error:
                raise ServiceUnavailable(error.reason) from None
            finally:
                await producer.stop()
                await redis.aclose()


def make_workers(
    settings: Settings, *, store: ReferenceStore, redis: Redis, producer: AIOKafkaProducer
) -> tuple[MediaWorker, RetroactiveWorker]:
    """What screens uploads and what searches past ones; both publish to Kafka."""
    folder = index_folder(settings)
    library = ReferenceLibrary(store, folder=folder)
    sounds = SoundLibrary(store)
    screener = make_screener(settings, library, sounds, decode_threads=1)
    name = f"{socket.gethostname()}-{os.getpid()}"

    async def publish(screening: Screening) -> None:
        await producer.send_and_wait(
            f"{settings.topic_prefix}screenings",
            encode(screening),
            key=screening.account_id.encode(),
        )

    async def dead_letter(letter: DeadLetter) -> None:
        await producer.send_and_wait(f"{settings.topic_prefix}dead-letters", encode(letter))

    past = RetroactiveWorker(
        store, library=library, screener=screener, publish=publish, lease=name, folder=folder
    )
    worker = MediaWorker(
        queue=ScreeningQueue(
            redis,
            consumer=name,
            lease_seconds=settings.media_lease_seconds,
            prefix=settings.topic_prefix,
        ),
        library=library,
        screener=screener,
        source=Source(
            SourceLimits(
                folder=settings.media_folder,
                fetch=FetchLimits(
                    max_bytes=settings.media_max_bytes,
                    timeout_seconds=settings.media_timeout_seconds,
                ),
            )
        ),
        publish=publish,
        dead_letter=dead_letter,
        dead_letter_topic=f"{settings.topic_prefix}uploads",
        rule=WorkerRule(
            max_attempts=settings.media_max_attempts,
            timeout_seconds=settings.media_timeout_seconds,
        ),
        keep_uploads=UploadStore(store.engine) if settings.media_keep_fingerprints else None,
        sounds=sounds,
        evidence=evidence_keeper(settings),
    )
    return worker, past
