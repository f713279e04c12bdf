"""The outbox: which revision of which alert each sink has still to get.

Rows are written in the transaction that saves the alert (the transactional outbox pattern), so an
alert that was accepted reaches its sinks also after a crash. Delivery is at least once.

For one sink and one alert, revisions go out in order, one at a time, and a newer one supersedes
those that nobody has begun to deliver: it says all that they said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    Connection,
    Integer,
    Update,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from contracts.alert import Alert
from contracts.ids import AlertId
from store.schema import deliveries

MAX_ERROR_CHARS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One revision of one alert on its way to one sink, under a lease.

    Attributes:
        attempt: From 1. It fences the lease too: what a worker says of an attempt that another
            has since begun anew changes nothing.
    """

    id: int
    sink: str
    alert: Alert
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedDelivery:
    """A delivery that was given up, until somebody requeues it."""

    sink: str
    alert_id: AlertId
    revision: int
    attempts: int
    error: str
    finished_at_ms: int


def claim_due(
    connection: Connection, sink: str, *, now_ms: int, lease_seconds: float, limit: int = 1
) -> tuple[Delivery, ...]:
    """Take what is due for a sink, longest due first, and lease it.

    Until the lease ends no other worker gets it; after that, whoever comes first. An alert whose
    older revision is still on its way is left until that one has ended.

    Args:
        connection: To the database.
        sink: Whose.
        now_ms: The present, epoch milliseconds.
        lease_seconds: How long they are this worker's.
        limit: How many at most.
    """
    claimed = connection.execute(
        _CLAIMING,
        {
            "for_sink": sink,
            "now_ms": now_ms,
            "leased_until_ms": now_ms + round(lease_seconds * 1_000),
            "most": limit,
        },
    ).all()
    return tuple(
        Delivery(
            id=row.id,
            sink=sink,
            alert=msgspec.convert(row.body, Alert),
            attempt=row.attempts,
        )
        for row in sorted(claimed, key=lambda row: (row.due_at_ms, row.id))
    )


def mark_done(connection: Connection, *arrived: Delivery, now_ms: int) -> int:
    """Note that the sink has them.

    Returns:
        Of how many the lease was still this worker's.
    """
    return _all_held(connection, _DONE, arrived, finished_at_ms=now_ms)


def retry_later(
    connection: Connection, delivery: Delivery, *, now_ms: int, due_at_ms: int, error: str
) -> bool:
    """Note a failed attempt and try again at ``due_at_ms``, unless a newer revision waits.

    Returns:
        Whether the lease was still this worker's.
    """
    newer = deliveries.alias("newer")
    superseded = connection.scalar(
        select(
            exists().where(
                newer.c.sink == delivery.sink,
                newer.c.alert_id == delivery.alert.alert_id,
                newer.c.revision > delivery.alert.revision,
            )
        )
    )
    return _settle(
        connection,
        _held(delivery).values(
            status="superseded" if superseded else "due",
            leased_until_ms=0,
            due_at_ms=due_at_ms,
            last_error=error[:MAX_ERROR_CHARS],
            finished_at_ms=now_ms if superseded else None,
        ),
    )


def release(connection: Connection, delivery: Delivery) -> bool:
    """Give a lease back: the attempt was broken off, and another worker may begin at once.

    Returns:
        Whether the lease was still this worker's.
    """
    return _settle(connection, _held(delivery).values(leased_until_ms=0))


def end_batch(
    connection: Connection,
    arrived: Sequence[Delivery],
    unbegun: Sequence[Delivery],
    *,
    broken_off: Delivery | None,
    now_ms: int,
) -> None:
    """Note what came of deliveries that were claimed together.

    Args:
        connection: To the database.
        arrived: The sink has them.
        unbegun: No attempt was made; another worker may begin at once.
        broken_off: The one that was under way, if a stop broke it off.
        now_ms: The present, epoch milliseconds.
    """
    mark_done(connection, *arrived, now_ms=now_ms)
    _all_held(connection, _GIVING_BACK, unbegun)
    if broken_off is not None:
        release(connection, broken_off)


