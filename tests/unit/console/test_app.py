from __future__ import annotations

import html
import re
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from console.app import create_app
from console.security import HEADERS
from contracts import wire
from contracts.alert import Alert, GrowthPoint
from contracts.dead_letter import DeadLetter
from contracts.event import Decision
from contracts.evidence import EvidencePair
from contracts.ids import AccountId, CampaignId, Code, EventId, ReferenceId
from contracts.verdict import Reason
from store.album import AlbumFolder
from store.database import open_database
from store.dead_letter import save_dead_letter
from store.decision import save_decision
from tests.unit.console.conftest import Keep
from tests.unit.console.examples import AT, a_match, an_alert

SPAM = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'>{{ 7*7 }}"


def test_a_new_console_says_what_to_do_next(client: TestClient) -> None:
    page = client.get("/").text
    assert "no alerts yet" in page
    assert "doorstaff demo" in page
    assert "doorstaff doctor" in page


def test_alerts_stand_newest_first(client: TestClient, keep: Keep) -> None:
    keep(*(an_alert(n, updated_at=AT + timedelta(seconds=n)) for n in (2, 3, 1)))
    assert re.findall(r'<li id="alert-(\d+)"', client.get("/").text) == [
        "000003",
        "000002",
        "000001",
    ]


def test_alerts_are_found_by_the_campaign_that_a_verdict_names(
    client: TestClient, keep: Keep
) -> None:
    named = (CampaignId("camp-2"), CampaignId("camp <b>"))
    keep(an_alert(1), an_alert(2, campaign_ids=named), an_alert(3, kind="media"))
    page = client.get("/", params={"campaign": "camp <b>"}).text
    assert re.findall(r'<li id="alert-(\d+)"', page) == ["000002"]
    assert "Of campaign <code>camp &lt;b&gt;</code>" in page
    assert "1 alert<" in page
    assert client.get("/api/alerts?campaign=camp-2").json()["total"] == 1
    assert client.get("/api/alerts?campaign=camp-9").json()["alerts"] == []
    assert len(client.get("/api/alerts?campaign=").json()["alerts"]) == 3
    assert client.get("/", params={"campaign": "x" * 257}).status_code == 400


def test_a_campaign_shows_how_it_grew(client: TestClient, keep: Keep) -> None:
    growth = tuple(
        GrowthPoint(at=AT + timedelta(minutes=minute), accounts=accounts)
        for minute, accounts in enumerate([1, 1, 3, 12], 1)
    )
    keep(an_alert(1, growth=growth), an_alert(2, growth=growth[:1]))
    page = client.get("/alerts/alert-000001").text
    assert 'points="0.0,150.0 250.0,137.5 500.0,137.5 750.0,112.5 1000.0,0.0"' in page
    assert "From no account to 12 between 14 Mar 2026" in page
    assert "How it grew" not in client.get("/alerts/alert-000002").text


@pytest.mark.parametrize("filters", ["", "kind=media", "action=hold&status=grown"])
def test_paging_shows_every_alert_once(client: TestClient, keep: Keep, filters: str) -> None:
    alerts = [
        an_alert(n, kind=("campaign", "account", "media")[n % 3], updated_at=AT) for n in range(300)
    ]
    keep(*alerts)
    wanted = dict(pair.split("=") for pair in filters.split("&") if pair)
    expected = {
        alert.alert_id
        for alert in alerts
        if all(getattr(alert, name) == word for name, word in wanted.items())
    }
    seen: list[str] = []
    address: str | None = f"/?{filters}"
    while address:
        page = client.get(address).text
        shown = re.findall(r'<li id="(alert-\d+)"', page)
        first, last, total = len(seen) + 1, len(seen) + len(shown), len(expected)
        if total > len(shown):
            assert f"{first} to {last} of {total}" in page
        seen += shown
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = html.unescape(following[1]) if following else None
    assert len(seen) == len(set(seen))
    assert set(seen) == expected


def test_filters_say_how_many_they_would_show(client: TestClient, keep: Keep) -> None:
    keep(an_alert(1), an_alert(2, kind="media"), an_alert(4, kind="media"))
    page = client.get("/?action=hold").text
    assert re.search(r'href="/\?kind=media&amp;action=hold">media <span class="count">2<', page)
    assert re.search(r'href="/\?action=review" class="none">review <span class="count">0<', page)


