"""The ledger: what an account's signals add up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.event import from_epoch_ms
from contracts.ids import AccountId, Code, EventId, Facet
from contracts.signal import Burst, Signal
from contracts.verdict import Verdict
from detectors.ledger import Ledger
from detectors.reader import Reading
from tests.traffic import START_MS, ruleset

RULES = ruleset(groups={"device": 50, "links": 30})


def signal(
    code: str, points: int, *, group: str = "any", account: str = "a", **more: Any
) -> Signal:
    return Signal(
        code=Code(code),
        points=points,
        group=group,
        account_id=AccountId(account),
        event_id=EventId(more.pop("event", f"e-{account}")),
        occurred_at_ms=START_MS + more.pop("at_s", 0) * 1_000,
        **more,
    )


def risk_of(*signals: Signal) -> int:
    ledger = Ledger(RULES)
    return settled(ledger, "e-a", signals).risk


def settled(
    ledger: Ledger, event: str, signals: Sequence[Signal] = (), *, account: str = "a", at_s: int = 0
) -> Verdict:
    """The verdict on the event itself."""
    return ledger.settle(EventId(event), AccountId(account), START_MS + at_s * 1_000, signals)[0]


def burst(facet: str, *, since_s: int = 0, ties: bool = True) -> Burst:
    return Burst(
        facet=Facet(facet),
        since_ms=START_MS + since_s * 1_000,
        window_ms=3_600_000,
        accounts=4,
        ties=ties,
    )


def test_an_event_without_signals_is_allowed() -> None:
    ledger = Ledger(RULES)
    verdict = settled(ledger, "e")
    assert (verdict.risk, verdict.action, verdict.reasons, verdict.ties) == (0, "allow", (), ())
    assert verdict.occurred_at == from_epoch_ms(START_MS)
    assert verdict.ruleset_version == "test-1"
    assert len(ledger) == 0


def test_signals_of_a_group_add_up_to_no_more_than_its_cap() -> None:
    assert risk_of(signal("d1", 40, group="device"), signal("d2", 40, group="device")) == 50
    assert risk_of(signal("d1", 40, group="device"), signal("l1", 40, group="links")) == 70


def test_of_one_code_only_the_strongest_counts() -> None:
    assert risk_of(signal("c", 10), signal("c", 30), signal("c", 20)) == 30


def test_negative_points_take_away_but_never_below_nothing() -> None:
    assert risk_of(signal("bad", 60), signal("vip", -40)) == 20
    assert risk_of(signal("vip", -40)) == 0


def test_risk_ends_at_a_hundred() -> None:
    assert risk_of(signal("x", 90), signal("y", 50, group="device")) == 100


def test_reasons_come_strongest_first_and_then_by_code() -> None:
    ledger = Ledger(RULES)
    signals = [signal("b", 10), signal("c", 30), signal("a", 10), signal("vip", -5)]
    verdict = settled(ledger, "e-a", signals)
    assert [reason.code for reason in verdict.reasons] == ["c", "a", "b", "vip"]


def test_shadow_signals_count_for_nothing() -> None:
    ledger = Ledger(RULES)
    shadow = signal("s", 90, mode="shadow", burst=burst("device:d"))
    verdict = settled(ledger, "e", [shadow])
    assert (verdict.risk, verdict.reasons) == (0, ())
    assert len(ledger) == 0
    assert ledger.amend([shadow]) == []


def test_amends_only_the_events_of_accounts_that_changed() -> None:
    ledger = Ledger(RULES)
    settled(ledger, "e-a", [signal("c", 30)])
    amended = ledger.amend(
        [signal("c", 30), signal("c", 50, account="b"), signal("d", 30, account="b")]
    )
    assert [(verdict.event_id, verdict.risk) for verdict in amended] == [("e-b", 80)]


def test_what_is_known_of_an_event_counts_from_there_on_and_not_before() -> None:
    ledger = Ledger(RULES)
    settled(ledger, "e1")
    settled(ledger, "e2", at_s=10)
    late = ledger.settle(EventId("e3"), AccountId("a"), START_MS + 20_000, ())
    assert [(verdict.event_id, verdict.risk) for verdict in late] == [("e3", 0)]
    amended = ledger.amend([signal("c", 30, event="e2", at_s=10)])
    assert [(verdict.event_id, verdict.risk) for verdict in amended] == [("e2", 30), ("e3", 30)]
    (early,) = ledger.settle(EventId("e0"), AccountId("a"), START_MS - 5_000, ())
    assert early.risk == 0


def test_keeps_every_burst_that_ties_also_two_of_one_code() -> None:
    ledger = Ledger(RULES)
    one = signal("c", 30, burst=burst("link_domain:one"))
    other = signal("c", 30, burst=burst("link_domain:other", since_s=60))
    loose = signal("d", 30, burst=burst("ip:192.0.2.1", ties=False))
    first = settled(ledger, "e-a", [one, loose])
    assert [tie.facet for tie in first.ties] == ["link_domain:one"]
    (verdict,) = ledger.amend([other])
    assert [tie.facet for tie in verdict.ties] == ["link_domain:one", "link_domain:other"]
    assert verdict.campaign_id == first.campaign_id is not None
    assert ledger.amend([other]) == []


def test_of_a_burst_the_highest_level_and_the_earliest_beginning_stay() -> None:
    ledger = Ledger(RULES)
    weak = signal("c", 30, burst=burst("device:d", since_s=0))
    strong = signal("c", 60, burst=burst("device:d", since_s=120))
    for signals in ([weak, strong], [strong, weak]):
        (verdict,) = Ledger(RULES).settle(EventId("e-a"), AccountId("a"), START_MS, signals)
        assert verdict.risk == 60
        assert [tie.since for tie in verdict.ties] == [from_epoch_ms(START_MS)]
    again = signal("c", 30, burst=burst("device:d", since_s=7_200))
    verdict = settled(ledger, "e-a", [weak, again])
    assert len(verdict.ties) == 2


def test_the_account_longest_unchanged_is_forgotten_first() -> None:
    ledger = Ledger(RULES, max_accounts=2)
    ledger.amend([signal("c", 30, account="a"), signal("c", 30, account="b")])
    ledger.amend([signal("c", 40, account="a"), signal("c", 30, account="c")])
    assert len(ledger) == 2
    risks = {account: settled(ledger, "e", account=account, at_s=1).risk for account in "abc"}
    assert risks == {"a": 40, "b": 0, "c": 30}


SIGNALS = st.lists(
    st.builds(
        signal,
        st.sampled_from("abcd"),
        st.integers(-100, 100),
        group=st.sampled_from(["any", "device", "links"]),
    ),
    max_size=8,
)


@given(SIGNALS)
def test_risk_lies_between_nothing_and_a_hundred(signals: list[Signal]) -> None:
    assert 0 <= risk_of(*signals) <= 100


@given(SIGNALS)
def test_it_makes_no_difference_whether_signals_come_at_once_or_later(
    signals: list[Signal],
) -> None:
    one, other = Ledger(RULES), Ledger(RULES)
    for each in signals:
        other.amend([each])
    at_once = one.settle(EventId("e-a"), AccountId("a"), START_MS, signals)
    assert other.settle(EventId("e-a"), AccountId("a"), START_MS, ()) == at_once
    assert one.amend(signals) == []


EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=8)


@given(EVENTS, st.data())
def test_settling_a_chunk_ends_as_settling_one_event_after_another(
    events: list[tuple[str, int]], data: st.DataObject
) -> None:
    readings = [
        Reading(
            event_id=EventId(f"e-{number}"),
            account_id=AccountId(account),
            occurred_at_ms=START_MS + at_s * 1_000,
            signals=tuple(
                signal(code, 20, account=account, event=f"e-{number}", at_s=at_s)
                for code in data.draw(st.sets(st.sampled_from("xy"), max_size=1))
            ),
        )
        for number, (account, at_s) in enumerate(events)
    ]
    about = st.integers(0, len(events) - 1)
    raised = [
        signal(f"v{code}", 30, account=events[at][0], event=f"e-{at}", at_s=events[at][1])
        for at, code in data.draw(st.lists(st.tuples(about, st.integers(0, 2)), max_size=6))
    ]
    one, other = Ledger(RULES), Ledger(RULES)
    cut = data.draw(about)
    at_once = {
        verdict.event_id: verdict
        for chunk, signals in ((readings[:cut], raised[:2]), (readings[cut:], raised[2:]))
        for verdict in one.settle_all(chunk, signals)
    }
    singly = {
        verdict.event_id: verdict
        for reading in readings
        for verdict in other.settle(
            reading.event_id, reading.account_id, reading.occurred_at_ms, reading.signals
        )
    }
    singly |= {verdict.event_id: verdict for verdict in other.amend(raised)}
    assert at_once == singly


def test_plain_verdicts_of_a_chunk_come_in_its_order() -> None:
    readings = [
        Reading(
            event_id=EventId(f"e-{n}"), account_id=AccountId(f"a-{n}"), occurred_at_ms=START_MS + n
        )
        for n in (2, 0, 1)
    ]
    verdicts = Ledger(RULES).settle_all(readings, [])
    assert [verdict.event_id for verdict in verdicts] == ["e-2", "e-0", "e-1"]
    assert {verdict.action for verdict in verdicts} == {"allow"}
