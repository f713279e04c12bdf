"""Alerts in SQL: the newest revision of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select, tuple_

from contracts.alert import Alert, AlertKind, AlertStatus
from contracts.event import epoch_ms
from contracts.ids import Action, AlertId, CampaignId
from store.schema import alert_campaigns, alerts
from store.upsert import insert, insert_into

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert

MAX_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertCursor:
    """Where a page of alerts ended: the next begins after it, whatever was added meanwhile."""

    updated_at_ms: int
    alert_id: AlertId


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertPage:
    """Some alerts, newest first, and where the next page begins (None on the last)."""

    alerts: tuple[Alert, ...]
    after: AlertCursor | None


def save_alert(connection: Connection, alert: Alert) -> bool:
    """Keep a revision of an alert, in the caller's transaction.

    A higher revision than the one kept replaces it; an equal or a lower one changes nothing, so a
    repeat is harmless.

    Returns:
        Whether it was kept.
    """
    row = row_of(alert)
    statement = insert(connection, alerts).values(row)
    statement = statement.on_conflict_do_update(
        index_elements=[alerts.c.alert_id],
        set_={name: statement.excluded[name] for name in row if name != "alert_id"},
        where=alerts.c.revision < statement.excluded.revision,
    )
    kept = connection.execute(statement.returning(alerts.c.alert_id)).first() is not None
    if kept:
        note_campaigns(connection, [(one, alert.alert_id) for one in campaigns_of(alert)])
    return kept


def get_alert(connection: Connection, alert_id: AlertId) -> Alert | None:
    """The newest revision of an alert."""
    body = connection.scalar(select(alerts.c.body).where(alerts.c.alert_id == alert_id))
    return None if body is None else alert_from(body)


def list_alerts(
    connection: Connection,
    *,
    kind: AlertKind | None = None,
    status: AlertStatus | None = None,
    action: Action | None = None,
    campaign_id: CampaignId | None = None,
    after: AlertCursor | None = None,
    limit: int = 50,
) -> AlertPage:
    """The alerts that were last updated, newest first; a page holds at most ``MAX_PAGE``.

    Args:
        connection: To the database.
        kind: Only these, as with the next two.
        status: Where they stand.
        action: The strictest of their accounts.
        campaign_id: Those that tell of the campaign which a verdict names so.
        after: Where the page before ended.
        limit: Alerts in a page.
    """
    limit = max(1, min(limit, MAX_PAGE))
    query = (
        select(alerts.c.body, alerts.c.updated_at_ms, alerts.c.alert_id)
        .order_by(alerts.c.updated_at_ms.desc(), alerts.c.alert_id.desc())
        .limit(limit + 1)
    )
    for column, wanted in (
        (alerts.c.kind, kind),
        (alerts.c.status, status),
        (alerts.c.action, action),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if campaign_id is not None:
        query = query.where(tells_of(campaign_id))
    if after is not None:
        query = query.where(
            tuple_(alerts.c.updated_at_ms, alerts.c.alert_id)
            < tuple_(after.updated_at_ms, after.alert_id)
        )
    rows = connection.execute(query).all()
    page, more = rows[:limit], len(rows) > limit
    return AlertPage(
        alerts=tuple(alert_from(row.body) for row in page),
        after=AlertCursor(updated_at_ms=page[-1].updated_at_ms, alert_id=page[-1].alert_id)
        if more
        else None,
    )


def tells_of(campaign_id: CampaignId) -> ColumnElement[bool]:
    """The condition that an alert tells of the campaign which a verdict names so."""
    named = select(alert_campaigns.c.alert_id).where(alert_campaigns.c.campaign_id == campaign_id)
    return alerts.c.alert_id.in_(named)


def alert_from(body: dict[str, Any]) -> Alert:
    """An alert from the JSON values of its column."""
    return msgspec.convert(body, Alert)


def campaigns_of(alert: Alert) -> dict[CampaignId, None]:
    """The campaigns that an alert tells of."""
    return dict.fromkeys((*alert.campaign_ids, *filter(None, [alert.campaign_id])))


def note_campaigns(connection: Connection, told: Iterable[tuple[CampaignId, AlertId]]) -> None:
    """Keep which alert tells of which campaign; what is kept already stays."""
    rows = [{"campaign_id": one, "alert_id": alert_id} for one, alert_id in told]
    if rows:
        connection.execute(_noting(connection.dialect.name), rows)


def row_of(alert: Alert) -> dict[str, Any]:
    """The columns of a revision, but for how far the alert has come."""
    return {
        "alert_id": alert.alert_id,
        "revision": alert.revision,
        "kind": alert.kind,
        "status": alert.status,
        "action": alert.action,
        "risk": alert.risk,
        "title": alert.title.replace("\x00", ""),  # PostgreSQL has no NUL in its texts
        "account_count": alert.account_count,
        "campaign_id": alert.campaign_id,
        "opened_at_ms": epoch_ms(alert.opened_at),
        "updated_at_ms": epoch_ms(alert.updated_at),
        "body": alert,
    }


@cache
def _noting(dialect: str) -> Insert:
    return insert_into(alert_campaigns, dialect).on_conflict_do_nothing()
