"""Validate, drop repeats, read; facets go to velocity, readings to the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from zlib import crc32

import msgspec
from msgspec.structs import replace

from contracts.errors import InvalidEvent
from contracts.event import Decision, Event, Upload, happened_at, parse_event
from contracts.ids import EventId
from contracts.screening import ScreeningJob
from detectors.reader import Reader, Reading
from detectors.repeat import Repeats
from detectors.scorer import uncounted
from detectors.sighting import Sightings, sighting_text
from detectors.watermark import Watermark
from streams import metrics
from streams.dead_letter import dead_letter, not_read
from streams.message import Outgoing, Record
from streams.pack import MAX_PACK_BYTES, BatchId, FacetPack, ReadingPack, encode_pack
from streams.topic import Topics, partition_of

STAGE = "intake"


MAX_AHEAD_MS = 300_000
"""How far an event may be ahead of the broker's clock; one that claims to be from further in the
future is taken to have happened when it was sent, so that one wrong clock moves no window."""

LOOKBACK = 50_000
"""Events of each partition whose repeats are known after a restart."""

IDS_PER_PIECE = 10_000
"""Ids in one piece of a snapshot: half a millisecond's work."""


class _Origin:
    """What is known of one partition: which events came before, and how far event time is."""

    def __init__(self, lateness_ms: int) -> None:
        self.repeats = Repeats(capacity=LOOKBACK)
        self.watermark = Watermark(lateness_ms)


