"""What sinks are owed: rows of the outbox, written with the alerts that they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Update, bindparam, select, update

from contracts.alert import Alert
from contracts.ids import AlertId
from store.schema import deliveries
from store.upsert import insert_into

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert


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
