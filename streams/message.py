"""What passes between agents: packs, one for each chunk and target partition."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import Counter

from contracts.screening import Screening
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.reader import Reading
from detectors.velocity import FacetSighting

INGESTED_AT = "ingested-at-ms"
"""Header: when the event that led to this message was sent, epoch milliseconds."""

RETRY = "retry"
"""Header: this message comes from the dead letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetPack:
    """Facets that belong to one partition of the facets topic.

    Attributes:
        batch: Names the chunk of events it came from: ``TOPIC:PARTITION:FIRST_OFFSET``.
        ingested_at_ms: When the oldest of these events came to the broker.
    """

    batch: str
    ingested_at_ms: int
    sightings: tuple[FacetSighting, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalPack:
    """Readings or signals for one partition of accounts.

    Attributes:
        batch: The chunk of events that it belongs to; empty for one that belongs to none.
        awaits: With readings: the facet partitions that answer before these can be settled.
        answers: With velocity's signals: the facet partition that answers, else -1.
    """

    batch: str = ""
    ingested_at_ms: int
    readings: tuple[Reading, ...] = ()
    awaits: tuple[int, ...] = ()
    answers: int = -1
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePack:
    """What the alert desk needs of one settled batch.

    Attributes:
        watermark_ms: Event time that this partition has come to.
        verdicts: Those that are not plainly ``allow``.
    """

    watermark_ms: int
    ingested_at_ms: int
    verdicts: tuple[Verdict, ...] = ()
    screenings: tuple[Screening, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
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
