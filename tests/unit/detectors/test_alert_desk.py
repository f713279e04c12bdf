"""The alert desk: one alert an attack, raised once and kept up to date."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.alert import MAX_LISTED_ACCOUNTS, Alert
from contracts.event import from_epoch_ms
from contracts.ids import AccountId, Action, Code, EventId, Facet, UploadId
from contracts.ruleset import SignalRule
from contracts.verdict import Reason, Tie, Verdict
from detectors.alert_desk import GROWN_EVERY_MS, OPEN_AFTER_MS, QUIET_MS, TICK_MS, AlertDesk
from detectors.media import MEDIA_MATCH
from tests.traffic import START, START_MS, ruleset
from tests.unit.contracts.messages import SCREENING

RULES = ruleset(signals={MEDIA_MATCH: SignalRule(points=100, group="any")})


def verdict(
    account: int | str,
    *,
    facet: str = "",
    accounts: int = 3,
    risk: int = 45,
    at_s: float = 0,
    code: str = "velocity.device.24h",
    ties: tuple[str, ...] = (),
) -> Verdict:
    evidence: dict[str, Any] = {}
    if facet:
        evidence = {"facet": facet, "accounts": accounts, "since": "t0"}
    action: Action = "allow" if risk < 40 else "review" if risk < 80 else "hold"
    return Verdict(
        event_id=EventId(f"e-{account}-{at_s}"),
        account_id=AccountId(str(account)),
        occurred_at=from_epoch_ms(START_MS + int(at_s * 1_000)),
        risk=risk,
        action=action,
        reasons=(Reason(code=Code(code), points=risk, evidence=evidence),),
        ruleset_version="test-1",
        ties=tuple(
            Tie(facet=Facet(tie), since=START, accounts=accounts if tie == facet else 1)
            for tie in (ties or ((facet,) if facet else ()))
        ),
    )


def desk() -> AlertDesk:
    return AlertDesk(RULES, console_url="http://console.example")


def heard(desk: AlertDesk, *verdicts: Verdict) -> list[Alert]:
    return [alert for one in verdicts for alert in desk.observe(one)[1]]


def told(alerts: list[Alert]) -> list[tuple[str, str, int, int]]:
    return [(alert.kind, alert.status, alert.revision, alert.account_count) for alert in alerts]


def burst(count: int, *, at_s: float = 0, **more: Any) -> list[Verdict]:
    more = {"facet": "device:d", "accounts": count, **more}
    return [verdict(number, at_s=at_s, **more) for number in range(count)]


def test_a_campaign_is_opened_once_when_all_that_were_counted_are_there() -> None:
    at = desk()
    assert heard(at, *burst(3)[:2]) == []
    (alert,) = heard(at, burst(3)[2])
    assert told([alert]) == [("campaign", "opened", 1, 3)]
    assert alert.account_ids == ("0", "1", "2")
    assert alert.title == "3 accounts on one device"
    assert (alert.risk, alert.action) == (45, "review")
    assert alert.opened_at == alert.updated_at == from_epoch_ms(START_MS)
    assert alert.links == {"console": f"http://console.example/alerts/{alert.alert_id}"}
    assert heard(at, *burst(3)) == []


def test_without_the_last_of_them_it_opens_after_a_wait() -> None:
    at = desk()
    heard(at, *burst(3)[:2])
    assert at.tick(START_MS + OPEN_AFTER_MS - TICK_MS) == []
    assert told(at.tick(START_MS + OPEN_AFTER_MS + TICK_MS)) == [("campaign", "opened", 1, 2)]


def test_one_account_alone_is_no_campaign() -> None:
    at = desk()
    heard(at, *burst(3)[:1])
    assert at.tick(START_MS + OPEN_AFTER_MS) == at.finish() == []


def test_what_ties_but_harms_nobody_is_no_alert() -> None:
    at = desk()
    assert heard(at, *burst(5, risk=20)) == at.tick(START_MS + TICK_MS) == at.finish() == []
    assert told(heard(at, verdict(9, facet="device:d", accounts=6))) == [
        ("campaign", "opened", 1, 6)
    ]


def test_it_grows_when_it_has_doubled() -> None:
    at = desk()
    heard(at, *burst(3))
    more = [verdict(number, facet="device:d", accounts=number + 1) for number in range(3, 12)]
    assert told(heard(at, *more)) == [
        ("campaign", "grown", 2, 6),
        ("campaign", "grown", 3, 12),
    ]


def test_it_grows_by_less_when_ten_minutes_have_passed() -> None:
    at = desk()
    heard(at, *burst(3))
    heard(at, verdict(3, facet="device:d", at_s=60))
    assert at.tick(START_MS + GROWN_EVERY_MS - 1) == []
    later = at.tick(START_MS + GROWN_EVERY_MS + TICK_MS)
    assert told(later) == [("campaign", "grown", 2, 4)]
    assert later[0].updated_at == from_epoch_ms(START_MS + 60_000)
    assert at.tick(START_MS + 3 * GROWN_EVERY_MS) == []


def test_at_the_end_of_a_recording_all_growth_is_told() -> None:
    at = desk()
    waiting = [verdict(name, facet="device:e", accounts=9) for name in ("x", "y")]
    assert told(heard(at, *burst(3), verdict(3, facet="device:d"), *waiting)) == [
        ("campaign", "opened", 1, 3)
    ]
    assert told(at.finish()) == [("campaign", "grown", 2, 4), ("campaign", "opened", 1, 2)]
    assert at.finish() == []


def test_it_escalates_at_once() -> None:
    at = desk()
    heard(at, *burst(3))
    (alert,) = heard(at, verdict(1, facet="device:d", risk=85))
    assert told([alert]) == [("campaign", "escalated", 2, 3)]
    assert (alert.risk, alert.action) == (85, "hold")
    assert [reason.points for reason in alert.reasons] == [85]
    assert heard(at, *burst(3)) == []  # a milder verdict takes nothing back


def test_it_closes_when_it_has_been_quiet_for_a_day() -> None:
    at = desk()
    heard(at, *burst(3), verdict(0, risk=10, at_s=3_600))
    assert at.tick(START_MS + QUIET_MS) == []
    assert told(at.tick(START_MS + QUIET_MS + 3_600_000)) == [("campaign", "closed", 2, 3)]
    assert at.tick(START_MS + 9 * QUIET_MS) == at.finish() == []


def test_accounts_of_a_closed_campaign_raise_nothing_by_what_was_told_of_them() -> None:
    at = desk()
    heard(at, *burst(20))
    at.tick(START_MS + 2 * QUIET_MS)
    assert heard(at, *burst(2, at_s=3 * 86_400)) == at.finish() == []


def test_a_new_burst_on_the_facet_of_a_closed_campaign_is_another() -> None:
    at = desk()
    (opened,) = heard(at, *burst(3))
    at.tick(START_MS + 2 * QUIET_MS)
    anew = [
        replace(
            one,
            account_id=AccountId(f"n{one.account_id}"),
            ties=tuple(replace(tie, since=one.occurred_at) for tie in one.ties),
        )
        for one in burst(3, at_s=3 * 86_400)
    ]
    (other,) = heard(at, *anew)
    assert other.alert_id != opened.alert_id
    assert other.revision == 1


def test_two_that_turn_out_to_be_one_say_so() -> None:
    at = desk()
    (first,) = heard(at, *burst(3))
    (second,) = heard(at, *(replace(one, account_id=AccountId(f"x{one.account_id}"))
                            for one in burst(3, facet="device:e", at_s=5)))  # fmt: skip
    both = ("device:d", "device:e")
    closed, grown = heard(at, verdict("both", facet="device:e", ties=both, at_s=9))
    assert (closed.alert_id, closed.status, closed.revision) == (second.alert_id, "closed", 2)
    assert closed.title == "3 accounts on one device: now part of a larger campaign"
    assert closed.campaign_id == first.campaign_id
    assert (grown.alert_id, grown.status, grown.account_count) == (first.alert_id, "grown", 7)
    assert grown.title == "7 accounts on 2 shared devices"


def test_a_lone_account_is_alerted_once_and_again_only_when_it_is_worse() -> None:
    at = desk()
    (opened,) = heard(at, verdict("a", risk=50, code="link.hidden"))
    assert told([opened]) == [("account", "opened", 1, 1)]
    assert opened.title == "Account a: link.hidden"
    assert opened.campaign_id is None
    assert heard(at, verdict("a", risk=50), verdict("a", risk=60), verdict("a", risk=10)) == []
    (worse,) = heard(at, verdict("a", risk=85, at_s=60))
    assert told([worse]) == [("account", "escalated", 2, 1)]
    assert worse.alert_id == opened.alert_id
    assert worse.opened_at == opened.opened_at
    assert worse.updated_at == from_epoch_ms(START_MS + 60_000)
    assert heard(at, verdict("b", risk=39)) == []


def test_a_lone_account_that_belongs_to_a_campaign_is_folded_into_it() -> None:
    at = desk()
    (lone,) = heard(at, verdict(1, risk=50, code="link.hidden"))
    opened, folded = heard(at, *burst(3))
    assert told([opened, folded]) == [("campaign", "opened", 1, 3), ("account", "closed", 2, 1)]
    assert folded.alert_id == lone.alert_id
    assert folded.campaign_id == opened.campaign_id
    assert folded.title == "Account 1: link.hidden: now part of a campaign"
    assert heard(at, verdict(1, risk=50, code="link.hidden")) == []


def test_one_that_joins_an_open_campaign_is_folded_in_at_once() -> None:
    at = desk()
    heard(at, *burst(3), verdict("late", risk=50))
    assert told(heard(at, verdict("late", facet="device:d"))) == [("account", "closed", 2, 1)]


def test_those_of_a_campaign_never_opened_are_folded_in_when_it_is_merged() -> None:
    at = desk()
    heard(at, *burst(8))
    heard(at, verdict("x", risk=50), verdict("y", risk=50))
    waiting = [verdict(name, facet="device:e", accounts=9) for name in ("x", "y")]
    assert heard(at, *waiting) == []
    both = ("device:d", "device:e")
    alerts = heard(at, verdict("both", facet="device:e", accounts=9, ties=both))
    assert told(alerts) == [("account", "closed", 2, 1)] * 2
    assert {alert.account_ids for alert in alerts} == {("x",), ("y",)}


def test_a_match_is_one_alert_and_no_second_one_about_the_account() -> None:
    at = desk()
    (alert,) = at.screened(SCREENING)
    assert told([alert]) == [("media", "opened", 1, 1)]
    assert alert.matches == SCREENING.matches
    assert alert.title == "“Night Train” for 0:21 in upload “Concert “live””"
    assert (alert.risk, alert.action) == (100, "hold")
    assert at.screened(SCREENING) == []
    about_account = verdict(SCREENING.account_id, risk=100, code="media.match")
    assert heard(at, about_account) == []
    other = at.screened(replace(SCREENING, upload_id=UploadId("u2")))
    assert told(other) == [("media", "opened", 1, 1)]
    assert other[0].alert_id != alert.alert_id


def test_an_uploader_who_does_more_than_that_is_an_alert_of_its_own() -> None:
    more = Reason(code=Code("link.hidden"), points=45)
    both = verdict("a", risk=100, code="media.match")
    assert told(heard(desk(), replace(both, reasons=(*both.reasons, more)))) == [
        ("account", "opened", 1, 1)
    ]


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
    assert alert.account_ids == tuple(str(number) for number in range(MAX_LISTED_ACCOUNTS))


def test_ticks_are_looked_at_once_a_minute_and_never_go_back() -> None:
    at = desk()
    at.tick(START_MS)
    heard(at, *burst(3)[:2])
    assert at.tick(START_MS + OPEN_AFTER_MS - 1) == at.tick(START_MS - 10 * TICK_MS) == []
    assert at.tick(START_MS + OPEN_AFTER_MS) == []  # less than a minute after the last look
    assert told(at.tick(START_MS + OPEN_AFTER_MS + TICK_MS)) == [("campaign", "opened", 1, 2)]


def test_without_a_console_there_are_no_links() -> None:
    assert heard(AlertDesk(RULES), *burst(3))[0].links == {}
