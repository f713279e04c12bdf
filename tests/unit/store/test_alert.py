"""The newest revision of each alert, and pages of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from contracts.ids import AlertId
from store.alert import AlertCursor, accept_alert, get_alert, list_alerts, save_alert
from store.delivery import count_due
from tests.alerts import CAMPAIGN, MEDIA, OPENED_AT, alert_like


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
