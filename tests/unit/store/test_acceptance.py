"""A chunk of alerts is kept and owed as the same alerts would be one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, select

from contracts.alert import Alert
from contracts.ids import AlertId, CampaignId
from store.acceptance import Offer, accept_alert, accept_alerts
from store.alert import get_alert
from store.database import open_database
from store.delivery import claim_due, count_due, mark_failed
from store.schema import alert_campaigns, alerts, deliveries, metadata
from tests.alerts import CAMPAIGN, MEDIA, alert_like, grown_to
from tests.unit.store.test_alert import revisions

SINKS = ("s", "t")


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    engine = open_database("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    alert = draw(revisions())
    campaigns = draw(st.lists(st.sampled_from(["campaign-1", "campaign-2", "campaign-3"])))
    return Offer(
        alert=replace(
            alert,
            alert_id=AlertId(draw(st.sampled_from(["alert-1", "alert-2"]))),
            revision=draw(st.integers(1, 9)),
            campaign_ids=tuple(map(CampaignId, campaigns)),
            closed_because=draw(st.sampled_from(["", "quiet"])) if alert.status == "closed" else "",
        ),
        sinks=draw(st.sampled_from([(), ("s",), SINKS])),
    )


def kept(connection: Connection) -> dict[str, list[Any]]:
    """All that SQL has, but for what was superseded before anybody could have got it."""
    owed = select(*(one for one in deliveries.c if one.name not in ("id", "finished_at_ms"))).where(
        deliveries.c.status != "superseded"
    )
    tables = {"alerts": select(alerts), "campaigns": select(alert_campaigns), "owed": owed}
    return {
        name: sorted(map(tuple, connection.execute(rows)), key=repr)
        for name, rows in tables.items()
    }


def between(connection: Connection, happens: str, now_ms: int) -> None:
    """What a lane may do from one chunk to the next."""
    for sink in SINKS if happens else ():
        for held in claim_due(connection, sink, now_ms=now_ms, lease_seconds=1):
            if happens == "fails":
                mark_failed(connection, held, now_ms=now_ms, error="refused")


@given(
    st.lists(
        st.tuples(st.lists(offers(), max_size=6), st.sampled_from(["", "begins", "fails"])),
        max_size=3,
    )
)
def test_a_chunk_comes_to_what_its_alerts_come_to_one_by_one(
    memory: Engine, chunks: list[tuple[list[Offer], str]]
) -> None:
    found: list[tuple[list[Alert], dict[str, list[Any]]]] = []
    for at_once in (True, False):
        with memory.connect() as connection, connection.begin() as transaction:
            news: list[Alert] = []
            for number, (chunk, happens) in enumerate(chunks):
                now_ms = number * 100
                in_turn = sorted(chunk, key=lambda offer: offer.alert.alert_id)
                parts = [chunk] if at_once else [[offer] for offer in in_turn]
                for part in parts:
                    news += accept_alerts(connection, part, now_ms=now_ms)
                between(connection, happens, now_ms)
            found.append((sorted(news, key=repr), kept(connection)))
            transaction.rollback()
    assert found[0] == found[1]


def test_more_alerts_than_one_statement_takes_are_kept(engine: Engine) -> None:
    many = [
        Offer(alert=alert_like(alert_id=AlertId(f"alert-{number}")), sinks=("s",))
        for number in range(1_203)
    ]
    with engine.begin() as connection:
        assert len(accept_alerts(connection, many, now_ms=0)) == len(many)
        assert accept_alerts(connection, many, now_ms=1) == []
        assert count_due(connection) == {"s": len(many)}


def test_of_one_chunk_a_sink_gets_the_newest_revision_as_its_first_word(engine: Engine) -> None:
    chunk = [grown_to(1), grown_to(2, status="escalated"), grown_to(3, status="grown"), MEDIA]
    with engine.begin() as connection:
        assert len(accept_alerts(connection, _offered(chunk), now_ms=0)) == len(chunk)
        owed = claim_due(connection, "s", now_ms=0, lease_seconds=1, limit=9)
    said = {(one.alert.alert_id, one.alert.revision): one.alert.status for one in owed}
    assert said == {(CAMPAIGN.alert_id, 3): "opened", (MEDIA.alert_id, 1): "opened"}


def test_two_workers_that_are_given_the_same_alerts_owe_them_once(engine: Engine) -> None:
    with engine.begin() as connection:
        accept_alert(connection, CAMPAIGN, sinks=("s",), now_ms=0)
    with engine.begin() as connection:
        news = accept_alerts(connection, _offered([CAMPAIGN, grown_to(2), MEDIA]), now_ms=1)
    assert [(one.alert_id, one.revision) for one in news] == sorted(
        [(CAMPAIGN.alert_id, 2), (MEDIA.alert_id, 1)]
    )
    with engine.connect() as connection:
        assert get_alert(connection, CAMPAIGN.alert_id) == grown_to(2)
        assert count_due(connection) == {"s": 2}


def test_a_chunk_takes_a_few_statements_however_large(engine: Engine) -> None:
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    for begin in (0, 50):  # half of them are known already, the second time
        chunk = [
            alert_like(alert_id=AlertId(f"alert-{begin + number}"), revision=1 + begin)
            for number in range(100)
        ]
        said.clear()
        with engine.begin() as connection:
            accept_alerts(connection, _offered(chunk), now_ms=begin)
        assert len(said) <= 8


def _offered(chunk: Sequence[Alert]) -> list[Offer]:
    return [Offer(alert=alert, sinks=("s",)) for alert in chunk]
