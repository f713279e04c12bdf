"""The ledger: what an account's signals add up to."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.event import from_epoch_ms
from contracts.ids import AccountId, Code, EventId, Facet
from contracts.signal import Signal
from detectors.ledger import Ledger
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
        occurred_at_ms=START_MS,
        **more,
    )


def risk_of(*signals: Signal) -> int:
    ledger = Ledger(RULES)
    return ledger.settle(EventId("e-a"), AccountId("a"), START_MS, signals).risk


def test_an_event_without_signals_is_allowed() -> None:
    ledger = Ledger(RULES)
    verdict = ledger.settle(EventId("e"), AccountId("a"), START_MS, ())
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
    verdict = ledger.settle(EventId("e"), AccountId("a"), START_MS, signals)
    assert [reason.code for reason in verdict.reasons] == ["c", "a", "b", "vip"]


def test_shadow_signals_count_for_nothing() -> None:
    ledger = Ledger(RULES)
    shadow = signal("s", 90, mode="shadow", facet=Facet("device:d"))
    verdict = ledger.settle(EventId("e"), AccountId("a"), START_MS, [shadow])
    assert (verdict.risk, verdict.reasons) == (0, ())
    assert len(ledger) == 0
    assert ledger.amend([shadow]) == []


def test_amends_only_the_events_of_accounts_that_changed() -> None:
    ledger = Ledger(RULES)
    ledger.settle(EventId("e-a"), AccountId("a"), START_MS, [signal("c", 30)])
    amended = ledger.amend(
        [
            signal("c", 30),
            signal("c", 20, event="later"),
            signal("c", 50, account="b"),
            signal("d", 30, account="b"),
        ]
    )
    assert [(verdict.event_id, verdict.risk) for verdict in amended] == [("e-b", 80)]


def test_keeps_every_facet_that_ties_also_two_of_one_code() -> None:
    ledger = Ledger(RULES)
    one = signal("c", 30, facet=Facet("link_domain:one"), ties=True)
    other = signal("c", 30, facet=Facet("link_domain:other"), ties=True)
    loose = signal("d", 30, facet=Facet("ip:192.0.2.1"))
    first = ledger.settle(EventId("e"), AccountId("a"), START_MS, [one, loose])
    assert [tie.facet for tie in first.ties] == ["link_domain:one"]
    (verdict,) = ledger.amend([other])
    assert [tie.facet for tie in verdict.ties] == ["link_domain:one", "link_domain:other"]
    assert verdict.campaign_id == first.campaign_id is not None
    assert ledger.amend([other]) == []


def test_the_account_longest_unchanged_is_forgotten_first() -> None:
    ledger = Ledger(RULES, max_accounts=2)
    ledger.amend([signal("c", 30, account="a"), signal("c", 30, account="b")])
    ledger.amend([signal("c", 40, account="a"), signal("c", 30, account="c")])
    assert len(ledger) == 2
    risks = {
        account: ledger.settle(EventId("e"), AccountId(account), START_MS, ()).risk
        for account in "abc"
    }
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
