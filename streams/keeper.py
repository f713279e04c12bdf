"""Takes snapshots of the stages' state while they work.

One at a time, and a quarter of the event loop's time at most: after each piece the others get three
times what it took.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, closing

import structlog

from store.snapshot import Snapshot
from streams import metrics
from streams.errors import UnreadableSnapshot
from streams.history import History
from streams.place import Place
from streams.snapshot import CODEC, SnapshotShelf

log = structlog.get_logger(__name__)

WORK_SECONDS = 2.0
"""A snapshot is also due when a restart would have to do this much work over again, or ten times
what the last snapshot cost: so that a busy partition comes back in seconds too."""
WORK_TO_COST = 10.0
LIMIT_SECONDS = 120.0
"""A snapshot that takes longer is given up."""
DURABLE_SECONDS = 30.0
"""So long is waited for what the records led to; it takes milliseconds."""
RETRY_SECONDS = 30.0
LEISURE = 3.0
LOOK_EVERY_SECONDS = 0.5


class Keeper:
    """Keeps a snapshot of every partition of some histories."""

    def __init__(
        self, histories: Iterable[History], shelf: SnapshotShelf, *, every_seconds: float
    ) -> None:
        self._histories = [history for history in histories if history.shelf is not None]
        self._shelf = shelf
        self._every_seconds = every_seconds

    async def run(self) -> None:
        """Take snapshots as they fall due, for ever."""
        while True:
            for history, place in self._dirty():
                if self.is_due(place, time.monotonic()) and history.is_mine(place):
                    await self.take(history, place)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def take_all(self, *, limit_seconds: float) -> None:
        """Take a snapshot of whatever has changed, as far as the time allows."""
        try:
            async with asyncio.timeout(limit_seconds):
                for history, place in self._dirty():
                    await self.take(history, place, leisure=0)
        except TimeoutError:
            log.warning("no time for all snapshots", limit_s=limit_seconds)

    async def take(self, history: History, place: Place, *, leisure: float = LEISURE) -> bool:
        """Take one; says whether it was kept. What cannot be kept is tried again later."""
        begin = time.monotonic()
        place.not_before = begin + RETRY_SECONDS
        outcome = "failed"
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                outcome = await self._take(history, place, leisure)
        except Exception as error:  # the stream goes on without
            topic, partition = place.origin
            log.warning(
                "snapshot not taken",
                stage=history.name,
                topic=topic,
                partition=partition,
                error=type(error).__name__,
            )
        metrics.SNAPSHOTS.labels(history.name, outcome).inc()
        if outcome == "kept":
            metrics.SNAPSHOT_SECONDS.labels(history.name).observe(time.monotonic() - begin)
            place.due_at = time.monotonic() + self._every_seconds
            place.not_before = 0.0
        return outcome == "kept"

    async def _take(self, history: History, place: Place, leisure: float) -> str:
        mark, offset, work = place.last, place.position, place.work_seconds
        if mark is None or offset is None:
            msg = "there is no state"
            raise UnreadableSnapshot(msg)
        pieces = _Paced(history, place, leisure)  # as of now
        async with aclosing(pieces.all()) as all_pieces:
            snapshot_id, chunks, size = await self._shelf.write(all_pieces)
        try:
            async with asyncio.timeout(DURABLE_SECONDS):
                while place.durable < offset:
                    if not history.is_mine(place):
                        msg = "the partition is another worker's"
                        raise UnreadableSnapshot(msg)
                    await asyncio.sleep(0.01)
            kept = await self._shelf.keep(
                Snapshot(
                    stage=history.name,
                    topic=place.origin[0],
                    partition=place.origin[1],
                    snapshot_id=snapshot_id,
                    basis=history.basis,
                    offset=offset,
                    last_at_ms=mark.at_ms,
                    last_digest=mark.digest,
                    chunks=chunks,
                    codec=CODEC,
                    created_at_ms=self._shelf.now_ms(),
                )
            )
        except BaseException:
            await self._shelf.discard(snapshot_id)
            raise
        if not kept and await history.drop_foreign(place):
            return "refused"  # by one that is gone now: to be tried again
        place.kept = offset
        place.work_seconds -= work
        place.cost_seconds = pieces.seconds
        metrics.SNAPSHOT_BYTES.labels(history.name).set(size)
        return "kept" if kept else "refused"

    def _dirty(self) -> list[tuple[History, Place]]:
        return [
            (history, place)
            for history in self._histories
            for place in list(history.places.values())
            if place.position is not None and place.last and place.position != place.kept
        ]

    def is_due(self, place: Place, now: float) -> bool:
        """Whether it is time for the next snapshot of a partition."""
        if not place.due_at:  # the first ones spread over the interval
            share = zlib.crc32(f"{place.origin}".encode()) / (1 << 32)
            place.due_at = now + self._every_seconds * share
        enough = max(WORK_SECONDS, WORK_TO_COST * place.cost_seconds)
        return now >= place.not_before and (now >= place.due_at or place.work_seconds >= enough)


class _Paced:
    """The pieces of a partition's state, with time for others between them."""

    def __init__(self, history: History, place: Place, leisure: float) -> None:
        begin = time.perf_counter()
        self._pieces = history.stage.snapshot(*place.origin)
        self._piece = next(self._pieces, None)
        self._leisure = leisure
        self.seconds = time.perf_counter() - begin
        """What making them took."""

    async def all(self) -> AsyncGenerator[bytes, None]:
        """Piece after piece."""
        took = self.seconds
        with closing(self._pieces):  # broken off too: nothing more is to be copied for it
            while self._piece is not None:
                yield self._piece
                await asyncio.sleep(took * self._leisure)
                begin = time.perf_counter()
                self._piece = next(self._pieces, None)
                took = time.perf_counter() - begin
                self.seconds += took
