"""What an agent reads and sends: single messages, as the broker has them."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from prometheus_client import Counter

INGESTED_AT = "ingested-at-ms"
"""Header: when the event that led to this message was sent, epoch milliseconds."""

RETRY = "retry"
"""Header: this message comes from the dead letters."""


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
        joins: It is a pack, and may share a message with others to the same partition
            (``streams.pack``).
        counted: What goes up, and by how much, when it is sent; not when state is restored.
    """

    topic: str
    value: bytes
    key: bytes | None = None
    partition: int | None = None
    joins: bool = False
    ingested_at_ms: int = 0
    counted: tuple[tuple[Counter, int], ...] = ()


def record_of(tp: tuple[str, int], message: Any) -> Record:
    """A record of ours of one that aiokafka has unpacked, of a topic and a partition."""
    told = dict(message.headers) if message.headers else {}
    topic, partition = tp
    return Record(
        topic=topic,
        partition=partition,
        offset=message.offset,
        timestamp_ms=message.timestamp or time.time_ns() // 1_000_000,
        key=message.key,
        value=message.value or b"",
        ingested_at_ms=_whole_number(told[INGESTED_AT]) if INGESTED_AT in told else 0,
        is_retry=RETRY in told,
    )


def _whole_number(header: bytes) -> int:
    """Read a header of ours; a foreign one says nothing."""
    return int(header) if header.isdigit() else 0
