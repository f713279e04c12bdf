"""A stage's state is the fold of all records before the next one; this sees to it.

State is kept in memory. Where a worker gets a partition that it did not have, or had and lost for a
while, the state comes from the newest snapshot and the records from there on, or from all that the
topic keeps where there is no snapshot of use. Nothing of what is folded in so is sent again.

A snapshot at an offset is kept only when all that the records before it led to is durable. So
records before it that are given again, because the committed offset lags, are passed over.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from functools import partial
from itertools import chain, pairwise
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from store.snapshot import Snapshot
from streams import metrics
from streams.log_reader import Log
from streams.message import Record
from streams.patience import patiently
from streams.place import Handled, Mark, Origin, Place
from streams.remembering import Stage
from streams.snapshot import SnapshotShelf

log = structlog.get_logger(__name__)

TURN_SECONDS = 0.02
"""How long state is restored before others get their turn."""
_TURN_RECORDS = 4

BOUNDS_ATTEMPTS = 6
BOUNDS_WAIT_SECONDS = 1.0


class _PlaceLostError(Exception):
    """The partition went to another worker while its state was being restored."""


class History:
    """Keeps a stage's state in step with the records that it is given."""

    def __init__(
        self, name: str, stage: Stage, topic_log: Log, shelf: SnapshotShelf | None = None
    ) -> None:
        self.name = name
        self.stage = stage
        self.shelf = shelf if stage.basis else None
        self.basis = hashlib.sha256(f"{name}\n{stage.basis}".encode()).hexdigest()
        self.places: dict[Origin, Place] = {}
        self._log = topic_log

    async def handle(self, chunks: Iterable[list[Record]]) -> Handled:
        """Let the stage handle what was not handled before, with its state made fit for it.

        Records of a partition that was lost while its state was being restored lead to nothing:
        they are another worker's.
        """
        handled = Handled()
        for run in runs_of(chunks):
            origin = (run[0].topic, run[0].partition)
            place = self.places.get(origin)
            if place is None:
                place = self.places[origin] = Place(origin)
            try:
                rest = await self._catch_up(place, run)
            except _PlaceLostError:
                continue
            if rest:
                begin = time.perf_counter()
                place.position = None  # should the stage fail in the middle
                handled.outgoing.extend(self.stage.handle(rest))
                place.folded(rest[-1])
                place.work_seconds += time.perf_counter() - begin
                handled.shares.append((place, place.share()))
        return handled

    def keep_only(self, assigned: set[Origin]) -> None:
        """Drop the state of partitions that another worker has now."""
        for origin in self.places.keys() - assigned:
            del self.places[origin]
            self.stage.forget(*origin)

    def is_mine(self, place: Place) -> bool:
        """Whether the partition is still this worker's, and was all the while."""
        return self.places.get(place.origin) is place

    async def drop_foreign(self, place: Place) -> bool:
        """Drop the newest snapshot if it is of another topic of the same name; whether it was."""
        if self.shelf is None:
            return False
        snapshot = await self.shelf.find(self.name, *place.origin)
        if snapshot is None or await self._is_kept(place.origin, _mark_in(snapshot)):
            return False
        log.warning("snapshot of another topic dropped", stage=self.name, **_fields(place))
        await self.shelf.drop(snapshot)
        return True

    async def _catch_up(self, place: Place, run: list[Record]) -> list[Record]:
        """Make the state fit for a run of successive records; gives those still to be handled."""
        begin = time.perf_counter()
        if run[0].offset < place.delivered and not await self._is_kept(place.origin, place.last):
            log.warning("topic was made anew", stage=self.name, **_fields(place))
            place.restart()
        place.delivered = run[-1].offset + 1
        source, folded, rest = "", 0, run
        while rest := [record for record in rest if record.offset >= place.durable]:
            first = rest[0].offset
            if place.position is not None and place.position <= first:
                folded = await self._fold(place, place.position, first)
                break
            source = await self._restore(place, first)
        self._check(place)
        if source and self.stage.lookback != 0:
            seconds = time.perf_counter() - begin
            place.work_seconds += seconds
            metrics.RESTORES.labels(self.name, source).inc()
            metrics.RESTORE_SECONDS.labels(self.name).observe(seconds)
            log.info(
                "state restored",
                stage=self.name,
                **_fields(place),
                snapshot=place.kept,
                records=folded,
                seconds=round(seconds, 3),
            )
        return rest

    async def _restore(self, place: Place, before: int) -> str:
        """Begin with the newest snapshot of use, or with nothing; says with which."""
        place.position = place.last = place.kept = None
        place.under_way.clear()
        lookback = self.stage.lookback
        start = 0 if lookback is None else max(0, before - lookback)
        snapshot = await self._find(place, start)
        if snapshot is not None and self.shelf is not None:
            load = partial(self._load, self.shelf, place, snapshot)
            if not await patiently("snapshots in SQL", load):
                snapshot = None
        self._check(place)
        # Who gives out a record has committed those before it: they are durable.
        if snapshot is None:
            self.stage.forget(*place.origin)
            place.position = start
            place.durable = max(place.durable, before)
            return "topic"
        place.position = place.kept = snapshot.offset
        place.last = _mark_in(snapshot)
        place.durable = max(place.durable, before, snapshot.offset)
        await self._note_gap(place, snapshot.offset, before)
        return "snapshot"

    async def _fold(self, place: Place, start: int, end: int) -> int:
        """Fold in records that somebody handled before; says how many."""
        if start >= end:
            return 0
        folded = 0
        turn = time.perf_counter()
        async with aclosing(self._log.read(*place.origin, start, end)) as chunks:
            async for chunk in chunks:
                for at in range(0, len(chunk), _TURN_RECORDS):
                    self._check(place)
                    records = chunk[at : at + _TURN_RECORDS]
                    self.stage.restore(records)
                    place.folded(records[-1])
                    if time.perf_counter() - turn > TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn = time.perf_counter()
                folded += len(chunk)
        self._check(place)
        place.position = end
        return folded

    async def _find(self, place: Place, start: int) -> Snapshot | None:
        """The newest snapshot, if it was made on this basis, of this topic, and reaches so far."""
        shelf = self.shelf
        if shelf is None:
            return None
        # To go on without it while SQL is away would be to forget what it holds.
        await patiently("snapshots in SQL", partial(self.drop_foreign, place))
        snapshot = await patiently(
            "snapshots in SQL", partial(shelf.find, self.name, *place.origin)
        )
        if snapshot is None:
            return None
        if snapshot.basis != self.basis:
            log.info("snapshot of other rules passed over", stage=self.name, **_fields(place))
            return None
        return snapshot if snapshot.offset >= start else None

    async def _load(self, shelf: SnapshotShelf, place: Place, snapshot: Snapshot) -> bool:
        """Load a snapshot; False where it cannot be read."""
        self.stage.forget(*place.origin)
        turn = time.perf_counter()
        try:
            async with aclosing(shelf.pieces(snapshot)) as pieces:
                async for piece in pieces:
                    self._check(place)
                    self.stage.load(*place.origin, piece)
                    if time.perf_counter() - turn > TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn = time.perf_counter()
        except (_PlaceLostError, SQLAlchemyError):
            raise
        except Exception as error:
            log.warning(
                "snapshot not readable",
                stage=self.name,
                **_fields(place),
                error=type(error).__name__,
            )
            return False
        return True

    async def _is_kept(self, origin: Origin, mark: Mark | None) -> bool:
        """Whether the topic has this record still, or had it before its retention ended."""
        if mark is None:
            return True
        for attempt in range(BOUNDS_ATTEMPTS):
            begin, end = await self._log.bounds(*origin)
            if begin > mark.offset:
                return True
            if end > mark.offset:
                break
            if attempt:  # a new leader may not tell of the newest at once
                await asyncio.sleep(BOUNDS_WAIT_SECONDS)
        else:
            return False
        async with aclosing(self._log.read(*origin, mark.offset, mark.offset + 1)) as chunks:
            async for chunk in chunks:
                return mark.is_of(chunk[0])
        return True

    async def _note_gap(self, place: Place, start: int, end: int) -> None:
        """Say so if the topic lost records before they could be folded in."""
        if start >= end:
            return
        begin, _ = await self._log.bounds(*place.origin)
        if missing := max(0, min(begin, end) - start):
            metrics.MISSING_RECORDS.labels(self.name).inc(missing)
            log.warning(
                "the topic lost records since the snapshot",
                stage=self.name,
                **_fields(place),
                records=missing,
            )

    def _check(self, place: Place) -> None:
        if not self.is_mine(place):
            raise _PlaceLostError


