"""The alert desk: one alert an attack, raised once and kept up to date."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from contracts.alert import MAX_LISTED_ACCOUNTS, Alert
from contracts.event import from_epoch_ms
from contracts.ids import AccountId, Action, AlertId, Code, EventId, Facet, ReferenceId, UploadId
from contracts.ruleset import SignalRule, default_ruleset
from contracts.screening import ProhibitedHit
from contracts.verdict import Reason, Tie, Verdict
from detectors.alert_desk import GROWN_EVERY_MS, OPEN_AFTER_MS, TICK_MS, AlertDesk
from detectors.alert_writer import QUIET, was_closed_into_another
from detectors.campaign import KEPT_MS, QUIET_MS
from detectors.ledger import campaign_of
from detectors.media import MEDIA_MATCH, MEDIA_PROHIBITED, MEDIA_REVIEW, MEDIA_SOUND_MATCH
from detectors.ruling import Ruled, Ruling
from tests.traffic import START, START_MS, ruleset
from tests.unit.contracts.messages import SCREENING

RULES = ruleset(
    signals={
        MEDIA_MATCH: SignalRule(points=100, group="any"),
        MEDIA_SOUND_MATCH: SignalRule(points=60, group="any"),
        MEDIA_PROHIBITED: SignalRule(points=60, group="any"),
    }
)


def verdict(
    account: int | str,
    *,
    facet: str = "",
    accounts: int = 3,
    risk: int = 45,
    at_s: float = 0,
    code: str = "velocity.device.24h",
    ties: tuple[str, ...] = (),
    since_s: float = 0,
) -> Verdict:
    since = from_epoch_ms(START_MS + int(since_s * 1_000))
    evidence: dict[str, Any] = {}
    if facet:
        evidence = {"facet": facet, "accounts": accounts, "since": since.isoformat()}
    action: Action = "allow" if risk < 40 else "review" if risk < 80 else "hold"
    tied = tuple(
        Tie(facet=Facet(tie), since=since, accounts=accounts if tie == facet else 1)
        for tie in (ties or ((facet,) if facet else ()))
    )
    return Verdict(
        event_id=EventId(f"e-{account}-{at_s}"),
        account_id=AccountId(str(account)),
        occurred_at=from_epoch_ms(START_MS + int(at_s * 1_000)),
        risk=risk,
        action=action,
        reasons=(Reason(code=Code(code), points=risk, evidence=evidence),),
        ruleset_version="test-1",
        campaign_id=campaign_of(tied),
        ties=tied,
    )


def desk() -> AlertDesk:
    return AlertDesk(RULES, console_url="http://console.example")


def heard(desk: AlertDesk, *verdicts: Verdict) -> list[Alert]:
    return [alert for one in verdicts for alert in desk.observe(one)]


def told(alerts: list[Alert]) -> list[tuple[str, str, int]]:
    return [(alert.kind, alert.status, alert.account_count) for alert in alerts]


def burst(count: int, *, at_s: float = 0, **more: Any) -> list[Verdict]:
    more = {"facet": "device:d", "accounts": count, **more}
    return [verdict(number, at_s=at_s, **more) for number in range(count)]


def renamed(verdicts: list[Verdict], prefix: str) -> list[Verdict]:
    return [
        structs.replace(
            one,
            account_id=AccountId(f"{prefix}{one.account_id}"),
            event_id=EventId(f"{prefix}{one.event_id}"),
        )
        for one in verdicts
    ]


def decision(
    *accounts: str, alert_id: str = "", action: str = "ban", at_s: float = 60, by: str = "kim"
) -> Ruled:
    return Ruled(
        ruling=Ruling(
            at_ms=START_MS + int(at_s * 1_000),
            decision_id=EventId(f"d-{at_s}-{action}"),
            action=action,
            reviewer=by,
        ),
        account_ids=tuple(AccountId(account) for account in accounts),
        alert_id=AlertId(alert_id) if alert_id else None,
    )


def test_a_campaign_is_opened_once_when_all_that_were_counted_are_there() -> None:
    at = desk()
    assert heard(at, *burst(3)[:2]) == []
    (alert,) = heard(at, burst(3)[2])
    assert told([alert]) == [("campaign", "opened", 3)]
    assert alert.account_ids == ("0", "1", "2")
    assert alert.title == "3 accounts, device farm on one device"
    assert (alert.risk, alert.action) == (45, "review")
    assert alert.opened_at == alert.updated_at == START
    assert alert.links == {"console": f"http://console.example/alerts/{alert.alert_id}"}
    assert alert.campaign_id == burst(3)[0].campaign_id
    assert alert.campaign_ids == (alert.campaign_id,)
    assert [(point.at, point.accounts) for point in alert.growth] == [
        (from_epoch_ms(START_MS + 1_000), 3)
    ]
    assert alert.closed_because == ""
    assert heard(at, *burst(3)) == at.finish() == []


def test_without_the_last_of_them_it_opens_after_a_wait() -> None:
    at = desk()
    heard(at, *burst(3)[:2])
    assert at.tick(START_MS + OPEN_AFTER_MS - TICK_MS) == []
    assert told(at.tick(START_MS + OPEN_AFTER_MS + TICK_MS)) == [("campaign", "opened", 2)]


def test_one_account_alone_is_no_campaign_but_an_account() -> None:
    at = desk()
    assert heard(at, *burst(3)[:1]) == []
    (lone,) = at.tick(START_MS + OPEN_AFTER_MS + TICK_MS)
    assert told([lone]) == [("account", "opened", 1)]
    assert at.finish() == []
    folded, *_ = told(heard(at, *burst(3)[1:]))[::-1]
    assert folded == ("account", "closed", 1)


def test_what_ties_but_harms_nobody_is_no_alert() -> None:
    at = desk()
    assert heard(at, *burst(5, risk=20)) == at.tick(START_MS + TICK_MS) == at.finish() == []
    assert told(heard(at, verdict(9, facet="device:d", accounts=6))) == [("campaign", "opened", 6)]


def test_it_grows_when_it_has_doubled() -> None:
    at = desk()
    heard(at, *burst(3))
    more = [verdict(number, facet="device:d") for number in range(3, 12)]
    assert told(heard(at, *more)) == [("campaign", "grown", 6), ("campaign", "grown", 12)]


def test_it_grows_by_less_when_ten_minutes_have_passed() -> None:
    at = desk()
    heard(at, *burst(3))
    heard(at, verdict(3, facet="device:d", at_s=60))
    assert at.tick(START_MS + GROWN_EVERY_MS - 1) == []
    later = at.tick(START_MS + GROWN_EVERY_MS + TICK_MS)
    assert told(later) == [("campaign", "opened", 4)]
    assert later[0].updated_at == from_epoch_ms(START_MS + 60_000)
    assert at.tick(START_MS + 3 * GROWN_EVERY_MS) == []


def test_at_the_end_of_a_recording_all_growth_is_told() -> None:
    at = desk()
    waiting = [verdict(name, facet="device:e", accounts=9) for name in ("x", "y")]
    assert told(heard(at, *burst(3), verdict(3, facet="device:d"), *waiting)) == [
        ("campaign", "opened", 3)
    ]
    assert told(at.finish()) == [("campaign", "opened", 4), ("campaign", "opened", 2)]
    assert at.finish() == []


def test_it_escalates_at_once() -> None:
    at = desk()
    heard(at, *burst(3))
    (alert,) = heard(at, verdict(1, facet="device:d", risk=85))
    assert told([alert]) == [("campaign", "escalated", 3)]
    assert (alert.risk, alert.action) == (85, "hold")
    assert [reason.points for reason in alert.reasons] == [85]


def test_accounts_come_in_the_order_of_their_first_events() -> None:
    at = desk()
    heard(at, *(verdict(name, facet="device:d", at_s=at_s) for name, at_s in
                (("c", 30), ("a", 20), ("b", 20), ("c", 10), ("a", 40))))  # fmt: skip
    (alert,) = at.finish()
    assert alert.account_ids == ("c", "a", "b")
    assert alert.updated_at == from_epoch_ms(START_MS + 40_000)
    assert [point.accounts for point in alert.growth] == [1] + [1] * 9 + [3]


def test_it_closes_when_it_has_been_quiet_for_a_day_and_opens_when_it_stirs() -> None:
    at = desk()
    heard(at, *burst(3), verdict(0, facet="device:d", risk=10, at_s=3_600))
    at.tick(START_MS + QUIET_MS)
    (closed,) = at.tick(START_MS + QUIET_MS + 3_600_000 + TICK_MS)
    assert told([closed]) == [("campaign", "closed", 3)]
    assert closed.closed_because == QUIET
    assert closed.title.endswith(": quiet for a day")
    assert at.tick(START_MS + 2 * QUIET_MS) == at.finish() == []
    # its burst goes on: a window may be longer than a day
    (again,) = heard(at, verdict(9, facet="device:d", at_s=2 * 86_400))
    assert again.alert_id == closed.alert_id
    assert (again.status, again.closed_because) == ("opened", "")


def test_a_partition_far_ahead_closes_nothing() -> None:
    at = desk()
    heard(at, *burst(3))
    at.tick(START_MS, source=1)
    assert at.tick(START_MS + 3 * QUIET_MS, source=2) == []
    assert told(at.tick(START_MS + 2 * QUIET_MS, source=1)) == []  # looked at a moment ago
    assert told(at.tick(START_MS + 4 * QUIET_MS, source=2)) == [("campaign", "closed", 3)]


def test_a_new_burst_a_day_later_is_another_campaign() -> None:
    at = desk()
    (opened,) = heard(at, *burst(3))
    at.tick(START_MS + 2 * QUIET_MS)
    later_s = 3 * 86_400
    (other,) = heard(at, *renamed(burst(3, at_s=later_s, since_s=later_s), "n"))
    assert other.alert_id != opened.alert_id
    assert other.opened_at == from_epoch_ms(START_MS + later_s * 1_000)


def test_what_ties_to_a_campaign_that_is_forgotten_raises_nothing() -> None:
    at = desk()
    heard(at, *burst(20))
    at.tick(START_MS + KEPT_MS + TICK_MS)
    assert heard(at, *burst(2, at_s=9 * 86_400)) == at.finish() == []


def test_two_that_turn_out_to_be_one_say_so() -> None:
    at = desk()
    (first,) = heard(at, *burst(3))
    (second,) = heard(at, *renamed(burst(3, facet="device:e", at_s=5, since_s=5), "x"))
    both = (
        Tie(facet=Facet("device:d"), since=START, accounts=3),
        Tie(facet=Facet("device:e"), since=from_epoch_ms(START_MS + 5_000), accounts=3),
    )
    bridge = structs.replace(verdict("both", at_s=9), ties=both, campaign_id=campaign_of(both))
    closed, grown = heard(at, bridge)
    assert (closed.alert_id, closed.status) == (second.alert_id, "closed")
    assert closed.revision > second.revision
    assert closed.title == "3 accounts, device farm on one device: now part of a larger campaign"
    assert closed.campaign_id == first.campaign_id
    assert was_closed_into_another(closed)
    assert (grown.alert_id, grown.status, grown.account_count) == (first.alert_id, "grown", 7)
    assert grown.title == "7 accounts, device farm on 2 devices"
    assert grown.campaign_ids == (first.campaign_id, second.campaign_id)
    assert not was_closed_into_another(grown)


def test_a_burst_that_turns_out_to_have_begun_earlier_renames_its_campaign() -> None:
    at = desk()
    (opened,) = heard(at, *burst(3, since_s=10, at_s=12))
    closed, anew = heard(at, verdict(3, facet="device:d", since_s=5, at_s=6))
    assert (closed.alert_id, closed.closed_because) == (
        opened.alert_id, "now part of a larger campaign",
    )  # fmt: skip
    assert closed.campaign_id == anew.campaign_id != opened.campaign_id
    assert anew.campaign_ids == (anew.campaign_id, opened.campaign_id)
    heard(at, *burst(3, since_s=5, at_s=12))  # the others' verdicts are amended
    (last,) = at.finish()
    assert last.campaign_ids == (anew.campaign_id,)


def test_a_lone_account_is_alerted_once_and_again_only_when_it_is_worse() -> None:
    at = desk()
    (opened,) = heard(at, verdict("a", risk=50, code="link.hidden"))
    assert told([opened]) == [("account", "opened", 1)]
    assert opened.title == "Account a: link.hidden"
    assert opened.campaign_id is None
    assert heard(at, verdict("a", risk=50), verdict("a", risk=60), verdict("a", risk=10)) == []
    (worse,) = heard(at, verdict("a", risk=85, at_s=60))
    assert told([worse]) == [("account", "escalated", 1)]
    assert worse.alert_id == opened.alert_id
    assert worse.opened_at == opened.opened_at
    assert worse.updated_at == from_epoch_ms(START_MS + 60_000)
    assert heard(at, verdict("b", risk=39)) == []


def test_a_lone_account_that_belongs_to_a_campaign_is_folded_into_it() -> None:
    at = desk()
    (lone,) = heard(at, verdict(1, risk=50, code="link.hidden", at_s=-5))
    opened, folded = heard(at, *burst(3))
    assert told([opened, folded]) == [("campaign", "opened", 3), ("account", "closed", 1)]
    assert folded.alert_id == lone.alert_id
    assert folded.campaign_id == opened.campaign_id
    assert folded.title == "Account 1: link.hidden: now part of a campaign"
    assert was_closed_into_another(folded)
    assert heard(at, verdict(1, risk=50, code="link.hidden", at_s=-4)) == []


def test_one_that_joins_an_open_campaign_is_folded_in_at_once() -> None:
    at = desk()
    heard(at, *burst(3), verdict("late", risk=50))
    assert told(heard(at, verdict("late", facet="device:d", at_s=1))) == [("account", "closed", 1)]


def test_those_of_a_campaign_never_opened_are_folded_in_when_it_is_merged() -> None:
    at = desk()
    heard(at, *burst(8))
    heard(at, verdict("x", risk=50), verdict("y", risk=50))
    waiting = [verdict(name, facet="device:e", accounts=9, at_s=1) for name in ("x", "y")]
    assert heard(at, *waiting) == []
    both = ("device:d", "device:e")
    alerts = heard(at, verdict("both", facet="device:e", accounts=9, ties=both, at_s=2))
    assert told(alerts) == [("account", "closed", 1)] * 2
    assert {alert.account_ids for alert in alerts} == {("x",), ("y",)}


def test_a_decision_on_a_campaign_closes_its_alert_until_it_grows() -> None:
    at = desk()
    (opened,) = heard(at, *burst(3))
    (closed,) = at.decide(decision("0", alert_id=opened.alert_id))
    assert (closed.alert_id, closed.status) == (opened.alert_id, "closed")
    assert closed.closed_because == "closed by decision: ban by kim"
    assert closed.revision > opened.revision
    assert not was_closed_into_another(closed)
    assert at.decide(decision("0", alert_id=opened.alert_id)) == []
    assert heard(at, verdict(1, facet="device:d", at_s=90)) == []  # it was decided on
    (again,) = heard(at, verdict("new", facet="device:d", at_s=91))
    assert told([again]) == [("campaign", "opened", 4)]
    assert again.revision > closed.revision
    (over,) = at.decide(decision("new", at_s=99, by="lee"))
    assert over.closed_because == "closed by decision: ban by lee"


def test_decisions_on_all_accounts_close_what_they_are_in() -> None:
    at = desk()
    heard(at, *burst(3), verdict("a", risk=50))
    assert at.decide(decision("0", "1")) == []
    assert told(at.decide(decision("2", "a", at_s=70))) == [
        ("campaign", "closed", 3),
        ("account", "closed", 1),
    ]


def test_a_decision_may_come_before_what_it_is_about() -> None:
    first, second = desk(), desk()
    heard(first, *burst(3), verdict("a", risk=50))
    first.decide(decision("0", "1", "2", "a"))
    second.decide(decision("0", "1", "2", "a"))
    late = heard(second, *burst(3), verdict("a", risk=50))
    assert [alert.status for alert in late] == ["closed", "closed"]
    assert first.finish() == second.finish() == []


def test_an_approved_account_that_does_worse_is_opened_again_a_banned_one_is_not() -> None:
    for action, status in (("approve", "escalated"), ("ban", "closed")):
        at = desk()
        heard(at, verdict("a", risk=50))
        assert told(at.decide(decision("a", action=action))) == [("account", "closed", 1)]
        assert heard(at, verdict("a", risk=60, at_s=90)) == []
        (worse,) = heard(at, verdict("a", risk=90, at_s=95))
        assert worse.status == status


def test_a_match_is_one_alert_and_no_second_one_about_the_account() -> None:
    at = desk()
    (alert,) = at.screened(SCREENING)
    assert told([alert]) == [("media", "opened", 1)]
    assert alert.matches == SCREENING.matches
    assert alert.title == "“Night Train” for 0:21 in upload “Concert “live””"
    assert (alert.risk, alert.action) == (100, "hold")
    assert at.screened(SCREENING) == []
    about_account = verdict(SCREENING.account_id, risk=100, code="media.match")
    assert heard(at, about_account) == []
    other = at.screened(replace(SCREENING, upload_id=UploadId("u2")))
    assert told(other) == [("media", "opened", 1)]
    assert other[0].alert_id != alert.alert_id
    at_ms = int(SCREENING.occurred_at.timestamp() * 1_000) + 5_000 - START_MS
    ban = decision(SCREENING.account_id, at_s=at_ms / 1_000)
    assert told(at.decide(ban)) == [("media", "closed", 1)] * 2


def test_a_media_alert_links_to_its_pictures() -> None:
    (alert,) = AlertDesk(RULES, console_url="http://console.example").screened(SCREENING)
    page = f"http://console.example/alerts/{alert.alert_id}"
    assert alert.links == {"console": page, "pictures": f"{page}#pictures"}
    assert AlertDesk(RULES).screened(SCREENING)[0].links == {}


def test_a_match_by_sound_alone_is_for_review() -> None:
    heard_only = tuple(replace(match, by="sound") for match in SCREENING.matches)
    by_sound = replace(SCREENING, action="review", matches=heard_only)
    (alert,) = desk().screened(by_sound)
    assert (alert.risk, alert.reasons[0].code) == (60, MEDIA_SOUND_MATCH)
    seen_too = (*heard_only, *(replace(match, by="both") for match in SCREENING.matches))
    for held in (replace(SCREENING, matches=seen_too), replace(by_sound, action="hold")):
        (alert,) = desk().screened(held)
        assert (alert.risk, alert.reasons[0].code) == (100, MEDIA_MATCH)


def test_what_may_be_prohibited_is_for_a_person_to_see() -> None:
    hits = (
        ProhibitedHit(label="buttocks_exposed", score=0.7, at_s=5.0),
        ProhibitedHit(label="anus_exposed", score=0.9, at_s=75.0),
    )
    clean = replace(SCREENING, status="clean", matches=(), prohibited=hits)
    at = desk()
    (alert,) = at.screened(clean)
    assert (alert.risk, alert.reasons[0].code) == (60, MEDIA_PROHIBITED)
    assert alert.title == "Perhaps prohibited content at 1:15 in upload “Concert “live””"
    assert alert.reasons[0].evidence == {
        "upload_id": SCREENING.upload_id,
        "label": "anus_exposed",
        "score": 0.9,
        "at_s": 75.0,
        "frames": ["anus_exposed 0.90 at 75 s", "buttocks_exposed 0.70 at 5 s"],
    }
    assert at.screened(clean) == []
    (alert,) = desk().screened(replace(SCREENING, prohibited=hits))
    assert [reason.code for reason in alert.reasons] == [MEDIA_MATCH, MEDIA_PROHIBITED]
    assert (alert.risk, alert.action) == (100, "hold")


def test_neither_sound_alone_nor_a_frame_holds_by_the_ruleset_that_ships() -> None:
    rules = default_ruleset()
    alone = rules.groups["media_review"]
    assert rules.action_for(alone) == "review"
    for code in (MEDIA_SOUND_MATCH, MEDIA_PROHIBITED):
        assert rules.signals[code].group == "media_review"


def test_what_a_member_uploads_joins_the_reasons_of_its_campaign() -> None:
    at = desk()
    heard(at, *burst(3))
    match = Reason(code=MEDIA_MATCH, points=100)
    upload = verdict(1, facet="device:d", risk=100, at_s=30)
    (alert,) = heard(at, structs.replace(upload, reasons=(*upload.reasons, match)))
    assert match in alert.reasons
    assert alert.action == "hold"


def test_an_uploader_who_does_more_than_that_is_an_alert_of_its_own() -> None:
    more = Reason(code=Code("link.hidden"), points=45)
    both = verdict("a", risk=100, code="media.match")
    assert told(heard(desk(), structs.replace(both, reasons=(*both.reasons, more)))) == [
        ("account", "opened", 1)
    ]


def test_a_match_whose_policy_asks_for_a_review_is_priced_as_one() -> None:
    wanted = replace(SCREENING, action="review")
    priced = ruleset(
        signals={
            MEDIA_MATCH: SignalRule(points=100, group="any"),
            MEDIA_REVIEW: SignalRule(points=60, group="any"),
        }
    )
    (alert,) = AlertDesk(priced).screened(wanted)
    assert (alert.risk, alert.action, alert.reasons[0].code) == (60, "review", MEDIA_REVIEW)
    (alert,) = desk().screened(wanted)  # its rules price no review
    assert (alert.risk, alert.action, alert.reasons[0].code) == (100, "hold", MEDIA_MATCH)


def test_what_is_found_retroactively_adds_to_the_alert_of_its_upload() -> None:
    at = desk()
    (before,) = at.screened(SCREENING)
    (match,) = SCREENING.matches[:1]
    more = replace(match, reference_id=ReferenceId("new"), title="New")
    found = replace(SCREENING, matches=(*SCREENING.matches, more), retroactive=True)
    (alert,) = at.screened(found)
    assert alert.alert_id == before.alert_id
    assert alert.revision > before.revision
    assert alert.title.endswith(" (found retroactively)")
    assert alert.reasons[0].evidence["retroactive"] is True
    assert at.screened(SCREENING) == []


@pytest.mark.parametrize("status", ["clean", "rejected", "error"])
def test_a_screening_without_a_match_is_no_alert(status: Any) -> None:
    assert desk().screened(replace(SCREENING, status=status)) == []


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_media_matches_that_do_not_count_are_no_alert(mode: Any) -> None:
    rules = ruleset(signals={MEDIA_MATCH: SignalRule(points=100, group="any", mode=mode)})
    assert AlertDesk(rules).screened(SCREENING) == []


def test_a_large_campaign_lists_its_first_accounts_and_counts_all() -> None:
    count = MAX_LISTED_ACCOUNTS + 7
    (alert,) = heard(desk(), *burst(count))
    assert alert.account_count == count
    assert alert.account_ids == tuple(sorted(str(number) for number in range(count)))[:-7]


def test_ticks_are_looked_at_once_a_minute_and_never_go_back() -> None:
    at = desk()
    at.tick(START_MS)
    heard(at, *burst(3)[:2])
    assert at.tick(START_MS + OPEN_AFTER_MS - 1) == at.tick(START_MS - 10 * TICK_MS) == []
    assert at.tick(START_MS + OPEN_AFTER_MS) == []  # less than a minute after the last look
    assert told(at.tick(START_MS + OPEN_AFTER_MS + TICK_MS)) == [("campaign", "opened", 2)]


def test_without_a_console_there_are_no_links() -> None:
    assert heard(AlertDesk(RULES), *burst(3))[0].links == {}
