"""Which alerts are news, and to whom: a chunk of them kept and owed in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Update, bindparam, select, update

from contracts.alert import Alert, AlertStatus
from contracts.event import epoch_ms
from contracts.ids import ACTIONS, AlertId, CampaignId
from store.alert import alert_from, campaigns_of, note_campaigns, row_of
from store.debt import Debt, enqueue
from store.schema import alerts
from store.upsert import insert_into

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningInsert

MAX_ALERTS = 500
"""Alerts in one statement: SQLite takes 32,766 values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An alert, and the sinks that are to hear of it if it is news."""

    alert: Alert
    sinks: Sequence[str] = ()


def accept_alert(
    connection: Connection, alert: Alert, *, sinks: Sequence[str], now_ms: int
) -> Alert | None:
    """Keep what is new of one alert, as ``accept_alerts`` does.

    Returns:
        The alert under the revision that it was kept under; None for a repeat.
    """
    kept = accept_alerts(connection, [Offer(alert=alert, sinks=sinks)], now_ms=now_ms)
    return kept[0] if kept else None


def accept_alerts(connection: Connection, offers: Iterable[Offer], *, now_ms: int) -> list[Alert]:
    """Keep what is new of alerts and owe it to sinks, all or nothing, in the caller's transaction.

    A higher revision than the one kept is new. A desk that has lost its state knows less and gives
    lower ones, so an equal or a lower revision is either a repeat or the beginning of another
    history, and what it says decides: it is new if it goes beyond all that was accepted of this
    alert, by the time of its newest event, then by its action, accounts and risk, then by being
    closed. Then it is kept under the next revision. So an escalation is never taken for a repeat,
    and what was offered once, accepted or not, is owed to nobody a second time.

    What is kept says where the alert stands. What the sinks get says in its ``status`` what is new
    since the revision that was kept before; one that has nothing new for people to hear, such as
    another event of an account that they know of, is kept and owed to nobody.

    Several revisions of one alert come to what they would come to one after another, but only the
    newest is written: nobody could have got the others between.

    Returns:
        The alerts that were kept, each under the revision that it was kept under.
    """
    by_alert: dict[AlertId, list[Offer]] = {}
    # In one order everywhere, so that two workers do not wait for each other's rows; those of one
    # alert stay in the order they came.
    for offer in sorted(offers, key=lambda offer: offer.alert.alert_id):
        by_alert.setdefault(offer.alert.alert_id, []).append(offer)
    accepted: list[Alert] = []
    alert_ids = list(by_alert)
    for begin in range(0, len(alert_ids), MAX_ALERTS):
        part = {alert_id: by_alert[alert_id] for alert_id in alert_ids[begin : begin + MAX_ALERTS]}
        accepted += _accept(connection, part, now_ms)
    return accepted


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


@dataclass(kw_only=True, slots=True)
class _Story:
    """One alert as it is kept, and what a chunk adds to it.

    Attributes:
        kept: The newest revision.
        reach: Its furthest.
        was_kept: Whether SQL had a revision before.
    """

    kept: Alert | None = None
    reach: list[int] = field(default_factory=list)
    was_kept: bool = False
    accepted: list[Alert] = field(default_factory=list)
    debts: dict[str, Debt] = field(default_factory=dict)
    campaigns: set[CampaignId] = field(default_factory=set)

    def go_on(self, offers: Iterable[Offer]) -> None:
        """Take in offers one after another."""
        for offer in offers:
            news = self._news(offer.alert)
            if news is None:
                continue
            said = what_is_new(self.kept, news)
            if said is not None:
                self._owe(replace(news, status=said), offer.sinks)
            self.kept = news
            self.accepted.append(news)

    def _owe(self, told: Alert, sinks: Iterable[str]) -> None:
        for sink in sinks:
            before = self.debts.get(sink)
            self.debts[sink] = (
                Debt(sink=sink, alert=told, supersedes=self.was_kept)
                if before is None
                else before.followed_by(told)
            )

    def _news(self, alert: Alert) -> Alert | None:
        reach = _reach(alert)
        if self.kept is not None and alert.revision <= self.kept.revision:
            if reach <= self.reach:
                return None
            alert = replace(alert, revision=self.kept.revision + 1)
        self.reach = max(self.reach, reach)
        self.campaigns.update(campaigns_of(alert))
        return alert

    @property
    def row(self) -> dict[str, Any]:
        assert self.kept is not None  # of a first offer, all is news
        return {**row_of(self.kept), "reach": self.reach}


def _accept(connection: Connection, offers: dict[AlertId, list[Offer]], now_ms: int) -> list[Alert]:
    stories = {alert_id: _Story() for alert_id in offers}
    for alert_id, story in stories.items():
        story.go_on(offers[alert_id])
    # First of all a write: SQLite has one writer, and this is it.
    rows = [story.row for story in stories.values()]
    added = {row.alert_id for row in connection.execute(_adding(connection.dialect.name), rows)}
    if others := [alert_id for alert_id in offers if alert_id not in added]:
        for story in _known(connection, others):
            assert story.kept is not None
            alert_id = story.kept.alert_id
            stories[alert_id] = story
            story.go_on(offers[alert_id])
        changed = [stories[alert_id].row for alert_id in others if stories[alert_id].accepted]
        if changed:
            connection.execute(_CHANGING, [{**row, "which": row["alert_id"]} for row in changed])
    told = [story for story in stories.values() if story.accepted]
    note_campaigns(
        connection,
        [(one, story.accepted[0].alert_id) for story in told for one in sorted(story.campaigns)],
    )
    enqueue(connection, [debt for story in told for debt in story.debts.values()], now_ms=now_ms)
    return [alert for story in told for alert in story.accepted]


def _known(connection: Connection, alert_ids: list[AlertId]) -> Iterator[_Story]:
    for row in connection.execute(_KNOWING, {"alert_ids": alert_ids}):
        kept = replace(alert_from(row.body), revision=row.revision)
        yield _Story(kept=kept, reach=max(row.reach or [], _reach(kept)), was_kept=True)


def _reach(alert: Alert) -> list[int]:
    """How far an alert's history has come: no revision that follows in it has less, as a rule."""
    return [
        epoch_ms(alert.updated_at),
        ACTIONS.index(alert.action),
        alert.account_count,
        alert.risk,
        int(alert.status == "closed"),
    ]


@cache
def _adding(dialect: str) -> ReturningInsert[tuple[AlertId]]:
    return insert_into(alerts, dialect).on_conflict_do_nothing().returning(alerts.c.alert_id)


_KNOWING: Select[tuple[AlertId, int, list[int] | None, dict[str, Any]]] = (
    select(alerts.c.alert_id, alerts.c.revision, alerts.c.reach, alerts.c.body)
    .where(alerts.c.alert_id.in_(bindparam("alert_ids", expanding=True)))
    .order_by(alerts.c.alert_id)
    .with_for_update()
)
_CHANGING: Update = (
    update(alerts)
    .where(alerts.c.alert_id == bindparam("which"))
    .values({one.name: bindparam(one.name) for one in alerts.c if one.name != "alert_id"})
)
