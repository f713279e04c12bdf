"""Alerts in SQL: the newest revision of each, with the outbox rows that carry it to the sinks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select, tuple_, update

from contracts import wire
from contracts.alert import Alert, AlertKind, AlertStatus
from contracts.event import epoch_ms
from contracts.ids import ACTIONS, Action, AlertId, CampaignId
from store.delivery import enqueue
from store.schema import alert_campaigns, alerts
from store.upsert import insert

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
    row = _row(alert)
    statement = insert(connection, alerts).values(row)
    statement = statement.on_conflict_do_update(
        index_elements=[alerts.c.alert_id],
        set_={name: statement.excluded[name] for name in row if name != "alert_id"},
        where=alerts.c.revision < statement.excluded.revision,
    )
    kept = connection.execute(statement.returning(alerts.c.alert_id)).first() is not None
    if kept:
        _note_campaigns(connection, alert)
    return kept


def accept_alert(
    connection: Connection, alert: Alert, *, sinks: Sequence[str], now_ms: int
) -> Alert | None:
    """Keep what is new of an alert and owe it to ``sinks``, both or neither.

    A higher revision than the one kept is new. A desk that has lost its state knows less and gives
    lower ones, so an equal or a lower revision is either a repeat or the beginning of another
    history, and what it says decides: it is new if it goes beyond all that was accepted of this
    alert, by the time of its newest event, then by its action, accounts and risk, then by being
    closed. Then it is kept under the next revision. So an escalation is never taken for a repeat,
    and what was offered once, accepted or not, is owed to nobody a second time.

    What is kept says where the alert stands. What the sinks get says in its ``status`` what is new
    since the revision that was kept before; one that has nothing new for people to hear, such as
    another event of an account that they know of, is kept and owed to nobody.

    Returns:
        The alert under the revision that it was kept under; None for a repeat.
    """
    before = get_alert(connection, alert.alert_id) if sinks else None
    kept = _keep_news(connection, alert)
    if kept is not None and sinks and (said := what_is_new(before, kept)) is not None:
        enqueue(connection, replace(kept, status=said), sinks=sinks, now_ms=now_ms)
    return kept


def what_is_new(before: Alert | None, alert: Alert) -> AlertStatus | None:
    """What a revision has to tell people who know the one before; None for nothing."""
    if before is None:
        return "closed" if alert.status == "closed" else "opened"
    if alert.status == "closed":
        is_known = before.status == "closed" and before.closed_because == alert.closed_because
        return None if is_known else "closed"
    if before.status == "closed":
        return "opened"
    if ACTIONS.index(alert.action) > ACTIONS.index(before.action):
        return "escalated"
    if alert.account_count > before.account_count or alert.matches != before.matches:
        return "grown"
    return None


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


def body_of(alert: Alert) -> dict[str, Any]:
    """The alert as on the wire, as JSON values for a column."""
    body: dict[str, Any] = json.loads(wire.encode(alert))
    return body


def alert_from(body: dict[str, Any]) -> Alert:
    """Read back what ``body_of`` wrote."""
    return msgspec.convert(body, Alert)


def _keep_news(connection: Connection, alert: Alert) -> Alert | None:
    reach = _reach(alert)
    added = connection.execute(  # first of all a write: SQLite has one writer, and this is it
        insert(connection, alerts)
        .values(**_row(alert), reach=reach)
        .on_conflict_do_nothing()
        .returning(alerts.c.alert_id)
    )
    if added.first() is not None:
        _note_campaigns(connection, alert)
        return alert
    kept = connection.execute(
        select(alerts.c.revision, alerts.c.reach, alerts.c.body)
        .where(alerts.c.alert_id == alert.alert_id)
        .with_for_update()
    ).one()
    reached = max(kept.reach or [], _reach(alert_from(kept.body)))
    if alert.revision <= kept.revision:
        if reach <= reached:
            return None
        alert = replace(alert, revision=kept.revision + 1)
    connection.execute(
        update(alerts)
        .where(alerts.c.alert_id == alert.alert_id)
        .values(**_row(alert), reach=max(reach, reached))
    )
    _note_campaigns(connection, alert)
    return alert


def _note_campaigns(connection: Connection, alert: Alert) -> None:
    named = dict.fromkeys((*alert.campaign_ids, *filter(None, [alert.campaign_id])))
    if named:
        connection.execute(
            insert(connection, alert_campaigns).on_conflict_do_nothing(),
            [{"campaign_id": one, "alert_id": alert.alert_id} for one in named],
        )


def _reach(alert: Alert) -> list[int]:
    """How far an alert's history has come: no revision that follows in it has less, as a rule."""
    return [
        epoch_ms(alert.updated_at),
        ACTIONS.index(alert.action),
        alert.account_count,
        alert.risk,
        int(alert.status == "closed"),
    ]


def _row(alert: Alert) -> dict[str, Any]:
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
        "body": body_of(alert),
    }
