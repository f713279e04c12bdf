"""The newest revision of each alert, and pages of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from contracts.alert import Alert, AlertStatus
from contracts.ids import ACTIONS, AlertId, CampaignId
from store.acceptance import accept_alert
from store.alert import AlertCursor, get_alert, list_alerts, save_alert
from store.database import open_database
from store.delivery import claim_due, count_due, mark_done
from store.schema import metadata
from tests.alerts import CAMPAIGN, MEDIA, OPENED_AT, alert_like, grown_to

LATER = OPENED_AT + timedelta(seconds=1)
REVIEW = alert_like(action="review", risk=50)


@st.composite
def revisions(draw: st.DrawFn) -> Alert:
    """One revision of one alert; its times may go back, as those of late events do."""
    return alert_like(
        updated_at=OPENED_AT + timedelta(seconds=draw(st.integers(0, 3))),
        action=draw(st.sampled_from(ACTIONS)),
        status=draw(st.sampled_from(get_args(AlertStatus))),
        account_count=draw(st.integers(1, 3)),
        risk=draw(st.integers(0, 3)),
    )


def numbered(history: list[Alert]) -> list[Alert]:
    return [replace(alert, revision=number) for number, alert in enumerate(history, 1)]


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    engine = open_database("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def accepted(engine: Engine, *offers: Alert) -> list[Alert | None]:
    """What is news of alerts offered one by one, in a database that is empty before and after."""
    with engine.connect() as connection, connection.begin() as transaction:
        news = [accept_alert(connection, alert, sinks=(), now_ms=0) for alert in offers]
        transaction.rollback()
    return news


def test_an_alert_comes_back_as_it_went_in(engine: Engine) -> None:
    for alert in (CAMPAIGN, MEDIA):
        with engine.begin() as connection:
            assert save_alert(connection, alert)
            assert get_alert(connection, alert.alert_id) == alert


def test_an_unknown_alert_is_none(engine: Engine) -> None:
    with engine.connect() as connection:
        assert get_alert(connection, AlertId("alert-none")) is None


@pytest.mark.parametrize(
    ("revisions", "kept"), [((1, 1), [True, False]), ((2, 1), [True, False]), ((1, 3), [True] * 2)]
)
def test_only_a_higher_revision_replaces(
    engine: Engine, revisions: tuple[int, int], kept: list[bool]
) -> None:
    offered = [alert_like(revision=number, title=f"revision {number}") for number in revisions]
    with engine.begin() as connection:
        assert [save_alert(connection, alert) for alert in offered] == kept
        found = get_alert(connection, CAMPAIGN.alert_id)
    assert found is not None
    assert found.revision == max(revisions)
    assert found.title == f"revision {max(revisions)}"


def test_a_title_with_a_nul_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        assert save_alert(connection, alert_like(title="a\x00b"))


def test_pages_go_through_all_alerts_newest_first(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in range(25):
            save_alert(
                connection,
                alert_like(
                    alert_id=f"alert-{number:02d}",
                    updated_at=OPENED_AT + timedelta(seconds=number // 3),  # some share a time
                ),
            )
        seen: list[str] = []
        after: AlertCursor | None = None
        while True:
            page = list_alerts(connection, after=after, limit=7)
            seen += [alert.alert_id for alert in page.alerts]
            if (after := page.after) is None:
                break
    assert seen == [f"alert-{number:02d}" for number in reversed(range(25))]


def test_pages_are_filtered(engine: Engine) -> None:
    with engine.begin() as connection:
        save_alert(connection, CAMPAIGN)
        save_alert(connection, MEDIA)
        save_alert(connection, alert_like(alert_id="alert-3", action="review", status="grown"))

        def ids(**wanted: str) -> set[str]:
            page = list_alerts(connection, **wanted)  # type: ignore[arg-type] # literals below
            return {alert.alert_id for alert in page.alerts}

        assert ids(kind="media") == {MEDIA.alert_id}
        assert ids(status="grown") == {"alert-3"}
        assert ids(action="hold", kind="campaign") == {CAMPAIGN.alert_id}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, {}, "opened"),
        (None, {"status": "grown"}, "opened"),
        (None, {"status": "closed"}, "closed"),
        ({}, {"account_count": 13}, "grown"),
        ({}, {"account_count": 13, "action": "hold"}, "escalated"),
        ({}, {"status": "closed"}, "closed"),
        ({"status": "closed"}, {"account_count": 13}, "opened"),
        ({"status": "closed"}, {"status": "closed", "closed_because": "now part of"}, "closed"),
        ({"status": "closed"}, {"status": "closed", "account_count": 13}, None),
        ({}, {"updated_at": LATER, "status": "grown", "risk": 51}, None),
    ],
)
def test_sinks_hear_what_is_new(
    engine: Engine, before: dict[str, Any] | None, after: dict[str, Any], said: AlertStatus | None
) -> None:
    news = replace(REVIEW, revision=2, **after)
    with engine.begin() as connection:
        if before is not None:
            accept_alert(connection, replace(REVIEW, **before), sinks=("s",), now_ms=0)
            (first,) = claim_due(connection, "s", now_ms=0, lease_seconds=9)
            mark_done(connection, first, now_ms=0)
        assert accept_alert(connection, news, sinks=("s",), now_ms=0) == news
        assert get_alert(connection, news.alert_id) == news  # where it stands
        heard = [one.alert for one in claim_due(connection, "s", now_ms=0, lease_seconds=9)]
        assert heard == ([] if said is None else [replace(news, status=said)])


def test_alerts_are_found_by_the_campaigns_that_verdicts_name(engine: Engine) -> None:
    own, other = CampaignId("campaign-1"), CampaignId("campaign-2")
    with engine.begin() as connection:
        accept_alert(connection, CAMPAIGN, sinks=(), now_ms=0)
        grown = replace(grown_to(2), revision=1 << 40, campaign_ids=(own, other))
        accept_alert(connection, grown, sinks=("s",), now_ms=0)
        save_alert(connection, replace(MEDIA, campaign_id=other, campaign_ids=(other,)))

        def found(campaign_id: str) -> set[str]:
            page = list_alerts(connection, campaign_id=CampaignId(campaign_id))
            return {alert.alert_id for alert in page.alerts}

        assert found(own) == {CAMPAIGN.alert_id}
        assert found(other) == {CAMPAIGN.alert_id, MEDIA.alert_id}
        assert found("campaign-3") == set()


def test_an_alert_and_what_is_owed_of_it_are_written_together_or_not_at_all(
    engine: Engine,
) -> None:
    def accept_and_break_off() -> None:
        with engine.begin() as connection:
            accept_alert(connection, MEDIA, sinks=("slack",), now_ms=0)
            connection.exec_driver_sql("SELECT * FROM no_such_table")

    with engine.begin() as connection:
        assert accept_alert(connection, CAMPAIGN, sinks=("slack",), now_ms=0)
        assert not accept_alert(connection, CAMPAIGN, sinks=("slack", "late"), now_ms=0)
    with pytest.raises(SQLAlchemyError):
        accept_and_break_off()
    with engine.connect() as connection:
        assert get_alert(connection, MEDIA.alert_id) is None
        assert count_due(connection) == {"slack": 1}


@pytest.mark.parametrize(
    "news",
    [
        replace(REVIEW, updated_at=LATER),
        replace(REVIEW, action="hold", status="escalated"),
        replace(REVIEW, account_count=13, status="grown"),
        replace(REVIEW, risk=51),
        replace(REVIEW, status="closed"),
    ],
)
def test_news_under_a_revision_that_was_used_gets_the_next_one(engine: Engine, news: Alert) -> None:
    with engine.begin() as connection:
        for revision in (1, 2):
            assert accept_alert(
                connection, replace(REVIEW, revision=revision), sinks=("s",), now_ms=0
            )
        expected = replace(news, revision=3)
        assert accept_alert(connection, news, sinks=("s",), now_ms=0) == expected
        assert get_alert(connection, news.alert_id) == expected
        assert accept_alert(connection, news, sinks=("s",), now_ms=0) is None
        assert get_alert(connection, news.alert_id) == expected


@pytest.mark.parametrize(
    "repeat",
    [
        replace(REVIEW, updated_at=OPENED_AT - timedelta(seconds=1), action="hold"),
        replace(REVIEW, account_count=11, risk=99),
        replace(REVIEW, title="said otherwise"),
    ],
)
def test_an_old_revision_that_goes_no_further_changes_nothing(
    engine: Engine, repeat: Alert
) -> None:
    kept = replace(REVIEW, revision=4)
    with engine.begin() as connection:
        assert accept_alert(connection, kept, sinks=("s",), now_ms=0) == kept
        assert accept_alert(connection, repeat, sinks=("s",), now_ms=0) is None
        assert get_alert(connection, kept.alert_id) == kept


def test_an_alert_that_was_kept_without_its_reach_is_measured_by_its_body(engine: Engine) -> None:
    with engine.begin() as connection:
        save_alert(connection, CAMPAIGN)
        assert accept_alert(connection, CAMPAIGN, sinks=(), now_ms=0) is None
        assert accept_alert(connection, replace(CAMPAIGN, risk=93), sinks=(), now_ms=0)


@given(st.lists(st.lists(revisions(), min_size=1, max_size=5), min_size=1, max_size=3), st.data())
def test_what_was_offered_once_is_never_news_again(
    memory: Engine, histories: list[list[Alert]], data: st.DataObject
) -> None:
    """Each history is of a desk that began anew; then any of it comes again, in any order."""
    offered = [alert for history in histories for alert in numbered(history)]
    again = data.draw(st.lists(st.sampled_from(offered), max_size=12))
    news = accepted(memory, *offered, *again)
    assert news[len(offered) :] == [None] * len(again)
    numbers = [alert.revision for alert in news if alert is not None]
    assert numbers == sorted(set(numbers))


@given(st.lists(revisions(), min_size=1, max_size=6), st.data())
def test_after_the_newest_of_a_history_nothing_of_it_is_news(
    memory: Engine, history: list[Alert], data: st.DataObject
) -> None:
    """Where a history only goes forward, its newest revision answers for those never seen."""
    forward = numbered(
        sorted(
            history,
            key=lambda alert: (
                alert.updated_at,
                ACTIONS.index(alert.action),
                alert.account_count,
                alert.risk,
                alert.status == "closed",
            ),
        )
    )
    before = data.draw(st.lists(st.sampled_from(forward), max_size=6))
    after = data.draw(st.lists(st.sampled_from(forward), max_size=6))
    news = accepted(memory, *before, forward[-1], *after)
    assert news[len(before) + 1 :] == [None] * len(after)


@given(st.lists(revisions(), min_size=1, max_size=5))
def test_a_history_is_accepted_revision_by_revision(memory: Engine, history: list[Alert]) -> None:
    assert accepted(memory, *numbered(history)) == numbered(history)
