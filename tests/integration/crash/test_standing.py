from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from contracts.alert import Alert
from contracts.ids import AccountId, AlertId, CampaignId, EventId, derived_id
from contracts.verdict import Verdict
from contracts.wire import encode
from tests.alerts import CAMPAIGN, OPENED_AT
from tests.integration.crash.standing import Standing, differences, report

ALLOWED = Verdict(
    event_id=EventId("signup-1"),
    account_id=AccountId("a1"),
    occurred_at=OPENED_AT,
    risk=0,
    action="allow",
    reasons=(),
    ruleset_version="test-1",
)
HELD = structs.replace(ALLOWED, risk=85, action="hold")
ANOTHER = structs.replace(ALLOWED, event_id=EventId("signup-2"), account_id=AccountId("a2"))

OPENED = replace(
    CAMPAIGN, alert_id=AlertId(derived_id("campaign", "c-1")), campaign_id=CampaignId("c-1")
)
GROWN = replace(OPENED, revision=2, status="grown", account_count=24)
SMALL = replace(
    OPENED, alert_id=AlertId(derived_id("campaign", "c-2")), campaign_id=CampaignId("c-2")
)
MERGED = replace(SMALL, revision=2, status="closed", campaign_id=CampaignId("c-1"))


def standing(*said: Verdict | Alert) -> Standing:
    return Standing.of(
        [encode(one) for one in said if isinstance(one, Verdict)],
        [encode(one) for one in said if isinstance(one, Alert)],
    )


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((HELD, ANOTHER, GROWN), id="said once"),
        pytest.param((ALLOWED, ANOTHER, HELD, OPENED, GROWN), id="amended and grown"),
        pytest.param((HELD, ANOTHER, ALLOWED, HELD, OPENED, GROWN, OPENED), id="said again"),
        pytest.param((HELD, ANOTHER, SMALL, OPENED, MERGED, GROWN, SMALL), id="one closed into it"),
    ],
)
def test_runs_that_end_alike_are_equal(said: tuple[Verdict | Alert, ...]) -> None:
    assert differences(standing(HELD, ANOTHER, GROWN), standing(*said)) == []


@pytest.mark.parametrize(
    ("said", "kind", "what"),
    [
        pytest.param((HELD, GROWN), "verdict", "missing", id="no verdict"),
        pytest.param((HELD, ANOTHER), "alert", "missing", id="no alert"),
        pytest.param((HELD, ANOTHER, OPENED), "alert", "revision, status, account_count", id="old"),
        pytest.param((HELD, ANOTHER, GROWN, SMALL), "alert", "extra", id="not closed into it"),
        pytest.param((HELD, ANOTHER, GROWN, MERGED, SMALL), "", "", id="closed into it"),
        pytest.param((HELD, ALLOWED, ANOTHER, GROWN), "verdict", "risk, action", id="taken back"),
        pytest.param(
            (HELD, ANOTHER, replace(GROWN, updated_at=OPENED_AT + timedelta(seconds=1))),
            "alert",
            "updated_at",
            id="other evidence",
        ),
    ],
)
def test_what_differs_is_named(said: tuple[Verdict | Alert, ...], kind: str, what: str) -> None:
    found = differences(standing(HELD, ANOTHER, GROWN), standing(*said))
    assert [(one.kind, one.what) for one in found] == ([(kind, what)] if kind else [])


def test_one_that_was_closed_for_quiet_still_stands() -> None:
    closed = replace(GROWN, revision=3, status="closed")
    found = differences(standing(OPENED, GROWN, closed), standing(OPENED, GROWN))
    assert [one.what for one in found] == ["revision, status"]


def test_bytes_are_compared_where_the_fields_agree() -> None:
    written_otherwise = encode(HELD).replace(b'"risk":85', b'"risk": 85')
    expected = standing(HELD)
    found = differences(expected, Standing.of([written_otherwise], []))
    assert [one.what for one in found] == ["bytes"]


def test_a_report_counts_by_kind_and_shows_three_of_each() -> None:
    many = [structs.replace(HELD, event_id=EventId(f"signup-{number:02}")) for number in range(20)]
    amiss = [structs.replace(one, risk=40) for one in many[:15]]
    told = report(differences(standing(*many), standing(*amiss)))
    assert told.splitlines() == [
        "15 verdicts: risk",
        "  verdict signup-00: risk",
        "      - risk: 85",
        "      + risk: 40",
        "  verdict signup-01: risk",
        "      - risk: 85",
        "      + risk: 40",
        "  verdict signup-02: risk",
        "      - risk: 85",
        "      + risk: 40",
        "5 verdicts: missing",
        *(line for number in (15, 16, 17) for line in missing(many[number])),
    ]


def missing(verdict: Verdict) -> list[str]:
    whole = encode(verdict).decode()
    return [
        f"  verdict {verdict.event_id}: missing",
        f"      - {whole}",
    ]


def test_of_a_list_only_what_differs_is_shown() -> None:
    both, before, after = (
        OPENED.reasons[1],
        OPENED.reasons[0],
        structs.replace(OPENED.reasons[0], points=1),
    )
    (found,) = differences(
        standing(structs.replace(HELD, reasons=(before, both))),
        standing(structs.replace(HELD, reasons=(after, both))),
    )
    assert "links.shortener" not in str(found)
    assert "'points': 85" in str(found)
    assert "'points': 1," in str(found)


def test_nothing_is_reported_where_nothing_differs() -> None:
    assert report(differences(standing(HELD, GROWN), standing(HELD, GROWN))) == ""
