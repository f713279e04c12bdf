"""Leads an agent's chunks through its work: merged while they wait, several under way at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

from streams import metrics
from streams.message import Record
from streams.progress import Chunk

MAX_BATCH_RECORDS = 1_000
"""Handled at once: a large batch makes few messages of many packs, and holds up the other agents."""
MAX_BATCH_BYTES = 512 * 1024
"""The same in bytes; a single chunk may be larger."""
BEHIND_RECORDS = 2_000
"""So many waiting are more than come in one of a busy agent's paces: a sixth of a second's work."""
BEHIND_SECONDS = 0.3
DEPTH = 4
"""Batches of one agent whose results are under way at once."""

Origin = tuple[str, int]
Run = list[Record]
"""Records of one partition, in order."""
Work = Callable[[list[Run]], Awaitable[Awaitable[object] | None]]
"""Does a batch, and gives what ends when all it led to is durable (None: it is already)."""


class Flow:
    """The chunks of one agent, on their way through its work.

    While a batch is worked on, what comes meanwhile is merged into the next, of all partitions in
    turn. A batch is begun so many seconds after the one before as ``pace`` says, at the earliest,
    unless ``MAX_BATCH_RECORDS`` wait: at low load a record goes at once, at high load batches are
    large.

    Batches are worked on one after the other, so their results go out in order; up to ``DEPTH``
    wait for theirs to be durable meanwhile. They are acknowledged in order. When one fails,
    neither it nor a later one is acknowledged, and :meth:`run` raises what it failed with.
    """

    def __init__(
        self, name: str, work: Work, *, pace: Callable[[], float], depth: int = DEPTH
    ) -> None:
        self._seconds = metrics.CHUNK_SECONDS.labels(name)
        self._work = work
        self._pace = pace
        self._waiting: dict[Origin, deque[Chunk]] = {}
        self._waits = 0
        """Records."""
        self._begun_at = 0.0
        self._behind_at = float("-inf")
        self._arrived = asyncio.Event()
        self._free = asyncio.Semaphore(depth)

    @property
    def is_behind(self) -> bool:
        """Whether many batches were waiting lately: there is more to do than gets done."""
        return time.monotonic() < self._behind_at + BEHIND_SECONDS

    async def run(self, fetched: AsyncIterable[Iterable[Chunk]]) -> None:
        """Work off chunks for as long as they come; raises what a batch fails with."""
        async with asyncio.TaskGroup() as group:
            worker = group.create_task(self._work_off(group))
            async for chunks in fetched:
                for chunk in chunks:
                    self.put(chunk)
            worker.cancel()

    def put(self, chunk: Chunk) -> None:
        """Let a chunk wait for its turn."""
        first = chunk.records[0]
        self._waiting.setdefault((first.topic, first.partition), deque()).append(chunk)
        self._waits += len(chunk.records)
        self._arrived.set()

    async def _work_off(self, group: asyncio.TaskGroup) -> None:
        before: asyncio.Task[None] | None = None
        while True:
            await self._free.acquire()
            batch = await self._next()
            began = time.perf_counter()
            durable = await self._work([chunk.records for chunk in batch])
            before = group.create_task(self._finish(batch, durable, before, began))

    async def _finish(
        self,
        batch: list[Chunk],
        durable: Awaitable[object] | None,
        before: asyncio.Task[None] | None,
        began: float,
    ) -> None:
        if durable is not None:
            await durable
        if before is not None:
            await before
        for chunk in batch:
            chunk.acknowledge()
        self._seconds.observe(time.perf_counter() - began)
        self._free.release()

    async def _next(self) -> list[Chunk]:
        """The next batch, begun; waits until there is one and its time has come."""
        while True:
            self._arrived.clear()
            now = time.monotonic()
            timeout = None
            if self._waits:
                timeout = self._begun_at + self._pace() - now
                is_full = self._waits >= MAX_BATCH_RECORDS
                if self._waits >= BEHIND_RECORDS:
                    self._behind_at = now
                if timeout <= 0 or is_full:
                    if batch := self._take():
                        self._begun_at = now
                        return batch
                    continue
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout)
            except TimeoutError:
                continue

    def _take(self) -> list[Chunk]:
        """What waits, a chunk of each partition in turn, up to the bounds.

        Chunks of partitions that are another worker's by now are dropped.
        """
        batch: list[Chunk] = []
        records = size = 0
        while self._waiting:
            origin = next(iter(self._waiting))
            waiting = self._waiting[origin]
            chunk = waiting[0]
            count = len(chunk.records)
            if batch and (
                records + count > MAX_BATCH_RECORDS or size + chunk.bytes > MAX_BATCH_BYTES
            ):
                break
            waiting.popleft()
            self._waits -= count
            del self._waiting[origin]
            if waiting:
                self._waiting[origin] = waiting  # behind the others
            if chunk.begin():
                batch.append(chunk)
                records += count
                size += chunk.bytes
        return batch