def test_filters_that_let_nothing_through_can_be_lifted(client: TestClient, keep: Keep) -> None:
    keep(an_alert(1))
    page = client.get("/?kind=media").text
    assert "None of the 1 alerts passes these filters" in page


@pytest.mark.parametrize(
    "address",
    [
        "/?kind=burglary",
        "/api/alerts?status=new",
        "/api/alerts?limit=0",
        "/api/alerts?limit=501",
        "/api/alerts?limit=²",
        "/?after=yesterday",
        "/?after=99999999999999999999.x",
    ],
)
def test_a_bad_address_is_told_what_would_do(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert "must be" in answer.text


def test_an_alert_shows_its_evidence_in_words(client: TestClient, keep: Keep) -> None:
    keep(an_alert(3))
    page = client.get("/alerts/alert-000003").text
    assert "11 or more accounts shared one device, 7f3a9c0003 within 24 hours." in page
    assert "41 or more accounts shared the address 203.0.113.7 within 10 minutes." in page
    assert "acct-3-10" in page
    assert "3 min ago" in page


def test_a_match_shows_the_seconds_on_both_sides(client: TestClient, keep: Keep) -> None:
    matches = (a_match(), a_match(upload_start_s=40.0, upload_end_s=50.0))
    keep(an_alert(2, kind="media", matches=matches))
    page = client.get("/alerts/alert-000002").text
    assert "<svg" in page
    assert "0:12 to 0:27 of the upload is 1:02:03 to 1:02:18 of Night Train" in page
    assert "25 s of the upload" in page


def test_an_alert_tells_who_got_it_and_what_was_decided(
    client: TestClient, keep: Keep, engine: Engine
) -> None:
    alert = an_alert(1)
    grown = replace(alert, revision=2, status="grown", account_count=90)
    keep(alert, sinks=("slack",))
    keep(grown, sinks=("slack", "jsonl"))
    decision = Decision(
        decision_id=EventId("d1"),
        occurred_at=AT,
        account_ids=alert.account_ids,
        action="ask_documents",
        reviewer="Kim",
        reason="new device farm",
        alert_id=alert.alert_id,
    )
    with engine.begin() as connection:
        save_decision(connection, decision)
    page = client.get("/alerts/alert-000001").text
    assert "jsonl: on its way, slack: on its way" in page
    assert "slack: left out for a newer one" in page
    assert "ask documents" in page
    assert "new device farm" in page


def test_nothing_that_a_spammer_wrote_is_markup(
    client: TestClient, keep: Keep, engine: Engine
) -> None:
    reason = Reason(code=Code(SPAM), points=1, evidence={SPAM: SPAM, "links": [{SPAM: SPAM}]})
    facet = Reason(
        code=Code("velocity.x"),
        points=1,
        evidence={"facet": f"link_domain:{SPAM}", "accounts": 3, "window": SPAM},
    )
    alert = an_alert(
        1,
        title=SPAM,
        matches=(a_match(title=SPAM),),
        account_ids=(AccountId(SPAM),),
        reasons=(reason, facet),
        ruleset_version=SPAM,
    )
    keep(alert)
    letter = DeadLetter(
        reason=SPAM, topic=SPAM, partition=0, offset=1, value=SPAM.encode(), failed_at=AT
    )
    with engine.begin() as connection:
        save_dead_letter(connection, letter)
    for address in (
        "/",
        "/alerts/alert-000001",
        "/dead-letters",
        f"/alerts/{SPAM}",
        f"/?kind={SPAM}",
    ):
        page = client.get(address).text
        assert "<img src=x" not in page
        assert "<script>" not in page
        assert "alert(1)</script>" not in page
        assert "49" not in re.findall(r"&gt;(\d+)", page)


def test_a_dead_letter_shows_its_reason_and_not_its_message(
    client: TestClient, engine: Engine
) -> None:
    assert "No dead letters" in client.get("/dead-letters").text
    letter = DeadLetter(
        reason="email: too long",
        topic="doorstaff.signups",
        partition=3,
        offset=1234,
        value=b"jane@example.com",
        failed_at=AT,
    )
    with engine.begin() as connection:
        save_dead_letter(connection, letter)
    page = client.get("/dead-letters").text
    assert "email: too long" in page
    assert "1,234" in page
    assert "jane@" not in page
    assert 'Dead letters <span class="count">1</span>' in client.get("/").text


def test_json_is_the_alert_as_on_the_wire(client: TestClient, keep: Keep) -> None:
    alert = an_alert(2, kind="media")
    keep(alert)
    one = client.get("/api/alerts/alert-000002")
    assert wire.decode(one.content, Alert) == alert
    assert client.get("/api/alerts").json() == {"alerts": [one.json()], "total": 1, "next": None}


def test_json_pages_lead_on(client: TestClient, keep: Keep) -> None:
    keep(*(an_alert(n) for n in range(7)))
    seen: list[str] = []
    address = "/api/alerts?limit=3"
    while address:
        body = client.get(address).json()
        assert body["total"] == 7
        seen += [alert["alert_id"] for alert in body["alerts"]]
        address = body["next"]
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("address", ["/alerts/none", "/nothing"])
def test_what_is_not_there_is_said_so(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "To the alerts" in answer.text
    assert "error" in client.get("/api/alerts/none").json()


def test_only_reading_is_allowed(client: TestClient) -> None:
    assert client.post("/").status_code == 405
    assert client.delete("/api/alerts/x").status_code == 405


@pytest.mark.parametrize("address", ["/", "/nothing", "/static/console.css", "/api/alerts"])
def test_every_answer_carries_the_policy(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_pages_load_nothing_from_elsewhere(client: TestClient, keep: Keep) -> None:
    keep(an_alert(1), an_alert(2, kind="media"))
    for address in ("/", "/alerts/alert-000001", "/alerts/alert-000002", "/dead-letters"):
        page = client.get(address).text
        assert "style=" not in page
        for link in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert link.startswith(("/", "#")), link
            if link.startswith("/static/"):
                assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8710", 200),
        ("LOCALHOST", 200),
        ("[::1]:8710", 200),
        ("console.example", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("", 400),
    ],
)
def test_another_host_is_not_answered(client: TestClient, host: str, status: int) -> None:
    assert client.get("/api/alerts", headers={"Host": host}).status_code == status


def test_health_is_that_of_the_database(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    gone = open_database(f"sqlite:///{tmp_path / 'no folder' / 'doorstaff.db'}")
    with TestClient(create_app(gone), base_url="http://localhost") as other:
        answer = other.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "reason": "SQL: OperationalError"}


def test_a_page_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    gone = open_database(f"sqlite:///{tmp_path / 'no folder' / 'doorstaff.db'}")
    app = create_app(gone)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        for address in ("/", "/api/alerts"):
            answer = client.get(address)
            assert answer.status_code == 500
            assert "doorstaff doctor" in answer.text
            assert answer.headers["Content-Security-Policy"]


def test_a_match_is_shown_beside_its_reference(
    client: TestClient, keep: Keep, pictures: AlbumFolder
) -> None:
    keep(an_alert(1, kind="media", matches=(a_match(by="both"),)), an_alert(2))
    alone = client.get("/alerts/alert-000001").text
    assert "No pictures of it are kept here." in alone
    assert "picture and sound" in alone
    assert "Side by side" not in client.get("/alerts/alert-000002").text
    pair = EvidencePair(
        reference_id=ReferenceId("r"),
        title=SPAM,
        upload_s=13,
        reference_s=3_724,
        has_reference=True,
    )
    pictures.keep(
        "alert-000001",
        [asdict(pair), asdict(replace(pair, has_reference=False)), {"of": "another version"}],
        [b"\xff\xd8one", b"\xff\xd8two", b"\xff\xd8three"],
    )
    page = client.get("/alerts/alert-000001").text
    addresses = re.findall(r'<img src="(/alerts[^"]+)"', page)
    assert addresses == [f"/alerts/alert-000001/pictures/{number}.jpg" for number in (0, 1)]
    assert html.unescape(page).count(SPAM) == 2
    assert "<script>alert" not in page
    assert "of which no picture is kept" in page
    for address, picture in zip(addresses, (b"\xff\xd8one", b"\xff\xd8two"), strict=True):
        answer = client.get(address)
        assert (answer.content, answer.headers["content-type"]) == (picture, "image/jpeg")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "address",
    [
        "/alerts/alert-000001/pictures/7.jpg",
        "/alerts/none/pictures/0.jpg",
        "/alerts/alert-000001/pictures/x.jpg",
        "/alerts/..%2F..%2Fetc/pictures/0.jpg",
        "/alerts/alert-000001/pictures/-1.jpg",
    ],
)
def test_a_picture_that_is_not_there_is_not_found(
    client: TestClient, pictures: AlbumFolder, address: str
) -> None:
    pictures.keep("alert-000001", [{}], [b"one"])
    assert client.get(address).status_code == 404
