"""How many alerts there are of each sort: the numbers on the filters and of the pages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_

from console.question import FIELDS, Question
from contracts.ids import CampaignId
from store.alert import tells_of
from store.schema import alerts


@dataclass(frozen=True, slots=True)
class Tally:
    """Alerts by kind, status and action."""

    counts: Counter[tuple[str, str, str]]

    def total(self, question: Question | None = None) -> int:
        """All of them, or those that a question's filters let through."""
        return self._count(_wanted(question)) if question else self.counts.total()

    def option(self, question: Question, field: str, word: str | None) -> int:
        """How many there would be with one filter changed to ``word``, or lifted by None."""
        wanted = list(_wanted(question))
        wanted[FIELDS.index(field)] = word
        return self._count(tuple(wanted))

    def _count(self, wanted: tuple[str | None, ...]) -> int:
        return sum(
            count
            for sort, count in self.counts.items()
            if all(word in {None, own} for word, own in zip(wanted, sort, strict=True))
        )


def tally_alerts(connection: Connection, campaign_id: CampaignId | None = None) -> Tally:
    """Count the alerts, all or those that tell of a campaign, in one query."""
    columns = (alerts.c.kind, alerts.c.status, alerts.c.action)
    query = select(*columns, func.count()).group_by(*columns)
    if campaign_id is not None:
        query = query.where(tells_of(campaign_id))
    rows = connection.execute(query)
    return Tally(Counter({(row[0], row[1], row[2]): row[3] for row in rows}))


def count_before(connection: Connection, question: Question) -> int:
    """How many alerts that pass the filters stand before the page that a question asks for."""
    if question.after is None:
        return 0
    place = (question.after.updated_at_ms, question.after.alert_id)
    query = (
        select(func.count())
        .select_from(alerts)
        .where(tuple_(alerts.c.updated_at_ms, alerts.c.alert_id) >= tuple_(*place))
    )
    for field in FIELDS:
        if word := getattr(question, field):
            query = query.where(alerts.c[field] == word)
    if question.campaign is not None:
        query = query.where(tells_of(question.campaign))
    return connection.scalar(query) or 0


def _wanted(question: Question) -> tuple[str | None, ...]:
    return tuple(getattr(question, field) for field in FIELDS)