class Intake:
    """Takes in events.

    Args:
        lateness_ms: By how much an event may be older than a newer one of its partition. A later
            one is scored by what it says itself, and kept on the late topic.
    """

    lookback = LOOKBACK
    basis = "event ids 2"

    def __init__(self, reader: Reader, topics: Topics, *, lateness_ms: int) -> None:
        self._reader = reader
        self._topics = topics
        self._lateness_ms = lateness_ms
        self._origins: dict[tuple[str, int], _Origin] = {}
        self._kinds = {topics.for_event(kind): kind for kind in ("signup", "post", "upload")}
        """By topic: what it carries."""

    def handle(self, records: list[Record]) -> Iterator[Outgoing | ScreeningJob]:
        """Take in a run; an upload also becomes a job for the media workers."""
        first, last = records[0], records[-1]
        readings = yield from self._read(self._origin(first.topic, first.partition), records)
        batch = BatchId(
            origin=f"{first.topic}:{first.partition}", first=first.offset, last=last.offset
        )
        sent_at_ms = min([record.timestamp_ms for record in records])
        yield from self._split(batch, sent_at_ms, readings)

    def _read(
        self, known: _Origin, chunk: list[Record]
    ) -> Generator[Outgoing | ScreeningJob, None, list[Reading]]:
        """Read what is new; what else a record leads to is given out on the way."""
        readings: list[Reading] = []
        outcomes: Counter[tuple[str, str]] = Counter()
        taken = yield from self._fresh(known, chunk, outcomes)
        for (record, event), reading in zip(taken, self._readings(taken), strict=True):
            if isinstance(reading, Exception):  # a bug in one detector costs one event
                yield not_read(self._topics, STAGE, record, reading)
                continue
            known.repeats.add(event.event_id)
            if known.watermark.late_by(reading.occurred_at_ms) and not record.is_retry:
                readings.append(uncounted(reading))
                outcomes[event.type, "late"] += 1
                yield Outgoing(topic=self._topics.late, key=record.key, value=record.value)
            else:
                readings.append(reading)
            if isinstance(event, Upload):
                yield _job(event)
        kind = self._kinds[chunk[0].topic]
        outcomes[kind, "read"] = len(readings)
        for labels, events in outcomes.items():
            metrics.EVENTS.labels(*labels).inc(events)
        return readings

    def _fresh(
        self, known: _Origin, chunk: list[Record], outcomes: Counter[tuple[str, str]]
    ) -> Generator[Outgoing, None, list[tuple[Record, Event]]]:
        """The events of a chunk that did not come before; what is none is put aside."""
        taken: list[tuple[Record, Event]] = []
        seen: set[EventId] = set()
        for record in chunk:
            try:
                event = self._event(record)
            except InvalidEvent as error:
                yield self._dead(record, error.reason)
                continue
            event_id = event.event_id
            if not record.is_retry and (event_id in seen or event_id in known.repeats):
                outcomes[event.type, "repeated"] += 1
                continue
            seen.add(event_id)
            taken.append((record, event))
        return taken

    def _readings(self, taken: list[tuple[Record, Event]]) -> Sequence[Reading | Exception]:
        """What each event says, or why it could not be read."""
        events = [event for _, event in taken]
        try:
            return self._reader.read_all(events)
        except Exception:  # which of them it was shows when each is read alone
            return [self._alone(event) for event in events]

    def _alone(self, event: Event) -> Reading | Exception:
        try:
            return self._reader.read(event)
        except Exception as error:  # told in the dead letter
            return error

    def forget(self, topic: str, partition: int) -> None:
        """Drop what is known of a partition."""
        self._origins.pop((topic, partition), None)

    def restore(self, records: list[Record]) -> None:
        """Know again which events came before."""
        for record in records:
            known = self._origin(record.topic, record.partition)
            with suppress(InvalidEvent):
                event = self._event(record)
                known.repeats.add(event.event_id)
                known.watermark.late_by(event.occurred_at_ms)

    def snapshot(self, topic: str, partition: int) -> Generator[bytes, None, None]:
        """The ids of the events that came before, the oldest first, and the newest time."""
        known = self._origin(topic, partition)
        newest_ms, ids = known.watermark.newest_ms, tuple(known.repeats)
        for begin in range(0, len(ids), IDS_PER_PIECE):
            yield msgspec.msgpack.encode((newest_ms, ids[begin : begin + IDS_PER_PIECE]))

    def load(self, topic: str, partition: int, piece: bytes) -> None:
        """Know ids again, and how far event time had come."""
        known = self._origin(topic, partition)
        newest_ms, ids = msgspec.msgpack.decode(piece, type=tuple[int, list[EventId]])
        known.watermark.late_by(newest_ms)
        for event_id in ids:
            known.repeats.add(event_id)

    def _origin(self, topic: str, partition: int) -> _Origin:
        known = self._origins.get((topic, partition))
        if known is None:
            known = self._origins[topic, partition] = _Origin(self._lateness_ms)
        return known

    def _event(self, record: Record) -> Event:
        event = parse_event(record.value)
        if isinstance(event, Decision) or event.type != self._kinds[record.topic]:
            reason = f"type {event.type} on {record.topic}: it belongs on its own topic"
            raise InvalidEvent(reason)
        return _not_from_the_future(event, record)

    def _split(
        self, batch: BatchId, ingested_at_ms: int, readings: list[Reading]
    ) -> Iterator[Outgoing]:
        """Pack the readings, in as many batches as it takes for each message to be small enough."""
        packs = list(self._packs(batch, ingested_at_ms, readings))
        if len(readings) < 2 or all(len(pack.value) <= MAX_PACK_BYTES for pack in packs):  # noqa: PLR2004 -- one cannot be split
            yield from packs
            return
        middle = len(readings) // 2
        for half, part in enumerate((readings[:middle], readings[middle:])):
            name = replace(batch, half=f"{batch.half}{half}")
            yield from self._split(name, ingested_at_ms, part)

    def _packs(
        self, batch: BatchId, ingested_at_ms: int, readings: list[Reading]
    ) -> Iterator[Outgoing]:
        partitions = self._topics.partitions
        targets = [Sightings() for _ in range(partitions)]
        rows = [
            (one.facets.append, one.times_ms.append, one.texts.append, one.shown.append)
            for one in targets
        ]
        told: dict[int, list[Reading]] = {}
        pairs = bytearray(partitions * partitions)  # 1 where facets of an account go to a target
        shows = self._reader.shows
        for reading in readings:
            account = partition_of(reading.account_id, partitions)
            at_ms = reading.occurred_at_ms
            told.setdefault(account, []).append(
                Reading(
                    event_id=reading.event_id,
                    account_id=reading.account_id,
                    occurred_at_ms=at_ms,
                    signals=reading.signals,
                )
            )
            text = sighting_text(at_ms, reading.account_id, reading.event_id)
            for facet in reading.facets:
                target = crc32(facet.encode()) % partitions  # as partition_of, which is a call more
                add_facet, add_time, add_text, add_shown = rows[target]
                add_facet(facet)
                add_time(at_ms)
                add_text(text)
                if shows:
                    add_shown((reading.values, reading.is_new))
                pairs[account * partitions + target] = 1
        for target, seen in enumerate(targets):
            if not seen.facets:
                continue
            pack = FacetPack(
                batch=batch,
                ingested_at_ms=ingested_at_ms,
                asks=tuple(
                    account for account in sorted(told) if pairs[account * partitions + target]
                ),
                sightings=seen,
            )
            yield Outgoing(
                topic=self._topics.facets, partition=target, value=encode_pack(pack), joins=True
            )
        for account, own in told.items():
            own_pack = ReadingPack(
                batch=batch,
                ingested_at_ms=ingested_at_ms,
                awaits=tuple(
                    target for target in range(partitions) if pairs[account * partitions + target]
                ),
                readings=tuple(own),
            )
            yield Outgoing(
                topic=self._topics.signals,
                partition=account,
                value=encode_pack(own_pack),
                joins=True,
                counted=metrics.counted(signal for reading in own for signal in reading.signals),
            )

    def _dead(self, record: Record, reason: str) -> Outgoing:
        return dead_letter(self._topics, STAGE, record, reason)


def _not_from_the_future(event: Event, record: Record) -> Event:
    if event.occurred_at_ms <= record.timestamp_ms + MAX_AHEAD_MS:
        return event
    metrics.EVENTS.labels(event.type, "future").inc()
    return happened_at(event, record.timestamp_ms)


def _job(upload: Upload) -> ScreeningJob:
    return ScreeningJob(
        event_id=upload.event_id,
        account_id=upload.account_id,
        upload_id=upload.upload_id,
        occurred_at=upload.occurred_at,
        uri=upload.uri,
        title=upload.title,
        sha256=upload.sha256,
        country=upload.country,
    )
