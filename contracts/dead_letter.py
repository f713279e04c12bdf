"""What could not be handled, kept with its reason until somebody sends it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message as it came, why it was put aside, and where it came from.

    Attributes:
        topic: Where it is sent again to: a Kafka topic, of which partition and offset tell the
            origin.
        value: The message, byte for byte.
    """

    reason: str
    topic: str
    partition: int
    offset: int
    value: bytes
    key: bytes | None = None
    failed_at: datetime
