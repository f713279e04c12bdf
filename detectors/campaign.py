"""Accounts tied together by facets that fired: incremental union-find over live facets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contracts.alert import AlertStatus
from contracts.ids import AccountId, Action, CampaignId, Code, Facet, derived_id
from contracts.verdict import Reason

MAX_CLOSED_BURSTS = 100_000
"""Bursts of closed campaigns remembered at a time; past it, the one closed first is forgotten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """A facet that fired, and what was counted on it.

    Attributes:
        since: When the burst began, as the evidence says.
    """

    facet: Facet
    accounts: int
    since: str = ""


@dataclass(slots=True)
class Campaign:
    """One attack, as far as it is seen.

    Attributes:
        campaign_id: Derived from the facet that founded it and when that one's burst began.
        facets: What ties it, with the most accounts that were counted on each.
        bursts: The same facets, each with when its bursts began.
        accounts: In the order they joined.
        newest_ms: Event time of the newest event of any member.
        revision: How often it was announced; 0 before it is opened.
        announced_accounts: How many accounts the last alert spoke of.
        active_ms: How far event time had come in all when an account last joined or acted: a
            campaign seen in old events is not quiet for being old.
        announced_ms: The ``active_ms`` of the last alert.
    """

    campaign_id: CampaignId
    facets: dict[Facet, int] = field(default_factory=dict)
    bursts: set[tuple[Facet, str]] = field(default_factory=set)
    accounts: dict[AccountId, None] = field(default_factory=dict)
    reasons: dict[Code, Reason] = field(default_factory=dict)
    risk: int = 0
    action: Action = "allow"
    oldest_ms: int = 1 << 62
    newest_ms: int = 0
    active_ms: int = 0
    opened_ms: int = 0
    revision: int = 0
    announced_accounts: int = 0
    announced_action: Action = "allow"
    announced_ms: int = 0
    status: AlertStatus = "opened"

    @property
    def expected_accounts(self) -> int:
        """How many accounts were counted on the facet that ties the most."""
        return max(self.facets.values(), default=0)


class Campaigns:
    """Which account and which facet belong to which campaign."""

    def __init__(self) -> None:
        self._by_facet: dict[Facet, Campaign] = {}
        self._by_account: dict[AccountId, Campaign] = {}
        self._over: dict[tuple[Facet, str], None] = {}
        """Bursts of closed campaigns: an account keeps its ties, but they found nothing again."""

    def __iter__(self) -> Iterator[Campaign]:
        """Each live campaign once, the oldest first."""
        return iter({id(campaign): campaign for campaign in self._by_facet.values()}.values())

    def of(self, account_id: AccountId) -> Campaign | None:
        """The campaign that an account belongs to."""
        return self._by_account.get(account_id)

    def live(self, ties: Iterable[Tie]) -> list[Tie]:
        """Those ties whose burst does not belong to a campaign that is closed."""
        return [tie for tie in ties if (tie.facet, tie.since) not in self._over]

    def join(self, account_id: AccountId, ties: Iterable[Tie]) -> tuple[Campaign, list[Campaign]]:
        """Put an account into the campaign of the facets that tie it.

        Args:
            account_id: Whose verdict it is.
            ties: What ties it; may be empty for an account that belongs to a campaign already.

        Returns:
            The campaign, and those that turned out to be one with it and are no more. The one
            that was opened first stays, or else the one with the smaller id.
        """
        ties = list(ties)
        found = {
            id(campaign): campaign
            for campaign in (
                self._by_account.get(account_id),
                *(self._by_facet.get(tie.facet) for tie in ties),
            )
            if campaign is not None
        }
        candidates = sorted(
            found.values(),
            key=lambda one: (one.revision == 0, one.opened_ms, one.campaign_id),
        )
        campaign = candidates[0] if candidates else _found(ties)
        for other in candidates[1:]:
            self._merge(campaign, other)
        for tie in ties:
            campaign.facets[tie.facet] = max(tie.accounts, campaign.facets.get(tie.facet, 0))
            campaign.bursts.add((tie.facet, tie.since))
            self._by_facet[tie.facet] = campaign
        campaign.accounts.setdefault(account_id)
        self._by_account[account_id] = campaign
        return campaign, candidates[1:]

    def close(self, campaign: Campaign) -> None:
        """Forget a campaign; if its facets fire again, that is another attack."""
        self._over.update(dict.fromkeys(campaign.bursts))
        while len(self._over) > MAX_CLOSED_BURSTS:
            del self._over[next(iter(self._over))]
        for facet in campaign.facets:
            del self._by_facet[facet]
        for account_id in campaign.accounts:
            del self._by_account[account_id]

    def _merge(self, into: Campaign, other: Campaign) -> None:
        for facet, accounts in other.facets.items():
            into.facets[facet] = max(accounts, into.facets.get(facet, 0))
            self._by_facet[facet] = into
        into.bursts |= other.bursts
        for account_id in other.accounts:
            into.accounts.setdefault(account_id)
            self._by_account[account_id] = into
        for reason in other.reasons.values():
            keep_strongest(into.reasons, reason)
        into.risk = max(into.risk, other.risk)
        into.action = stricter(into.action, other.action)
        into.oldest_ms = min(into.oldest_ms, other.oldest_ms)
        into.newest_ms = max(into.newest_ms, other.newest_ms)
        into.active_ms = max(into.active_ms, other.active_ms)


def _found(ties: list[Tie]) -> Campaign:
    tie = min(ties, key=lambda tie: (not tie.since, tie.facet))
    return Campaign(campaign_id=CampaignId(derived_id("campaign", tie.facet, tie.since)))


def keep_strongest(reasons: dict[Code, Reason], reason: Reason) -> None:
    """Keep, of each code, the reason with the most points, and of these the newest."""
    before = reasons.get(reason.code)
    if before is None or reason.points >= before.points:
        reasons[reason.code] = reason


def stricter(one: Action, other: Action) -> Action:
    """The stricter of two actions."""
    return max(one, other, key=_STRICTNESS.__getitem__)


_STRICTNESS: dict[Action, int] = {"allow": 0, "review": 1, "hold": 2}
