"""VIPs: who is one, what is forgiven them, and the alert that says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.event import Decision, Event
from contracts.ids import AccountId, EventId
from contracts.ruleset import VIP, default_ruleset
from detectors.alert_desk import AlertDesk
from detectors.scorer import Scorer, is_case
from detectors.vip_desk import vip_alert_id
from tests.traffic import START, post, signup

RULES = default_ruleset()
UNIVERSITY: dict[str, Any] = {
    "email": "events@stanford.edu",
    "website": "https://events.stanford.edu",
    "organization": "Stanford University",
}
SPAM = (
    " ".join(f"http://x{number}.top/a" for number in range(20))
    + " <a href='http://evil.top'>https://paypal.com</a>"
)


def last_action(events: Sequence[Event]) -> tuple[int, str]:
    scorer = Scorer(RULES)
    verdict = [one for event in events for one in scorer.score(event).verdicts][-1]
    return verdict.risk, verdict.action


def test_links_alone_never_hold_a_vip() -> None:
    text = f"{SPAM} QuickBooks support number +1 (888) 555-0123, buy viagra online"
    page = post(1, at_s=60, account="a1", kind="event_page", text=text)
    nobody = signup(1, account="a1", email="anna@example.org")
    assert last_action([nobody, page])[1] == "hold"
    assert last_action([signup(1, account="a1", **UNIVERSITY), page]) == (79, "review")


def test_what_others_find_holds_them_all_the_same() -> None:
    farm = [signup(n, device_id="d", **UNIVERSITY) for n in range(12)]
    assert last_action(farm)[1] == "hold"


@pytest.mark.parametrize(
    ("change", "is_vip"),
    [
        ({}, True),
        ({"organization": None}, False),
        ({"organization": None, "past_events": 30}, True),
        ({"email": "events@gmail.com", "past_events": 30}, False),
        ({"email": "events@gmail.com", "past_events": 30, "tickets_sold": 9_000}, False),
        ({"website": "https://bit.ly/x", "past_events": 30}, True),
        ({"email": "a@acme.io", "website": "https://acme.io", "organization": "Acme"}, False),
        (
            {
                "email": "a@acme.io",
                "website": "https://acme.io",
                "organization": "Acme",
                "domain_created_at": START - timedelta(days=4_000),
            },
            True,
        ),
        (
            {
                "email": "a@acme.io",
                "website": "https://acme.io",
                "organization": "Acme",
                "domain_created_at": START - timedelta(days=40),
            },
            False,
        ),
        (
            {
                "email": "x@mit.edu",
                "website": "https://mit.edu",
                "organization": "Massachusetts Institute of Technology",
            },
            True,
        ),
        (
            {
                "email": "x@dept.cam.ac.uk",
                "website": "https://www.cam.ac.uk",
                "tickets_sold": 6_000,
            },
            True,
        ),
    ],
)
def test_traits_make_a_vip(change: dict[str, Any], is_vip: bool) -> None:
    codes = {signal.code for signal in Scorer(RULES).observe(signup(1, **(UNIVERSITY | change)))}
    assert (VIP in codes) is is_vip


def test_one_alert_an_account_that_a_decision_closes() -> None:
    scorer = Scorer(RULES)
    events: list[Event] = [
        signup(1, account="a1", **UNIVERSITY),
        post(1, at_s=9, account="a1", kind="comment", text="Hi"),
    ]
    (alert,) = scorer.score_all(events).alerts
    assert (alert.kind, alert.status, alert.action, alert.risk) == ("vip", "opened", "allow", 0)
    assert alert.alert_id == vip_alert_id(AccountId("a1"))
    (closed,) = scorer.decide(
        Decision(
            decision_id=EventId("d1"),
            occurred_at=START + timedelta(hours=1),
            account_ids=(AccountId("a1"),),
            action="approve",
            reviewer="kim",
        )
    )
    assert (closed.status, closed.kind) == ("closed", "vip")
    assert closed.revision > alert.revision


def test_the_alert_does_not_depend_on_the_order() -> None:
    scorer = Scorer(RULES)
    events = [
        signup(1, account="a1", **UNIVERSITY),
        signup(2, at_s=60, account="a1", past_events=40, **UNIVERSITY),
        signup(3, at_s=30, account="a1", past_events=50, **UNIVERSITY),
    ]
    verdicts = [
        verdict
        for outcome in [Scorer(RULES).score(event) for event in events]
        for verdict in outcome.verdicts
    ]
    assert all(map(is_case, verdicts))
    last = set()
    for order in permutations(verdicts):
        desk = AlertDesk(RULES)
        said = [alert for verdict in order for alert in desk.observe(verdict)]
        last.add((said[-1].revision, said[-1].opened_at, str(said[-1].reasons)))
        assert [one.revision for one in said] == sorted({one.revision for one in said})
    assert len(last) == 1
    assert scorer.finish() == []


def test_a_desk_goes_on_from_its_snapshot() -> None:
    outcome = Scorer(RULES).score(signup(1, account="a1", **UNIVERSITY))
    desk, later = AlertDesk(RULES), AlertDesk(RULES)
    assert desk.observe(outcome.verdicts[0])
    for piece in desk.snapshot():
        later.load(piece)
    assert later.observe(outcome.verdicts[0]) == []
