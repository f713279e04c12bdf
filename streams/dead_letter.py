"""Putting aside what cannot be handled, so that the rest goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from contracts.dead_letter import DeadLetter
from contracts.wire import encode
from streams import metrics
from streams.errors import place_of
from streams.message import Outgoing, Record
from streams.topic import Topics

MAX_KEPT_BYTES = 2 * 1024**2
"""Of one message: in base64 it fits into ``MAX_DEAD_LETTER_BYTES``."""


def dead_letter(topics: Topics, stage: str, record: Record, reason: str) -> Outgoing:
    """Put a message aside, with its reason and its origin; one beyond all bounds is cut."""
    if len(record.value) > MAX_KEPT_BYTES:
        reason = f"{reason} (kept: the first {MAX_KEPT_BYTES} of {len(record.value)} bytes)"
    letter = DeadLetter(
        reason=reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value[:MAX_KEPT_BYTES],
        failed_at=datetime.now(UTC),
    )
    return Outgoing(
        topic=topics.dead_letters,
        value=encode(letter),
        counted=((metrics.DEAD_LETTERS.labels(stage), 1),),
    )


def not_read(topics: Topics, stage: str, record: Record, error: Exception) -> Outgoing:
    """Put an event aside that a detector failed on: a fault of ours, told by detector and place."""
    return dead_letter(topics, stage, record, f"not read: {type(error).__name__}{place_of(error)}")


def foreign(
    topics: Topics, stage: str, record: Record, kind: Any, error: msgspec.MsgspecError
) -> Outgoing:
    """Put a message aside that is not of the kind its topic carries.

    Only where it went wrong is told: msgspec's messages name fields and types, never values.
    """
    names = " or ".join(one.__name__ for one in get_args(kind) or (kind,))
    return dead_letter(topics, stage, record, f"not a {names}: {error}")
