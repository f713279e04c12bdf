"""The whole fold: events in, verdicts and alerts out."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.alert import Alert
from contracts.event import Event
from contracts.ids import AccountId, Action, EventId
from contracts.ruleset import Ruleset, default_ruleset
from contracts.verdict import Verdict
from contracts.wire import encode
from detectors.scorer import Scorer
from tests.alerts import standing
from tests.traffic import post, rule, ruleset, signup
from tests.unit.contracts.messages import SCREENING

DEFAULT = default_ruleset()


def fold(
    events: list[Event], rules: Ruleset = DEFAULT
) -> tuple[dict[EventId, Verdict], list[Alert], bytes]:
    """The newest verdict of each event, the alerts, and all that was said, as bytes."""
    scorer, verdicts, alerts, said = Scorer(rules), {}, [], b""
    for event in events:
        outcome = scorer.score(event)
        for verdict in outcome.verdicts:
            verdicts[verdict.event_id] = verdict
        alerts += outcome.alerts
        said += b"".join(encode(one) for one in (*outcome.verdicts, *outcome.alerts))
    alerts += scorer.finish()
    return verdicts, alerts, said


def actions(verdicts: dict[EventId, Verdict]) -> Counter[Action]:
    return Counter(verdict.action for verdict in verdicts.values())


def campaigns(alerts: list[Alert]) -> set[str]:
    return {alert.alert_id for alert in alerts if alert.kind == "campaign"}


def burst(count: int, **shared: str) -> list[Event]:
    return [
        signup(number, at_s=number * 20, **{"ip": f"192.0.2.{number % 250}", **shared})
        for number in range(count)
    ]


@given(st.integers(1, 60))
@settings(max_examples=25)
def test_a_burst_flags_all_its_accounts_and_is_one_campaign(count: int) -> None:
    verdicts, alerts, _ = fold(burst(count, device_id="farm"))
    expected: Action = "hold" if count >= 10 else "review" if count >= 4 else "allow"
    assert actions(verdicts) == {expected: count}
    assert len(campaigns(alerts)) == (count >= 4)
    if alerts:
        newest = max(alerts, key=lambda alert: alert.revision)
        assert newest.account_count == count
        assert {verdict.campaign_id for verdict in verdicts.values()} == {newest.campaign_id}


@pytest.mark.parametrize("facet", ["device_id", "payment_fingerprint"])
def test_the_strictest_verdict_replaces_the_first(facet: str) -> None:
    verdicts, _, _ = fold(burst(12, **{facet: "same"}))
    first = verdicts[EventId("signup-0")]
    assert first.action == "hold"
    assert first.reasons[0].evidence["accounts"] == 10
    assert first.ruleset_version == DEFAULT.version


def test_numbered_mailboxes_are_one_campaign() -> None:
    events: list[Event] = [
        signup(number, at_s=number * 30, email=f"vip.passes{number:02d}@gmail.com")
        for number in range(20)
    ]
    verdicts, alerts, _ = fold(events)
    assert actions(verdicts) == {"hold": 20}
    assert len(campaigns(alerts)) == 1


def test_builders_of_one_domain_are_one_campaign_and_none_is_held() -> None:
    events: list[Event] = [signup(number, at_s=number) for number in range(30)]
    events += [
        post(number, at_s=100 + number, text="Seats at https://cheap-arena.example/x")
        for number in range(30)
    ]
    verdicts, alerts, _ = fold(events)
    posts = {name: verdict for name, verdict in verdicts.items() if name.startswith("post-")}
    assert actions(posts) == {"review": 30}
    assert len(campaigns(alerts)) == 1
    assert max(alert.account_count for alert in alerts) == 30


def test_an_account_on_two_domains_makes_one_campaign_of_both() -> None:
    events: list[Event] = [
        post(f"{domain}{number}", account=f"{domain}{number}", text=f"https://{domain}.example/")
        for domain in ("one-shop", "other-shop")
        for number in range(6)
    ]
    both = post("x", account="both", text="https://one-shop.example/ https://other-shop.example/")
    _, apart, _ = fold(events)
    assert len(campaigns(apart)) == 2
    _, alerts, _ = fold([*events, both])
    newest = {alert.alert_id: alert for alert in alerts}
    assert sorted(alert.status for alert in newest.values()) == ["closed", "grown"]
    (alert,) = standing(alerts).values()
    assert alert.account_count == 13
    assert max(alert.account_count for alert in alerts) == 13


def test_an_on_sale_rush_behind_one_address_is_not_held() -> None:
    pick = random.Random(1)
    events: list[Event] = [
        signup(number, at_s=pick.uniform(0, 600), ip="198.51.100.17") for number in range(400)
    ]
    events.sort(key=lambda event: event.occurred_at)
    verdicts, alerts, _ = fold(events)
    assert set(actions(verdicts)) == {"allow"}
    assert max(verdict.risk for verdict in verdicts.values()) == 30  # the network group's cap
    assert alerts == []


def test_ordinary_traffic_is_allowed_and_every_event_gets_a_verdict() -> None:
    events: list[Event] = [signup(number, at_s=number * 7, ip=f"192.0.2.{number}")
                           for number in range(60)]  # fmt: skip
    events += [post(number, at_s=500, text="An evening of jazz") for number in range(60)]
    verdicts, alerts, _ = fold(events)
    assert actions(verdicts) == {"allow": 120}
    assert verdicts.keys() == {event.event_id for event in events}
    assert alerts == []


def test_a_repeat_leads_to_nothing() -> None:
    scorer = Scorer(DEFAULT)
    events = burst(12, device_id="farm")
    for event in events:
        assert not scorer.score(event).repeated
    for event in events:
        outcome = scorer.score(event)
        assert (outcome.repeated, outcome.verdicts, outcome.alerts) == (True, [], [])


def test_shadow_rules_change_no_verdict() -> None:
    loud = ruleset(rule((2, 90), ties=True, mode="shadow"))
    verdicts, alerts, _ = fold(burst(9, device_id="farm"), loud)
    assert actions(verdicts) == {"allow": 9}
    assert alerts == []
    scorer = Scorer(loud)
    signals = [signal for event in burst(2, device_id="farm") for signal in scorer.observe(event)]
    assert [signal.mode for signal in signals] == ["shadow", "shadow"]


def test_a_match_is_a_verdict_about_the_uploader_and_one_media_alert() -> None:
    scorer = Scorer(DEFAULT)
    outcome = scorer.score_screening(SCREENING)
    assert [(one.account_id, one.action) for one in outcome.verdicts] == [
        (SCREENING.account_id, "hold")
    ]
    assert [alert.kind for alert in outcome.alerts] == ["media"]
    assert scorer.score_screening(SCREENING).alerts == []


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(0, 90_000), st.sampled_from("xyz"), st.sampled_from("pq")
    ),
    max_size=40,
).map(
    lambda rows: [
        signup(f"{n}", account=f"a{who}", at_s=at_s, device_id=device, payment_fingerprint=card)
        for n, (who, at_s, device, card) in enumerate(rows)
    ]
)


@given(EVENTS)
def test_the_same_events_give_the_same_bytes(events: list[Event]) -> None:
    assert fold(events)[2] == fold(list(events))[2]


@given(EVENTS, st.randoms(use_true_random=False))
def test_repeats_anywhere_change_no_byte(events: list[Event], order: random.Random) -> None:
    with_repeats: list[Event] = []
    for event in events:
        with_repeats.append(event)
        with_repeats += order.sample(with_repeats, min(2, len(with_repeats)))
    assert fold(with_repeats)[2] == fold(events)[2]


@given(EVENTS)
def test_revisions_of_an_alert_grow_and_so_does_what_they_say(events: list[Event]) -> None:
    revisions: dict[str, list[Alert]] = {}
    for alert in fold(events)[1]:
        revisions.setdefault(alert.alert_id, []).append(alert)
    for history in revisions.values():
        numbers = [alert.revision for alert in history]
        assert numbers == sorted(set(numbers))
        counts = [alert.account_count for alert in history]
        assert counts == sorted(counts)


@given(EVENTS)
def test_who_is_tied_to_a_campaign_is_flagged(events: list[Event]) -> None:
    verdicts, _, _ = fold(events)
    newest: dict[AccountId, Verdict] = {}
    for verdict in verdicts.values():
        newest[verdict.account_id] = verdict
    for verdict in newest.values():
        assert (verdict.campaign_id is not None) == bool(verdict.ties)
