"""Faust's Kafka transport, handing over whole fetched chunks.

Faust's own consumer makes two asyncio tasks a message and keeps track of each offset. Ours gives a
stream one event for all that was fetched of a topic, a chunk of each partition, and commits
the end of the last chunk of the unbroken row of acknowledged ones (:mod:`streams.progress`). Why:
``docs/decisions/0055``.

What Faust does still: the topics an agent reads, the group, the rebalances, the time of commits.

Faust asks the broker to hold a fetch for up to 1.5 s until there is something to give. Apache Kafka
answers as soon as there is; the embedded broker always waits the whole time: 200 messages at 50/s
took 406 ms at the median with 1.5 s, 32 ms with 100 ms and 7 ms with 20 ms.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CommitFailedError, ConsumerStoppedError, IllegalStateError, KafkaError
from faust import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage

from streams.message import Record, record_of
from streams.progress import Chunk, Progress
from streams.shortcut import Shortcut

log = structlog.get_logger(__name__)

FETCH_MAX_WAIT_MS = 20
BEHIND_FETCH_MAX_WAIT_MS = 100
"""The same while fetched records wait to be taken: others can wait as long as they do, and a fetch
of all partitions costs this process and the broker a millisecond each."""
MAX_CHUNK = 200
"""Records that are fetched at once: few, so that partitions that have much to give are read side by
side, and event time in one is not minutes ahead of the others."""
MAX_WAITING_RECORDS = 800
"""Records of one partition given out and not acknowledged, beyond which no more are fetched."""
MAX_WAITING_BYTES = 32 * 1024**2
"""The same of all partitions together; each has an equal share, so that an agent which waits (for
SQL, say) holds up no other. A partition may go one chunk beyond its own."""
SETTLE_SECONDS = 3.0
"""How long partitions are held on to, when they are revoked, for what is being worked on."""
COMMIT_SECONDS = 3.0
"""How long a commit may take; the next one commits what it did not."""
LEAVE_SECONDS = 2.0
"""How long leaving the group may take; who does not leave is noticed by its silence."""
POLL_SECONDS = 1.0
"""How long to wait for records at a time."""
FULL_POLL_SECONDS = 0.02
"""The same while some partition is not asked for because it has its share."""

Fetched = dict[TopicPartition, list[Record]]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Polls briskly, and drains only what the present assignment fetched."""

    consumer: Consumer
    _shortcut: Shortcut

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        """Connect, and fetch of each partition without regard to what waits of others.

        aiokafka fetches nothing from a broker for 0.1 s while records of any partition of it wait
        to be taken: with intake behind, what agents send each other would wait for it at each hop.
        """
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._prefetch_backoff = 0.0
        self._shortcut = Shortcut(fetcher)

    async def on_thread_stop(self) -> None:
        """Leave the group if its coordinator answers; aiokafka alone would wait for ever."""
        consumer, self._consumer = self._consumer, None
        await super().on_thread_stop()
        if consumer is not None:
            stopping = asyncio.create_task(consumer.stop())
            await asyncio.wait([stopping], timeout=LEAVE_SECONDS)
            if not stopping.done():  # what is left of it ends with the thread's loop
                log.warning("the group was not left: its coordinator does not answer")
                stopping.cancel()

    @property
    def current_assignment(self) -> object:
        """The assignment the group's coordinator gave last; each rebalance makes a new one."""
        subscription = self._ensure_consumer()._subscription.subscription
        return None if subscription is None else subscription.assignment

    async def fetch(self, tps: set[Any], timeout_seconds: float) -> tuple[object, Fetched]:
        """Fetch up to ``MAX_CHUNK`` records, with the assignment they were fetched under.

        From when a rebalance begins until the flow is resumed this gives nothing: what is drained
        from aiokafka has moved its position, so it must be known for certain whose it is.
        """
        return await self.call_thread(self._fetch, tps, timeout_seconds)  # type: ignore[no-any-return]

    async def _fetch(self, tps: set[Any], timeout_seconds: float) -> tuple[object, Fetched]:
        consumer = self._ensure_consumer()
        fetcher, shortcut = consumer._fetcher, self._shortcut
        deadline = time.monotonic() + timeout_seconds
        while True:
            if consumer._closed or fetcher._closed:
                raise ConsumerStoppedError
            if not self.consumer.flow_active or fetcher._subscriptions.reassignment_in_progress:
                return None, {}
            with fetcher._subscriptions.fetch_context():
                drained: dict[Any, list[Any]] = {}
                has_more = False
                for tp in [tp for tp in fetcher._records if tp in tps]:
                    if not shortcut.can_drain(tp):
                        continue
                    waiting = fetcher._records[tp]
                    _make_records_of(waiting)
                    # With no time to wait this does not give way to another task.
                    drained |= await fetcher.fetched_records({tp}, timeout=0, max_records=MAX_CHUNK)
                    has_more |= shortcut.drained(tp, waiting)
                fetcher._fetch_max_wait_ms = (
                    BEHIND_FETCH_MAX_WAIT_MS if fetcher._records else FETCH_MAX_WAIT_MS
                )
                remaining = deadline - time.monotonic()
                if drained or remaining <= 0:
                    break
                if has_more:
                    continue
                waiter = fetcher._create_fetch_waiter()
                await asyncio.wait([waiter], timeout=remaining)
                if waiter.done():
                    waiter.result()
                else:
                    waiter.cancel()
        return self.current_assignment, drained

    def take_offers(self, offers: deque[list[Record]]) -> None:
        """Take what the main thread offers, till there is nothing."""
        try:
            while offers:
                self._shortcut.offer(offers.popleft())
        except Exception as error:  # they come by a fetch
            log.warning("not read without a fetch", error=type(error).__name__)
            offers.clear()

    async def commit_under(self, assignment: object, offsets: Mapping[Any, int]) -> bool:
        """Commit offsets if the assignment they were reached under is still the present one."""
        return await self.call_thread(self._commit_under, assignment, offsets)  # type: ignore[no-any-return]

    async def _commit_under(self, assignment: object, offsets: Mapping[Any, int]) -> bool:
        if self.current_assignment is not assignment:
            return False
        ends = {TopicPartition(*tp): offset for tp, offset in offsets.items()}
        try:
            await asyncio.wait_for(self._ensure_consumer().commit(ends), COMMIT_SECONDS)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("not committed: the group has rebalanced", error=type(error).__name__)
            return False
        except TimeoutError:
            log.warning("not committed yet: the group's coordinator does not answer")
            return False
        return True

    async def seek_to(self, tp: Any, offset: int) -> None:
        """Read a partition on from an offset."""

        async def seek() -> None:
            self._ensure_consumer().seek(TopicPartition(*tp), offset)

        await self.call_thread(seek)


