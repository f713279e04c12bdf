"""Campaigns are the connected parts of accounts and the facets that tie them, near in time."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, EventId, Facet
from detectors.campaign import KEPT_MS, QUIET_MS, Campaign, Campaigns, alert_of
from detectors.case import Standing

DAY_MS = QUIET_MS
DEVICE, CARD = "device:d", "payment:c"


def standing(
    account: str, *facets: str, at_ms: int = 0, since_ms: int = 0, accounts: int = 2
) -> Standing:
    return Standing(
        event_id=EventId(f"{account}@{at_ms}"),
        account_id=AccountId(account),
        at_ms=at_ms,
        risk=45,
        action="review",
        reasons=(),
        ties=tuple((Facet(facet), since_ms, accounts) for facet in facets),
    )


def join(campaigns: Campaigns, *standings: Standing) -> Campaign:
    joined = [campaigns.join(one) for one in standings][-1]
    assert joined is not None
    return joined[0]


def new() -> Campaigns:
    return Campaigns(horizon_ms=DAY_MS)


def parts(campaigns: Campaigns) -> set[frozenset[str]]:
    return {frozenset(one.events) for one in campaigns}


def test_accounts_on_one_facet_are_one_campaign() -> None:
    campaigns = new()
    one = join(campaigns, standing("a", DEVICE), standing("b", DEVICE))
    assert set(one.accounts) == {"a", "b"}
    assert join(campaigns, standing("c", "device:e")) is not one
    assert campaigns.of(AccountId("b")) == [one]
    assert campaigns.of(AccountId("z")) == []
    assert campaigns.join(standing("z")) is None


def test_an_account_on_two_facets_makes_one_of_two() -> None:
    campaigns = new()
    join(campaigns, standing("a", DEVICE, accounts=7), standing("b", CARD))
    joined = campaigns.join(standing("x", DEVICE, CARD, at_ms=5))
    assert joined is not None
    kept, gone, before = joined
    assert len(gone) == 1
    assert before is None
    assert kept.accounts == {"a": 0, "b": 0, "x": 5}
    assert kept.facets == {DEVICE: 7, CARD: 2}
    assert kept.expected_accounts == 7
    assert list(campaigns) == [kept]
    assert campaigns.of(AccountId("b")) == campaigns.of(AccountId("a")) == [kept]


def test_it_is_named_after_its_earliest_burst() -> None:
    late, early = standing("a", DEVICE, since_ms=9), standing("b", DEVICE, since_ms=4)
    one, other = join(new(), late, early), join(new(), early, late)
    assert one.name == other.name == (4, DEVICE)
    assert one.alert_id == other.alert_id == alert_of((4, Facet(DEVICE)))
    assert one.alert_id != join(new(), late).alert_id


def test_the_same_facet_a_day_after_all_was_quiet_is_another_campaign() -> None:
    first = standing("a", DEVICE)
    second = standing("b", DEVICE, at_ms=DAY_MS + 1, since_ms=DAY_MS + 1)
    for order in ([first, second], [second, first]):
        campaigns = new()
        join(campaigns, *order)
        assert len(parts(campaigns)) == 2
        # one in between makes them one, late as it is
        join(campaigns, standing("c", DEVICE, at_ms=DAY_MS // 2, since_ms=DAY_MS // 2))
        assert len(parts(campaigns)) == 1


def test_a_burst_that_goes_on_after_a_quiet_day_is_the_same_campaign() -> None:
    campaigns = new()
    join(campaigns, standing("a", DEVICE), standing("b", DEVICE, at_ms=2 * DAY_MS))
    assert len(parts(campaigns)) == 1


def test_what_ties_to_a_campaign_long_over_ties_no_more() -> None:
    campaigns = new()
    one = join(campaigns, standing("a", DEVICE), standing("b", DEVICE))
    assert campaigns.join(standing("a", DEVICE, at_ms=KEPT_MS + 1)) is None
    campaigns.forget(one)
    assert campaigns.join(standing("a", DEVICE, at_ms=KEPT_MS + 1)) is None
    fresh = join(
        campaigns,
        standing("a", DEVICE, at_ms=KEPT_MS + 2, since_ms=KEPT_MS),
    )
    assert fresh is not one
    assert len(campaigns) == 1


def test_forgetting_one_leaves_its_neighbour_whole() -> None:
    campaigns = new()
    old = join(campaigns, standing("a", DEVICE))
    young = join(campaigns, standing("a", DEVICE, at_ms=3 * DAY_MS, since_ms=3 * DAY_MS))
    assert old is not young
    assert campaigns.of(AccountId("a")) == [old, young]
    campaigns.forget(old)
    assert campaigns.of(AccountId("a")) == [young]
    grown = join(campaigns, standing("b", DEVICE, at_ms=3 * DAY_MS, since_ms=3 * DAY_MS))
    assert grown is young


def test_a_later_verdict_on_an_event_stands_in_place_of_the_earlier() -> None:
    campaigns = new()
    first = standing("a", DEVICE)
    one = join(campaigns, first)
    joined = campaigns.join(standing("a", DEVICE, CARD))
    assert joined is not None
    assert joined[0] is one
    assert joined[2] == first
    assert (len(one.events), one.actions["review"]) == (1, 1)


HOUR_MS = 3_600_000
STANDINGS = st.lists(
    st.builds(
        lambda account, facets, hour: standing(
            account, *sorted(facets), at_ms=hour * HOUR_MS, since_ms=hour // 12 * 12 * HOUR_MS
        ),
        st.sampled_from("abcdef"),
        st.sets(st.sampled_from(["device:1", "device:2", "card:1", "card:2"]), min_size=1),
        st.integers(0, 150),
    ),
    max_size=25,
    unique_by=lambda one: one.event_id,
)


def by_brute_force(standings: list[Standing]) -> set[frozenset[str]]:
    """Join any two parts that may be joined, until there are none."""
    found = [[one] for one in standings]
    while True:
        pair = next(
            (
                (one, other)
                for at, one in enumerate(found)
                for other in found[:at]
                if _is_one(one, other)
            ),
            None,
        )
        if pair is None:
            return {frozenset(one.event_id for one in part) for part in found}
        found.remove(pair[1])
        pair[0].extend(pair[1])


def _is_one(one: list[Standing], other: list[Standing]) -> bool:
    first, second = ([event.at_ms for event in part] for part in (one, other))
    between_ms = max(min(first) - max(second), min(second) - max(first))
    bursts = [{tie[:2] for event in part for tie in event.ties} for part in (one, other)]
    shared = [
        {tie[0] for event in part for tie in event.ties} | {event.account_id for event in part}
        for part in (one, other)
    ]
    return (between_ms <= KEPT_MS and bool(bursts[0] & bursts[1])) or (
        between_ms <= QUIET_MS and bool(shared[0] & shared[1])
    )


@given(STANDINGS, st.randoms(use_true_random=False))
def test_campaigns_are_what_joining_by_hand_comes_to_in_any_order(
    standings: list[Standing], order: random.Random
) -> None:
    expected = by_brute_force(standings)
    order.shuffle(standings)
    campaigns = new()
    for one in standings:
        campaigns.join(one)
    assert parts(campaigns) == expected
    for campaign in campaigns:
        members = {one.account_id for one in campaign.events.values()}
        assert set(campaign.accounts) == members
        for account_id in members:
            assert campaign in campaigns.of(account_id)
        campaigns.forget(campaign)
    assert len(campaigns) == 0
    assert list(campaigns) == []
