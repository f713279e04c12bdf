"""What passes between agents: packs, one for each chunk and target partition."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from prometheus_client import Counter

from contracts.screening import Screening
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.reader import Reading
from detectors.ruling import Ruled
from detectors.velocity import Sighting

MAX_PACK_BYTES = 700_000
"""Larger packs are split: Kafka takes messages of up to 1 MiB."""

INGESTED_AT = "ingested-at-ms"
"""Header: when the event that led to this message was sent, epoch milliseconds."""

RETRY = "retry"
"""Header: this message comes from the dead letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchId:
    """Names a batch by the messages it was made of.

    Attributes:
        origin: ``TOPIC:PARTITION``.
        first: Offset of the first message.
        last: Offset of the last one.
        half: Which half of a batch that was too large for one message, ``0``, ``1``, ``01`` …;
            empty for a whole one.
    """

    origin: str
    first: int
    last: int
    half: str = ""

    def is_left_behind_by(self, later: BatchId) -> bool:
        """Whether it was broken off by a crash, now that its messages came again in another batch.

        Batches of one origin are sent in the order of their offsets, each when the one before is
        durable; so what still misses its readings when others of its place come gets none.
        """
        return (
            self.origin == later.origin
            and self.first <= later.first
            and (self.first, self.last) != (later.first, later.last)
        )

    def overlaps(self, other: BatchId) -> bool:
        """Whether both were made of the same messages in part; halves of one batch were not."""
        return (
            self.origin == other.origin
            and self.first <= other.last
            and other.first <= self.last
            and (self.first, self.last) != (other.first, other.last)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetPack:
    """Facets that belong to one partition of the facets topic.

    Attributes:
        batch: The events it came from.
        ingested_at_ms: When the oldest of these events was sent.
        asks: The partitions of accounts that await an answer.
    """

    batch: BatchId
    ingested_at_ms: int
    asks: tuple[int, ...]
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalPack:
    """Readings or signals for one partition of accounts.

    Attributes:
        batch: The events that it belongs to; None for signals about earlier events only.
        awaits: With readings: the facet partitions that answer before these can be settled.
        answers: With velocity's signals: the facet partition that answers, else -1.
        is_last: Whether the answer ends with this pack.
    """

    batch: BatchId | None = None
    ingested_at_ms: int
    readings: tuple[Reading, ...] = ()
    awaits: tuple[int, ...] = ()
    answers: int = -1
    is_last: bool = True
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePack:
    """What the alert desk needs of one settled batch.

    Attributes:
        source: The partition of accounts that it comes from; -1 for what comes from elsewhere, and
            says nothing about event time.
        watermark_ms: Event time that this partition has come to.
        verdicts: Those that are not plainly ``allow``, or that tie their account to others.
    """

    source: int = -1
    watermark_ms: int = 0
    ingested_at_ms: int
    verdicts: tuple[Verdict, ...] = ()
    screenings: tuple[Screening, ...] = ()
    decisions: tuple[Ruled, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message as it came from the broker.

    Attributes:
        timestamp_ms: When its producer sent it.
        ingested_at_ms: When the event that led to it was sent; 0 where that is not told.
        is_retry: It lay in the dead letters and was sent again: it is no repeat.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    ingested_at_ms: int = 0
    is_retry: bool = False


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message to be sent; without a partition it goes by its key.

    Attributes:
        counted: What goes up by one when it is sent, and not when state is restored.
    """

    topic: str
    value: bytes
    key: bytes | None = None
    partition: int | None = None
    ingested_at_ms: int = 0
    counted: tuple[Counter, ...] = ()
