"""What the desk says last of each alert does not depend on the order in which it heard."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.alert import Alert
from contracts.event import epoch_ms, from_epoch_ms
from contracts.ids import AccountId, Action, Code, EventId, Facet
from contracts.verdict import Reason, Tie, Verdict
from detectors.alert_desk import AlertDesk
from detectors.ledger import campaign_of
from detectors.ruling import Ruled, Ruling
from tests.alerts import standing
from tests.traffic import START_MS, rule, ruleset

HOUR_MS = 3_600_000
RULES = ruleset(rule((2, 45), (4, 85), window=12 * 3_600))
FACETS = ("device:a", "device:b", "card:a", "card:b")
ACCOUNTS = "pqrstu"


def verdict(number: int, account: str, at_ms: int, ties: Sequence[Tie], *, level: int) -> Verdict:
    points = (0, 45, 85)[level]
    action: Action = ("allow", "review", "hold")[level]
    since = min((tie.since for tie in ties), default=None)
    evidence = {"accounts": level, "since": since.isoformat()} if since else {}
    return Verdict(
        event_id=EventId(f"e{number}"),
        account_id=AccountId(account),
        occurred_at=from_epoch_ms(START_MS + at_ms),
        risk=points,
        action=action,
        reasons=(Reason(code=Code("code"), points=points, evidence=evidence),) if points else (),
        ruleset_version="test-1",
        campaign_id=campaign_of(ties),
        ties=tuple(ties),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Verdict]:
    """The revisions of an event's verdict: each says more than the one before."""
    number = draw(st.integers(0, 1 << 30))
    account, at_ms = draw(st.sampled_from(ACCOUNTS)), draw(st.integers(0, 90)) * HOUR_MS
    facets = draw(st.lists(st.sampled_from(FACETS), max_size=3, unique=True))
    # bursts of a facet begin every twelve hours; a late event may show one to have begun earlier
    burst_ms = START_MS + at_ms // (12 * HOUR_MS) * 12 * HOUR_MS
    told: list[Verdict] = []
    level, earlier_ms = draw(st.integers(0, 2)), 0
    for count in range(draw(st.integers(0, len(facets))), len(facets) + 1):
        level = max(level, draw(st.integers(0, 2)))
        earlier_ms = max(earlier_ms, draw(st.sampled_from([0, 0, 60_000])))
        ties = sorted(
            (
                Tie(facet=Facet(facet), since=from_epoch_ms(burst_ms - earlier_ms), accounts=level)
                for facet in facets[:count]
            ),
            key=lambda tie: (tie.since, tie.facet),
        )
        told.append(verdict(number, account, at_ms, ties, level=level))
    return told


HISTORIES = st.lists(histories(), max_size=14, unique_by=lambda told: told[0].event_id)
DECISIONS = st.lists(
    st.builds(
        lambda number, accounts, hour, action: Ruled(
            ruling=Ruling(
                at_ms=START_MS + hour * HOUR_MS,
                decision_id=EventId(f"d{number}"),
                action=action,
                reviewer="kim",
            ),
            account_ids=tuple(AccountId(account) for account in sorted(accounts)),
        ),
        st.integers(0, 1 << 30),
        st.sets(st.sampled_from(ACCOUNTS), min_size=1),
        st.integers(0, 100),
        st.sampled_from(["approve", "ban", "mark_vip"]),
    ),
    max_size=3,
    unique_by=lambda ruled: ruled.ruling.decision_id,
)


def heard(
    histories: list[list[Verdict]],
    decisions: list[Ruled],
    order: random.Random,
    *,
    snapshots: float = 0,
) -> dict[str, Alert]:
    """The revisions of each event in their order, else in any; with ticks in between."""
    desk = AlertDesk(RULES)
    said: list[Alert] = []
    waiting: list[list[Verdict] | Ruled] = [*(list(told) for told in histories), *decisions]
    while waiting:
        chosen = order.choice(waiting)
        if isinstance(chosen, Ruled):
            waiting.remove(chosen)
            said += desk.decide(chosen)
        else:
            said += desk.observe(chosen.pop(0))
            if not chosen:
                waiting = [one for one in waiting if one is not chosen]
        if order.random() < snapshots:
            restored = AlertDesk(RULES)
            for piece in desk.snapshot():
                restored.load(piece)
            assert list(restored.snapshot()) == list(desk.snapshot())
            desk = restored
        if order.random() < 0.3:
            said += desk.tick(START_MS + order.randint(0, 90) * HOUR_MS, source=order.randint(0, 2))
    newest_ms = max((epoch_ms(told[0].occurred_at) for told in histories), default=START_MS)
    for source in range(3):
        said += desk.tick(max(newest_ms, START_MS + 90 * HOUR_MS), source=source)
    said += desk.finish()
    assert desk.finish() == []
    return {str(alert_id): alert for alert_id, alert in standing(said).items()}


@given(HISTORIES, DECISIONS, st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_what_stands_is_a_function_of_what_was_heard(
    histories: list[list[Verdict]], decisions: list[Ruled], order: random.Random
) -> None:
    expected = heard([[told[-1]] for told in histories], decisions, random.Random(0))
    assert heard(histories, decisions, order) == expected
    assert heard(histories, decisions, order) == expected


@given(HISTORIES, DECISIONS, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_desk_goes_on_from_its_snapshot(
    histories: list[list[Verdict]], decisions: list[Ruled], order: random.Random
) -> None:
    expected = heard([[told[-1]] for told in histories], decisions, random.Random(0))
    assert heard(histories, decisions, order, snapshots=0.3) == expected