def mark_failed(connection: Connection, delivery: Delivery, *, now_ms: int, error: str) -> bool:
    """Give a delivery up, with the reason, until somebody requeues it.

    Returns:
        Whether the lease was still this worker's.
    """
    return _settle(
        connection,
        _held(delivery).values(
            status="failed",
            leased_until_ms=0,
            last_error=error[:MAX_ERROR_CHARS],
            finished_at_ms=now_ms,
        ),
    )


def requeue_failed(connection: Connection, *, now_ms: int, sink: str | None = None) -> int:
    """Owe all failed deliveries (of one sink, or of all) anew, with all their attempts.

    Returns:
        How many.
    """
    statement = update(deliveries).where(deliveries.c.status == "failed")
    if sink is not None:
        statement = statement.where(deliveries.c.sink == sink)
    requeued = connection.execute(
        statement.values(status="due", attempts=0, due_at_ms=now_ms, finished_at_ms=None)
    )
    return requeued.rowcount


def list_failed(connection: Connection, *, limit: int = 100) -> tuple[FailedDelivery, ...]:
    """The deliveries that were given up, last given up first."""
    rows = connection.execute(
        select(deliveries)
        .where(deliveries.c.status == "failed")
        .order_by(deliveries.c.finished_at_ms.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    return tuple(
        FailedDelivery(
            sink=row.sink,
            alert_id=row.alert_id,
            revision=row.revision,
            attempts=row.attempts,
            error=row.last_error,
            finished_at_ms=row.finished_at_ms,
        )
        for row in rows
    )


def count_due(connection: Connection) -> dict[str, int]:
    """How many deliveries each sink has still to get; a sink that has all is left out."""
    rows = connection.execute(
        select(deliveries.c.sink, func.count().label("due"))
        .where(deliveries.c.status == "due")
        .group_by(deliveries.c.sink)
    )
    return {row.sink: row.due for row in rows}


def prune_finished(connection: Connection, *, before_ms: int) -> int:
    """Forget what was delivered or superseded before a time. The alerts themselves stay.

    Returns:
        How many deliveries.
    """
    pruned = connection.execute(
        delete(deliveries).where(
            deliveries.c.status.in_(("done", "superseded")),
            deliveries.c.finished_at_ms < before_ms,
        )
    )
    return pruned.rowcount


def _all_held(
    connection: Connection, statement: Update, held: Sequence[Delivery], **values: int
) -> int:
    if not held:
        return 0
    rows = [{"which": one.id, "attempt": one.attempt, **values} for one in held]
    return connection.execute(statement, rows if len(rows) > 1 else rows[0]).rowcount


def _held(delivery: Delivery) -> Update:
    return update(deliveries).where(
        deliveries.c.id == delivery.id,
        deliveries.c.status == "due",
        deliveries.c.attempts == delivery.attempt,
    )


def _settle(connection: Connection, statement: Update) -> bool:
    return connection.execute(statement).rowcount == 1


_older = deliveries.alias("older")
_picked = (
    select(deliveries.c.id)
    .where(
        deliveries.c.sink == bindparam("for_sink"),
        deliveries.c.status == "due",
        deliveries.c.due_at_ms <= bindparam("now_ms"),
        deliveries.c.leased_until_ms <= bindparam("now_ms"),
        ~exists().where(
            _older.c.sink == deliveries.c.sink,
            _older.c.alert_id == deliveries.c.alert_id,
            _older.c.revision < deliveries.c.revision,
            _older.c.status == "due",
        ),
    )
    .order_by(deliveries.c.due_at_ms, deliveries.c.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)  # SQLite has one writer and leaves this out
    .cte("picked")
)
_CLAIMING = (
    update(deliveries)
    .where(deliveries.c.id.in_(select(_picked.c.id)))
    .values(attempts=deliveries.c.attempts + 1, leased_until_ms=bindparam("leased_until_ms"))
    .returning(deliveries.c.id, deliveries.c.body, deliveries.c.attempts, deliveries.c.due_at_ms)
)
_HELD = update(deliveries).where(
    deliveries.c.id == bindparam("which"),
    deliveries.c.status == "due",
    deliveries.c.attempts == bindparam("attempt"),
)
_DONE = _HELD.values(
    status="done", leased_until_ms=0, last_error="", finished_at_ms=bindparam("finished_at_ms")
)
_GIVING_BACK = _HELD.values(leased_until_ms=0, attempts=deliveries.c.attempts - 1)
