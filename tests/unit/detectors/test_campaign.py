"""Campaigns are the connected parts of accounts and the facets that tie them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, Action, Code, Facet
from contracts.verdict import Reason
from detectors.campaign import Campaign, Campaigns, Tie, keep_strongest, stricter


def tie(facet: str, accounts: int = 2, since: str = "t0") -> Tie:
    return Tie(facet=Facet(facet), accounts=accounts, since=since)


def join(campaigns: Campaigns, account: str, *facets: str) -> Campaign:
    campaign, _ = campaigns.join(AccountId(account), [tie(facet) for facet in facets])
    return campaign


def test_accounts_on_one_facet_are_one_campaign() -> None:
    campaigns = Campaigns()
    assert join(campaigns, "a", "device:d") is join(campaigns, "b", "device:d")
    assert join(campaigns, "c", "device:e") is not campaigns.of(AccountId("a"))
    assert len(list(campaigns)) == 2
    assert campaigns.of(AccountId("z")) is None


def test_an_account_on_two_facets_makes_one_of_two() -> None:
    campaigns = Campaigns()
    one, other = join(campaigns, "a", "device:d"), join(campaigns, "b", "device:e")
    other.risk, other.action, other.oldest_ms, other.newest_ms = 90, "hold", 5, 50
    other.reasons[Code("c")] = Reason(code=Code("c"), points=40)
    one.opened_ms, one.revision, one.oldest_ms, one.newest_ms = 1, 1, 10, 20
    kept, gone = campaigns.join(AccountId("x"), [tie("device:d", 7), tie("device:e")])
    assert kept is one  # it was opened, the other was not
    assert gone == [other]
    assert list(kept.accounts) == ["a", "b", "x"]
    assert kept.facets == {"device:d": 7, "device:e": 2}
    assert kept.expected_accounts == 7
    assert (kept.risk, kept.action, kept.oldest_ms, kept.newest_ms) == (90, "hold", 5, 50)
    assert kept.reasons[Code("c")].points == 40
    assert list(campaigns) == [one]
    assert campaigns.of(AccountId("b")) is one


def test_of_two_opened_ones_the_first_stays() -> None:
    campaigns = Campaigns()
    late, early = join(campaigns, "a", "device:d"), join(campaigns, "b", "device:e")
    late.revision, late.opened_ms = 1, 200
    early.revision, early.opened_ms = 1, 100
    assert join(campaigns, "x", "device:d", "device:e") is early


def test_an_id_is_that_of_the_burst_that_founded_it() -> None:
    ids = {
        join(Campaigns(), "a", "device:d").campaign_id,
        join(Campaigns(), "b", "device:d").campaign_id,
        Campaigns().join(AccountId("a"), [tie("device:d", 9)])[0].campaign_id,
        # what is known of a burst founds before what is only known to tie
        Campaigns()
        .join(AccountId("a"), [tie("device:c", since=""), tie("device:d")])[0]
        .campaign_id,
    }
    assert len(ids) == 1
    again, _ = Campaigns().join(AccountId("a"), [tie("device:d", since="t1")])
    assert again.campaign_id not in ids


def test_a_closed_one_is_forgotten() -> None:
    campaigns = Campaigns()
    campaign = join(campaigns, "a", "device:d", "card:c")
    campaigns.close(campaign)
    assert list(campaigns) == []
    assert campaigns.of(AccountId("a")) is None
    assert join(campaigns, "b", "card:c") is not campaign


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.lists(st.sampled_from(["f:1", "f:2", "f:3", "f:4", "f:5"]), max_size=3),
        ),
        max_size=25,
    )
)
def test_campaigns_are_the_connected_parts(joins: list[tuple[str, list[str]]]) -> None:
    campaigns = Campaigns()
    parts: list[set[str]] = []
    for account, facets in joins:
        if not facets and campaigns.of(AccountId(account)) is None:
            continue
        before = campaigns.of(AccountId(account))
        after, merged = campaigns.join(AccountId(account), [tie(facet) for facet in facets])
        assert before is None or before is after or any(before is other for other in merged)
        joined = {account, *facets}
        joined |= {name for part in parts if part & joined for name in part}
        parts = [part for part in parts if not part & joined] + [joined]
    found = {frozenset({*campaign.accounts, *campaign.facets}) for campaign in campaigns}
    assert found == {frozenset(part) for part in parts}
    for campaign in campaigns:
        assert all(campaigns.of(account) is campaign for account in campaign.accounts)


def test_of_each_code_the_reason_with_the_most_points_is_kept_and_the_newest_of_these() -> None:
    reasons: dict[Code, Reason] = {}
    for points, accounts in ((40, 4), (80, 10), (80, 11), (40, 12)):
        keep_strongest(
            reasons, Reason(code=Code("c"), points=points, evidence={"accounts": accounts})
        )
    assert reasons == {"c": Reason(code=Code("c"), points=80, evidence={"accounts": 11})}


def test_hold_is_stricter_than_review_is_stricter_than_allow() -> None:
    order: list[Action] = ["allow", "review", "hold"]
    for index, one in enumerate(order):
        for other in order[: index + 1]:
            assert stricter(one, other) == stricter(other, one) == one