class Consumer(driver.Consumer):
    """Hands over chunks, and commits to the end of the last of an unbroken acknowledged row.

    A chunk of a partition that was revoked since is not begun (:meth:`Chunk.begin`), and nothing
    of it is committed. A partition that is assigned begins at its committed offset.

    Streams must be read by ``noack()``: Faust's own acknowledgement is part of its bookkeeping.
    """

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._progress: dict[Any, Progress] = {}
        self._offers: deque[list[Record]] = deque()
        self._fetching = asyncio.Lock()
        self._committing = asyncio.Lock()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def hand_over(self, records: list[Record]) -> None:
        """Let successive records that the broker has for certain be read without a fetch.

        Those of a partition that is another worker's are left alone.
        """
        if (records[0].topic, records[0].partition) not in self._progress or self.should_stop:
            return
        self._offers.append(records)
        if len(self._offers) == 1:  # else the thread is about to take it with those before
            self._thread.thread_loop.call_soon_threadsafe(self._thread.take_offers, self._offers)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.can_resume_flow.wait(), POLL_SECONDS)
                    continue
                active = self._get_active_partitions()
                wanted = {tp for tp in active if self._has_room(tp)}
                if not wanted:
                    await asyncio.sleep(FULL_POLL_SECONDS)
                    continue
                is_full = len(wanted) < len(active)
                async with self._fetching:
                    assignment, fetched = await self._thread.fetch(
                        wanted, FULL_POLL_SECONDS if is_full else POLL_SECONDS
                    )
                    by_topic = self._chunks(assignment, fetched)
                for tp, chunks in by_topic:
                    await self.callback(_message(tp, chunks, self.app.consumer_generation_id))
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    def _chunks(self, assignment: object, fetched: Fetched) -> Iterable[tuple[Any, list[Chunk]]]:
        """The chunks of each topic, and one of their partitions."""
        by_topic: dict[str, tuple[Any, list[Chunk]]] = {}
        for tp, records in fetched.items():
            progress = self._progress.get(tp)
            if progress is not None and progress.assignment is assignment:
                _, chunks = by_topic.setdefault(tp.topic, (tp, []))
                chunks.append(progress.give(records))
        return by_topic.values()

    def _has_room(self, tp: Any) -> bool:
        progress = self._progress.get(tp)
        if progress is None:
            return True
        share = MAX_WAITING_BYTES // len(self._progress)
        return progress.records < MAX_WAITING_RECORDS and progress.bytes < share

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Begin a row of chunks for each partition."""
        # The coordinator waits for this call, so the present assignment is the one it is about.
        assignment = self._thread.current_assignment
        self._progress = {tp: Progress(assignment) for tp in assigned}
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Let what is being worked on come to its end, commit it, and begin nothing else."""
        self.stop_flow()
        await self._settle()
        for progress in self._progress.values():
            progress.revoke()
        self._progress = {}
        await super().on_partitions_revoked(revoked)

    async def _settle(self) -> None:
        for progress in self._progress.values():
            progress.close()
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            if all(progress.is_settled for progress in self._progress.values()):
                break
            await asyncio.sleep(FULL_POLL_SECONDS)
        await self.commit()

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is new; True if something was committed."""
        async with self._committing:
            progresses = self._progress
            offsets = {
                tp: offset
                for tp, progress in progresses.items()
                if (offset := progress.uncommitted) is not None
                and (topics is None or tp in topics or tp.topic in topics)
            }
            if not offsets:
                return False
            assignment = next(iter(progresses.values())).assignment
            done = await self._thread.commit_under(assignment, offsets)
            if done:
                for tp, offset in offsets.items():
                    progresses[tp].committed = offset
            return done

    async def wait_empty(self) -> None:
        """Let what is being worked on come to its end, and commit it.

        Called where the app is about to stop and its agents still work, with ``stream_wait_empty``.
        """
        try:
            await self._settle()
        except KafkaError as error:  # the rest is still to be stopped
            log.warning("not committed at the end", error=type(error).__name__)

    async def on_stop(self) -> None:
        """Nothing to do: the agents have been stopped, so nothing is new since ``wait_empty``."""

    async def perform_seek(self) -> None:
        """Nothing to do: a partition that is assigned begins at its committed offset anyway.

        Faust asks for it after each rebalance; by then records may have been given out.
        """

    async def seek(self, partition: Any, offset: int) -> None:
        """Read on from an offset; what was given out before and not begun is dropped."""
        async with self._fetching:
            before = self._progress.get(partition)
            await self._thread.seek_to(partition, offset)
            if before is not None:
                before.revoke()
                self._progress[partition] = Progress(before.assignment)

    async def seek_wait(self, partitions: Mapping[Any, int]) -> None:
        """Seek several partitions."""
        for tp, offset in partitions.items():
            await self.seek(tp, offset)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Nothing to do: Faust's own watch reads its own bookkeeping."""


class Transport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = Consumer


class ChunkSchema(Schema[Any, Any]):
    """Takes a message's value for what it is: chunks, not bytes."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Make what turns a message into an event."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, {}, message)

        return decode


def _message(tp: Any, chunks: list[Chunk], generation_id: int) -> Any:
    first = chunks[0].records[0]
    value: Any = chunks  # ChunkSchema takes it
    return ConsumerMessage(
        topic=first.topic,
        partition=first.partition,
        offset=first.offset,
        timestamp=first.timestamp_ms / 1_000,
        timestamp_type=0,
        headers=None,
        key=None,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=tp,
        generation_id=generation_id,  # a stream drops what it takes for a former one's
    )


def _make_records_of(fetched: Any) -> None:
    """Let what was fetched be unpacked to records of ours, with none of aiokafka's in between."""
    unpacking = getattr(fetched, "_partition_records", None)  # an error has none
    if isinstance(unpacking, PartitionRecords):
        unpacking._consumer_record = record_of
