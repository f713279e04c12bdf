"""How far a worker has come with a partition: folded, handed out, durable, kept."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field

from contracts.screening import ScreeningJob
from streams.message import Outgoing, Record

Origin = tuple[str, int]
"""A topic and a partition of it."""

_DIGESTED_BYTES = 1_024
"""A pack names its batch at its beginning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A record by which a topic is known again, should another be made under its name.

    Attributes:
        digest: CRC-32 of the beginning of its value.
    """

    offset: int
    at_ms: int
    digest: int

    def is_of(self, record: Record) -> bool:
        """Whether it is this very record; another may have the same value, not the same time."""
        return (
            self.offset == record.offset
            and self.digest == _digest(record)
            and self.at_ms == record.timestamp_ms
        )


def mark_of(record: Record) -> Mark:
    """The mark that a record makes."""
    return Mark(offset=record.offset, at_ms=record.timestamp_ms, digest=_digest(record))


def _digest(record: Record) -> int:
    return zlib.crc32(record.value[:_DIGESTED_BYTES])


@dataclass(slots=True)
class Share:
    """A partition's share of what was handled at once."""

    end: int
    is_durable: bool = False


@dataclass(slots=True)
class Place:
    """How far a partition has come.

    Attributes:
        position: Its state is the fold of all records before; None while that is not so.
        durable: All that the records before it led to is durable.
        delivered: The end of what was last given to be handled.
        last: The last record that was folded in.
        kept: The offset of its newest snapshot; None where there is none of use.
        work_seconds: What it took to come from there to here.
        cost_seconds: What its newest snapshot took.
        due_at: When its next snapshot is due, by the monotonic clock; 0 for not known yet.
        not_before: Before this no snapshot is tried.
        under_way: What was handled and may not be durable yet, in order.
    """

    origin: Origin
    position: int | None = None
    durable: int = 0
    delivered: int = 0
    last: Mark | None = None
    kept: int | None = None
    work_seconds: float = 0.0
    cost_seconds: float = 0.0
    due_at: float = 0.0
    not_before: float = 0.0
    under_way: deque[Share] = field(default_factory=deque)

    def folded(self, record: Record) -> None:
        """Note the last record that was folded in."""
        self.position = record.offset + 1
        self.last = mark_of(record)

    def restart(self) -> None:
        """Know nothing any more: the topic is another one."""
        self.position = self.last = self.kept = None
        self.durable = self.delivered = 0
        self.under_way.clear()

    def share(self) -> Share:
        """Begin to wait for what the last records led to."""
        share = Share(end=self.position or 0)
        self.under_way.append(share)
        return share

    def advance(self) -> None:
        """Move on past all that is durable."""
        while self.under_way and self.under_way[0].is_durable:
            self.durable = max(self.durable, self.under_way.popleft().end)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """What some records led to, to be sent in order."""

    outgoing: list[Outgoing | ScreeningJob] = field(default_factory=list)
    shares: list[tuple[Place, Share]] = field(default_factory=list)

    def settle(self) -> None:
        """Say that all of it is durable; may be said out of order."""
        for place, share in self.shares:
            share.is_durable = True
            place.advance()
