"""VIPs: who is one, what is forgiven them, and the alert that says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.event import Decision, DecisionAction, Event
from contracts.ids import AccountId, AlertId, EventId
from contracts.ruleset import VIP, default_ruleset
from detectors.alert_desk import AlertDesk
from detectors.ruling import ruled
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


def decision(action: DecisionAction, alert_id: AlertId | None = None) -> Decision:
    return Decision(
        decision_id=EventId(f"{action} {alert_id}"),
        occurred_at=START + timedelta(hours=1),
        account_ids=(AccountId("a1"),),
        action=action,
        reviewer="kim",
        alert_id=alert_id,
    )


@pytest.mark.parametrize("action", ["mark_vip", "approve", "ban", "suspend"])
def test_one_alert_an_account_that_a_decision_closes(action: DecisionAction) -> None:
    scorer = Scorer(RULES)
    events: list[Event] = [
        signup(1, account="a1", **UNIVERSITY),
        post(1, at_s=9, account="a1", kind="comment", text="Hi"),
    ]
    (alert,) = scorer.score_all(events).alerts
    assert (alert.kind, alert.status, alert.action, alert.risk) == ("vip", "opened", "allow", 0)
    assert alert.alert_id == vip_alert_id(AccountId("a1"))
    (closed,) = scorer.decide(decision(action))
    assert (closed.status, closed.kind) == ("closed", "vip")
    assert closed.closed_because == f"closed by decision: {action} by kim"
    assert closed.revision > alert.revision
    assert scorer.decide(decision(action)) == []


@pytest.mark.parametrize("action", ["ask_documents", "escalate"])
def test_a_decision_that_settles_nothing_leaves_it_open(action: DecisionAction) -> None:
    scorer = Scorer(RULES)
    assert scorer.score(signup(1, account="a1", **UNIVERSITY)).alerts
    assert scorer.decide(decision(action)) == []


def test_a_decision_closes_it_whenever_it_comes() -> None:
    scorer = Scorer(RULES)
    assert scorer.decide(decision("mark_vip")) == []
    (alert,) = scorer.score(signup(1, account="a1", **UNIVERSITY)).alerts
    assert alert.status == "closed"


def test_a_decision_may_name_the_alert() -> None:
    scorer = Scorer(RULES)
    scorer.score(signup(1, account="a1", **UNIVERSITY))
    named = decision("mark_vip", vip_alert_id(AccountId("a1")))
    (closed,) = scorer.decide(named.model_copy(update={"account_ids": ()}))
    assert closed.status == "closed"


def test_to_mark_a_vip_says_nothing_of_its_risk() -> None:
    scorer = Scorer(RULES)
    spam = post(1, account="a1", kind="comment", text="See http://google.com@pills.example.net/")
    (alert,) = scorer.score(spam).alerts
    assert (alert.kind, alert.status) == ("account", "opened")
    assert scorer.decide(decision("mark_vip")) == []
    assert scorer.decide(decision("mark_vip", alert.alert_id)) == []
    (closed,) = scorer.decide(decision("approve"))
    assert (closed.kind, closed.status) == ("account", "closed")


def test_a_desk_keeps_who_was_marked_over_a_restart() -> None:
    marked = ruled(decision("mark_vip"))
    assert marked is not None
    desk, later = AlertDesk(RULES), AlertDesk(RULES)
    desk.decide(marked)
    for piece in desk.snapshot():
        later.load(piece)
    verdicts = Scorer(RULES).score(signup(1, account="a1", **UNIVERSITY)).verdicts
    assert [alert.status for alert in later.observe(verdicts[0])] == ["closed"]
    more = signup(2, at_s=60, account="a1", past_events=40, **UNIVERSITY)
    (verdict,) = Scorer(RULES).score(more).verdicts
    assert [alert.status for alert in later.observe(verdict)] == ["closed"]


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
