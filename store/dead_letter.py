"""Dead letters in SQL: kept to be looked at and sent again, and for no longer than that."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from contracts.dead_letter import DeadLetter
from contracts.event import epoch_ms, from_epoch_ms
from store.schema import dead_letters
from store.upsert import insert


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDeadLetter:
    """A dead letter with the number it is asked for by, and when it was last sent again."""

    id: int
    letter: DeadLetter
    retried_at: datetime | None


def save_dead_letter(connection: Connection, letter: DeadLetter) -> bool:
    """Keep a dead letter, in the caller's transaction.

    The same message from the same topic, partition and offset changes nothing: one that is read
    twice dies once. The message counts too, because a broker that lost its log begins again at
    offset 0, as the embedded one does at each start.

    Returns:
        Whether it was kept.
    """
    kept = connection.execute(
        insert(connection, dead_letters)
        .values(
            reason=letter.reason.replace("\x00", ""),  # PostgreSQL has no NUL in its texts
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            key=letter.key,
            value=letter.value,
            failed_at_ms=epoch_ms(letter.failed_at),
            digest=_digest(letter),
        )
        .on_conflict_do_nothing()
        .returning(dead_letters.c.id)
    )
    return kept.first() is not None


def list_dead_letters(
    connection: Connection,
    *,
    retried: bool | None = False,
    topic: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> tuple[StoredDeadLetter, ...]:
    """Dead letters, newest first.

    Args:
        connection: Any.
        retried: Only those not sent again (False), sent again (True), or all (None).
        topic: Only those of a topic.
        before_id: Only those kept before this one: the last of the page before.
        limit: How many at most.
    """
    query = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
    if retried is not None:
        never = dead_letters.c.retried_at_ms.is_(None)
        query = query.where(~never if retried else never)
    if topic is not None:
        query = query.where(dead_letters.c.topic == topic)
    if before_id is not None:
        query = query.where(dead_letters.c.id < before_id)
    return tuple(_stored(row) for row in connection.execute(query))


def get_dead_letter(connection: Connection, letter_id: int) -> StoredDeadLetter | None:
    """One dead letter."""
    row = connection.execute(select(dead_letters).where(dead_letters.c.id == letter_id)).first()
    return None if row is None else _stored(row)


def mark_retried(connection: Connection, letter_ids: Collection[int], *, now_ms: int) -> int:
    """Note that dead letters were sent again.

    Returns:
        How many were known.
    """
    marked = connection.execute(
        update(dead_letters)
        .where(dead_letters.c.id.in_(list(letter_ids)))
        .values(retried_at_ms=now_ms)
    )
    return marked.rowcount


def count_dead_letters(connection: Connection) -> int:
    """How many were not sent again."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(dead_letters)
            .where(dead_letters.c.retried_at_ms.is_(None))
        )
        or 0
    )


def prune_dead_letters(
    connection: Connection, *, failed_before_ms: int, retried_before_ms: int
) -> int:
    """Forget what failed before one time, and what was sent again before another.

    A dead letter holds the whole message, with what personal data there is in it.

    Returns:
        How many.
    """
    pruned = connection.execute(
        delete(dead_letters).where(
            or_(
                dead_letters.c.failed_at_ms < failed_before_ms,
                dead_letters.c.retried_at_ms < retried_before_ms,
            )
        )
    )
    return pruned.rowcount


def _digest(letter: DeadLetter) -> str:
    origin = f"{letter.topic}\x1f{letter.partition}\x1f{letter.offset}\x1f".encode()
    return hashlib.sha256(origin + letter.value).hexdigest()


def _stored(row: Row[Any]) -> StoredDeadLetter:
    return StoredDeadLetter(
        id=row.id,
        letter=DeadLetter(
            reason=row.reason,
            topic=row.topic,
            partition=row.partition,
            offset=row.offset,
            value=bytes(row.value),
            key=None if row.key is None else bytes(row.key),
            failed_at=from_epoch_ms(row.failed_at_ms),
        ),
        retried_at=None if row.retried_at_ms is None else from_epoch_ms(row.retried_at_ms),
    )