def runs_of(chunks: Iterable[list[Record]]) -> Iterator[list[Record]]:
    """Join chunks, each of one partition and in order, to runs of successive records."""
    by_partition: dict[Origin, list[list[Record]]] = {}
    for chunk in chunks:
        runs = by_partition.setdefault((chunk[0].topic, chunk[0].partition), [])
        for run in _without_gaps(chunk):
            if runs and runs[-1][-1].offset + 1 == run[0].offset:
                runs[-1] = runs[-1] + run
            else:
                runs.append(run)
    return chain.from_iterable(by_partition.values())


def _without_gaps(chunk: list[Record]) -> Iterator[list[Record]]:
    if chunk[-1].offset - chunk[0].offset == len(chunk) - 1:
        yield chunk
        return
    begin = 0
    for index, (before, after) in enumerate(pairwise(chunk), 1):
        if after.offset != before.offset + 1:
            yield chunk[begin:index]
            begin = index
    yield chunk[begin:]


def _mark_in(snapshot: Snapshot) -> Mark:
    return Mark(offset=snapshot.offset - 1, at_ms=snapshot.last_at_ms, digest=snapshot.last_digest)


def _fields(place: Place) -> dict[str, Any]:
    return {"topic": place.origin[0], "partition": place.origin[1]}
