"""The outbox: which revision of which alert each sink has still to get.

Rows are written in the transaction that saves the alert (the transactional outbox pattern), so an
alert that was accepted reaches its sinks also after a crash. Delivery is at least once.

For one sink and one alert, revisions go out in order, one at a time, and a newer one supersedes
those that nobody has begun to deliver: it says all that they said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Select, Update, bindparam, delete, exists, func, select, update

from contracts.alert import Alert
from contracts.ids import AlertId
from store.schema import deliveries
from store.upsert import insert_into

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Debt:
    """A revision that is owed to a sink.

    Attributes:
        alert: Its ``status`` is what the sink is told.
        supersedes: Whether older revisions of the alert may be owed in SQL.
        was_closed: Whether it stands for an older one too that told of a closing: what came before
            that has ended.
    """

    sink: str
    alert: Alert
    supersedes: bool = True
    was_closed: bool = False

    def followed_by(self, alert: Alert) -> Debt:
        """What is owed when a newer revision supersedes this one."""
        return replace(
            self,
            alert=_opening(alert) if self.alert.status == "opened" else alert,
            was_closed=self.was_closed or self.alert.status == "closed",
        )


def enqueue(connection: Connection, debts: Iterable[Debt], *, now_ms: int) -> None:
    """Owe revisions to sinks, in the caller's transaction; a repeat changes nothing.

    Older revisions of an alert that the same sink has not begun to get, or has failed to get, are
    superseded. Where one of these would have told the sink that the alert was opened, the newer one
    tells it: nobody's first word of an alert is that it has grown.

    Args:
        connection: To the database.
        debts: At most one for each sink and alert.
        now_ms: The present, epoch milliseconds.
    """
    owed = {(debt.sink, debt.alert.alert_id): debt for debt in debts}
    older = [debt for debt in owed.values() if debt.supersedes]
    news = _supersede(connection, older, now_ms) if older else set()
    rows = [
        {
            "sink": debt.sink,
            "alert_id": debt.alert.alert_id,
            "revision": debt.alert.revision,
            "body": _opening(debt.alert)
            if (debt.sink, debt.alert.alert_id) in news and not debt.was_closed
            else debt.alert,
            "status": "due",
            "due_at_ms": now_ms,
        }
        for debt in owed.values()
    ]
    if rows:
        connection.execute(_owing(connection.dialect.name), rows)


def _opening(alert: Alert) -> Alert:
    """The first word of an alert that somebody hears."""
    return alert if alert.status == "closed" else replace(alert, status="opened")


def _supersede(
    connection: Connection, debts: Iterable[Debt], now_ms: int
) -> set[tuple[str, AlertId]]:
    """Take back what newer debts say as well; give those of which somebody was to hear first."""
    newest = {(debt.sink, debt.alert.alert_id): debt.alert.revision for debt in debts}
    rows = connection.execute(
        _UNBEGUN,
        {
            "sinks": sorted({sink for sink, _ in newest}),
            "alert_ids": sorted({alert_id for _, alert_id in newest}),
            "now_ms": now_ms,
        },
    )
    superseded = [row for row in rows if row.revision < newest.get((row.sink, row.alert_id), 0)]
    if superseded:
        connection.execute(
            _SUPERSEDING, [{"which": row.id, "finished_at_ms": now_ms} for row in superseded]
        )
    return {(row.sink, row.alert_id) for row in superseded if row.body["status"] == "opened"}


def claim_due(
    connection: Connection, sink: str, *, now_ms: int, lease_seconds: float, limit: int = 1
) -> tuple[Delivery, ...]:
    """Take what is due for a sink, longest due first, and lease it.

    Until the lease ends no other worker gets it; after that, whoever comes first. An alert whose
    older revision is still on its way is left until that one has ended.
    """
    older = deliveries.alias("older")
    picked = (
        select(deliveries.c.id)
        .where(
            deliveries.c.sink == sink,
            deliveries.c.status == "due",
            deliveries.c.due_at_ms <= now_ms,
            deliveries.c.leased_until_ms <= now_ms,
            ~exists().where(
                older.c.sink == deliveries.c.sink,
                older.c.alert_id == deliveries.c.alert_id,
                older.c.revision < deliveries.c.revision,
                older.c.status == "due",
            ),
        )
        .order_by(deliveries.c.due_at_ms, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has one writer and leaves this out
        .cte("picked")
    )
    claimed = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(select(picked.c.id)))
        .values(
            attempts=deliveries.c.attempts + 1,
            leased_until_ms=now_ms + round(lease_seconds * 1_000),
        )
        .returning(
            deliveries.c.id, deliveries.c.body, deliveries.c.attempts, deliveries.c.due_at_ms
        )
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


def mark_done(connection: Connection, delivery: Delivery, *, now_ms: int) -> bool:
    """Note that the sink has it.

    Returns:
        Whether the lease was still this worker's.
    """
    return _settle(
        connection,
        _held(delivery).values(
            status="done", leased_until_ms=0, last_error="", finished_at_ms=now_ms
        ),
    )


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


def _held(delivery: Delivery) -> Update:
    return update(deliveries).where(
        deliveries.c.id == delivery.id,
        deliveries.c.status == "due",
        deliveries.c.attempts == delivery.attempt,
    )


def _settle(connection: Connection, statement: Update) -> bool:
    return connection.execute(statement).rowcount == 1


@cache
def _owing(dialect: str) -> Insert:
    return insert_into(deliveries, dialect).on_conflict_do_nothing()


_UNBEGUN: Select[tuple[int, str, AlertId, int, dict[str, Any]]] = (
    select(
        deliveries.c.id,
        deliveries.c.sink,
        deliveries.c.alert_id,
        deliveries.c.revision,
        deliveries.c.body,
    )
    .where(
        deliveries.c.sink.in_(bindparam("sinks", expanding=True)),
        deliveries.c.alert_id.in_(bindparam("alert_ids", expanding=True)),
        deliveries.c.status.in_(("due", "failed")),
        deliveries.c.leased_until_ms <= bindparam("now_ms"),
    )
    .order_by(deliveries.c.id)
    .with_for_update()
)
_SUPERSEDING: Update = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("which"))
    .values(status="superseded", finished_at_ms=bindparam("finished_at_ms"))
)
