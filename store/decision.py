"""What reviewers decided, kept for good: the audit trail, and the labels tuning learns from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, inspect, select

from contracts.event import Decision, epoch_ms, from_epoch_ms
from contracts.ids import AlertId
from store.schema import decisions
from store.upsert import insert


def save_decision(connection: Connection, decision: Decision) -> bool:
    """Keep a decision, in the caller's transaction; one with a known id changes nothing.

    Returns:
        Whether it was kept.
    """
    kept = connection.execute(
        insert(connection, decisions)
        .values(
            decision_id=decision.decision_id,
            occurred_at_ms=epoch_ms(decision.occurred_at),
            action=decision.action,
            reviewer=decision.reviewer,
            reason=decision.reason.replace("\x00", ""),  # PostgreSQL has no NUL in its texts
            alert_id=decision.alert_id,
            account_ids=list(decision.account_ids),
        )
        .on_conflict_do_nothing()
        .returning(decisions.c.decision_id)
    )
    return kept.first() is not None


def list_decisions(
    connection: Connection, *, alert_id: AlertId | None = None, limit: int = 100
) -> tuple[Decision, ...]:
    """The latest decisions, newest first; those on one alert where it is named."""
    query = (
        select(decisions)
        .order_by(decisions.c.occurred_at_ms.desc(), decisions.c.decision_id.desc())
        .limit(limit)
    )
    if alert_id is not None:
        query = query.where(decisions.c.alert_id == alert_id)
    return tuple(_decision(row) for row in connection.execute(query))


def every_decision(connection: Connection) -> Iterator[Decision]:
    """All decisions that are kept, the oldest first; none where there is no such table yet."""
    if not inspect(connection).has_table(decisions.name):
        return
    query = select(decisions).order_by(decisions.c.occurred_at_ms, decisions.c.decision_id)
    for row in connection.execute(query):
        yield _decision(row)


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        decision_id=row.decision_id,
        occurred_at=from_epoch_ms(row.occurred_at_ms),
        action=row.action,
        reviewer=row.reviewer,
        reason=row.reason,
        alert_id=row.alert_id,
        account_ids=tuple(row.account_ids),
    )
