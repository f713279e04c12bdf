"""What became of an alert: the revisions that were sent out, and to whom."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from contracts.alert import Alert
from contracts.ids import AlertId
from store.alert import alert_from
from store.schema import deliveries

MAX_REVISIONS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One revision as it went out.

    Attributes:
        sent: Sinks by what became of it there: ``done``, ``due``, ``failed``, ``superseded``.
    """

    alert: Alert
    sent: tuple[tuple[str, str], ...]


def revisions_of(connection: Connection, alert_id: AlertId) -> tuple[Revision, ...]:
    """The revisions that the outbox still knows, newest first.

    Old deliveries are pruned, and without a sink there are none: what is missing here was not
    lost, it was not kept.
    """
    rows = connection.execute(
        select(deliveries.c.revision, deliveries.c.sink, deliveries.c.status, deliveries.c.body)
        .where(deliveries.c.alert_id == alert_id)
        .order_by(deliveries.c.revision.desc(), deliveries.c.sink)
        .limit(MAX_REVISIONS * 8)  # sinks
    )
    bodies: dict[int, Alert] = {}
    sent: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        if row.revision not in bodies:
            bodies[row.revision] = alert_from(row.body)
        sent.setdefault(row.revision, []).append((row.sink, row.status))
    return tuple(
        Revision(alert=alert, sent=tuple(sent[number]))
        for number, alert in list(bodies.items())[:MAX_REVISIONS]
    )
