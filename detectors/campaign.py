"""Accounts tied together by facets that fired: incremental union-find over live facets.

A campaign is a set of events, the smallest that is closed under three rules:

1. Events with a tie to one burst (a facet, and when its burst began) belong together, if their
   campaigns come within ``KEPT_MS`` of each other.
2. Events with a tie to one facet belong together, if their campaigns come within ``QUIET_MS`` of
   each other: another burst of a facet, a day after all was quiet, is another campaign.
3. So do the tied events of one account.

How near two campaigns come is told by the times of their first and newest events. Joining two only
widens that span, so what may join still may after any other join: the campaigns that come out do
not depend on the order in which events came in, and a late event can only join them further.

A tie to a burst whose campaign ended longer ago than ``KEPT_MS`` ties nothing any more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from contracts.event import from_epoch_ms
from contracts.ids import AccountId, AlertId, CampaignId, EventId, Facet, derived_id
from contracts.verdict import Tie
from detectors.case import Case, Standing, StandingTie, Told
from detectors.ledger import campaign_of

K = TypeVar("K", bound=str)

QUIET_MS = 24 * 3_600_000
"""A campaign without a new event for this long is closed."""

KEPT_MS = 7 * QUIET_MS
"""A campaign without a new event for this long, or for two of the longest windows that tie, is
forgotten."""

MAX_OVER = 100_000
"""Bursts of forgotten campaigns remembered at a time; past it, the one that ended first goes."""

Burst = tuple[int, Facet]
"""When it began, and of what; the order of bursts is that of campaigns' names."""


class Campaign(Case):
    """One attack, as far as it is seen.

    Attributes:
        bursts: All that ever tied a member.
        facets: What ties it, with the most accounts that were counted on each.
        oldest_ms: When the first event of a member happened.
        told: What was last said of it, by alert: of it, and of those that became one with it.
        active_ms: How far event time had come in all when an event last joined: a campaign seen in
            old events is not quiet for being old.
        apart: Campaigns that share a facet or an account with it, but are too far off in time.
    """

    __slots__ = (
        "active_ms", "apart", "bursts", "facets", "name", "oldest_ms", "parent", "told",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.bursts: set[Burst] = set()
        self.facets: dict[Facet, int] = {}
        self.oldest_ms = 1 << 62
        self.told: dict[AlertId, Told] = {}
        self.active_ms = 0
        self.apart: list[Campaign] = []
        self.parent: Campaign | None = None
        self.name: Burst = (1 << 62, Facet(""))
        """The earliest burst: the campaign is named after it."""

    @property
    def alert_id(self) -> AlertId:
        """Derived from the campaign's id, and so from its earliest burst."""
        return alert_of(self.name)

    @property
    def expected_accounts(self) -> int:
        """At least so many accounts were counted on one facet."""
        return max(self.facets.values(), default=0)

    def is_within(self, most_ms: int, other: Campaign) -> bool:
        """Whether no more than this lies between the two."""
        return (
            other.oldest_ms - self.newest_ms <= most_ms
            and self.oldest_ms - other.newest_ms <= most_ms
        )

    def is_near(self, at_ms: int, most_ms: int) -> bool:
        """Whether no more than this lies between it and a time."""
        return self.oldest_ms - most_ms <= at_ms <= self.newest_ms + most_ms


class Campaigns:
    """Which event belongs to which campaign.

    Args:
        horizon_ms: No burst begins longer than this after an event that it ties.
    """

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self.kept_ms = max(KEPT_MS, 2 * horizon_ms)
        self._by_event: dict[EventId, Campaign] = {}
        self._by_account: dict[AccountId, list[Campaign]] = {}
        self._by_facet: dict[Facet, list[Campaign]] = {}
        self._by_burst: dict[Burst, Campaign] = {}
        self._live: dict[int, Campaign] = {}
        self._over: OrderedDict[Burst, None] = OrderedDict()

    def __len__(self) -> int:
        """Events that are kept."""
        return len(self._by_event)

    def __iter__(self) -> Iterator[Campaign]:
        """Each campaign once."""
        return iter(list(self._live.values()))

    def of(self, account_id: AccountId) -> list[Campaign]:
        """The campaigns that an account belongs to: one, as a rule."""
        return _roots(self._by_account.get(account_id, ()))

    def join(self, standing: Standing) -> tuple[Campaign, list[Campaign], Standing | None] | None:
        """Put an event where it belongs, in place of what was known of it.

        Returns:
            The campaign; those that turned out to be one with it, and are no more; and what was
            known of the event before. None if no tie of it counts.
        """
        campaign = self._only_one(standing)
        if campaign is not None:
            return campaign, [], self._put_into(campaign, standing, standing.ties)
        at_ms = standing.at_ms
        ties = [tie for tie in standing.ties if self._counts((tie[1], tie[0]), at_ms)]
        held = self._by_event.get(standing.event_id)
        if not ties and held is None:
            return None
        found: list[Campaign] = [] if held is None else [held]
        found += [one for tie in ties if (one := self._by_burst.get((tie[1], tie[0])))]
        around = self._around(standing.account_id, ties)
        found += [one for one in around if one.is_near(at_ms, QUIET_MS)]
        campaign, gone = self._united(_roots(found))
        before = self._put_into(campaign, standing, ties)
        for other in _roots(around):
            if other is not campaign and other not in campaign.apart:
                campaign.apart.append(other)
                other.apart.append(campaign)
        while near := [one for one in _roots(campaign.apart) if self._is_one_with(campaign, one)]:
            campaign, more = self._united([campaign, *near])
            gone += more
        return campaign, [one for one in gone if one is not campaign], before

    def forget(self, campaign: Campaign) -> None:
        """Let go of all that is known of a campaign, but for the names of its bursts."""
        del self._live[id(campaign)]
        for burst in campaign.bursts:
            del self._by_burst[burst]
            self._over[burst] = None
        while len(self._over) > MAX_OVER:
            self._over.popitem(last=False)
        for event_id in campaign.events:
            del self._by_event[event_id]
        for account_id in campaign.accounts:
            _remove(self._by_account, account_id, campaign)
        for facet in campaign.facets:
            _remove(self._by_facet, facet, campaign)
        for other in _roots(campaign.apart):
            other.apart = [one for one in _roots(other.apart) if one is not campaign]

    def over(self) -> list[Burst]:
        """The bursts of campaigns that are forgotten."""
        return list(self._over)

    def add_over(self, bursts: Iterable[Burst]) -> None:
        """Know bursts of campaigns that are forgotten, again."""
        self._over.update(dict.fromkeys(bursts))

    def begin(self, bursts: Iterable[Burst]) -> Campaign:
        """A campaign as it was, but for its events, which ``add`` adds."""
        campaign = Campaign()
        self._live[id(campaign)] = campaign
        for since_ms, facet in bursts:
            self._tie(campaign, (facet, since_ms, 0))
        return campaign

    def add(self, campaign: Campaign, standing: Standing) -> None:
        """Put an event into the campaign that it was in."""
        ties = [tie for tie in standing.ties if (tie[1], tie[0]) in campaign.bursts]
        self._put_into(campaign, standing, ties)

    def end(self) -> None:
        """Find out which campaigns are apart, when all have their events."""
        for sharing in (*self._by_account.values(), *self._by_facet.values()):
            for campaign in sharing if len(sharing) > 1 else ():
                known = campaign.apart
                known += [one for one in sharing if one is not campaign and one not in known]

    def _only_one(self, standing: Standing) -> Campaign | None:
        """The campaign that an event belongs to, if no other one and no new burst is concerned.

        So it is with nearly every event of a large campaign: nothing has to be searched or joined.
        """
        ties = standing.ties
        known = self._by_burst.get((ties[0][1], ties[0][0])) if ties else None
        if known is None:
            return None
        campaign = known if known.parent is None else root_of(known)
        if campaign.apart or not campaign.is_near(standing.at_ms, QUIET_MS):
            return None
        for facet, since_ms, _ in ties:
            if (since_ms, facet) not in campaign.bursts or len(self._by_facet[facet]) != 1:
                return None
        held = self._by_event.get(standing.event_id)
        if held is not None and held is not campaign and root_of(held) is not campaign:
            return None
        for other in self._by_account.get(standing.account_id, ()):
            if other is not campaign and root_of(other) is not campaign:
                return None
        return campaign

    def _put_into(
        self, campaign: Campaign, standing: Standing, ties: Iterable[StandingTie]
    ) -> Standing | None:
        """Count an event in a campaign; give what was known of it."""
        before = campaign.put(standing, self._horizon_ms)
        campaign.oldest_ms = min(campaign.oldest_ms, standing.at_ms)
        self._by_event[standing.event_id] = campaign
        _put(self._by_account, standing.account_id, campaign)
        for tie in ties:
            self._tie(campaign, tie)
        return before

    def _counts(self, burst: Burst, at_ms: int) -> bool:
        known = self._by_burst.get(burst)
        if known is None:
            return burst not in self._over
        return root_of(known).is_near(at_ms, self.kept_ms)

    def _around(self, account_id: AccountId, ties: Iterable[StandingTie]) -> list[Campaign]:
        around = _roots(self._by_account.get(account_id, ()))
        for tie in ties:
            around += _roots(self._by_facet.get(tie[0], ()))
        return around

    def _is_one_with(self, campaign: Campaign, other: Campaign) -> bool:
        return other is not campaign and campaign.is_within(QUIET_MS, other)

    def _tie(self, campaign: Campaign, tie: StandingTie) -> None:
        facet, since_ms, accounts = tie
        if accounts > campaign.facets.get(facet, -1):
            campaign.facets[facet] = accounts
        burst = (since_ms, facet)
        if burst not in campaign.bursts:
            campaign.bursts.add(burst)
            campaign.name = min(campaign.name, burst)
            self._by_burst[burst] = campaign
            _put(self._by_facet, facet, campaign)

    def _united(self, campaigns: list[Campaign]) -> tuple[Campaign, list[Campaign]]:
        """Make one of several; the largest takes the others over."""
        if not campaigns:
            campaign = Campaign()
            self._live[id(campaign)] = campaign
            return campaign, []
        campaign = max(campaigns, key=lambda one: len(one.events))
        gone = [one for one in campaigns if one is not campaign]
        for other in gone:
            other.parent = campaign
            del self._live[id(other)]
            campaign.take_over(other)
            campaign.bursts |= other.bursts
            campaign.name = min(campaign.name, other.name)
            campaign.oldest_ms = min(campaign.oldest_ms, other.oldest_ms)
            campaign.told |= other.told
            campaign.active_ms = max(campaign.active_ms, other.active_ms)
            campaign.apart.extend(other.apart)
            for facet, accounts in other.facets.items():
                campaign.facets[facet] = max(accounts, campaign.facets.get(facet, 0))
        if gone:
            campaign.apart = [one for one in _roots(campaign.apart) if one is not campaign]
        return campaign, gone


@lru_cache(maxsize=65_536)
def alert_of(burst: Burst) -> AlertId:
    """The id of the alert on the campaign that is named after a burst."""
    return AlertId(derived_id("campaign", campaign_named(burst)))


def campaign_named(burst: Burst) -> CampaignId:
    """The id of the campaign that is named after a burst."""
    since_ms, facet = burst
    named = campaign_of((Tie(facet=facet, since=from_epoch_ms(since_ms), accounts=0),))
    assert named is not None
    return named


def root_of(campaign: Campaign) -> Campaign:
    """What a campaign has become part of; the way there is made shorter (path halving)."""
    while campaign.parent is not None:
        if campaign.parent.parent is not None:
            campaign.parent = campaign.parent.parent
        campaign = campaign.parent
    return campaign


def _roots(campaigns: Collection[Campaign]) -> list[Campaign]:
    if len(campaigns) <= 1:  # as a rule
        return [root_of(campaign) for campaign in campaigns]
    return list({id(root): root for root in map(root_of, campaigns)}.values())


def _put(index: dict[K, list[Campaign]], key: K, campaign: Campaign) -> None:
    sharing = index.get(key)
    if sharing is None:
        index[key] = [campaign]
    elif len(sharing) != 1 or sharing[0] is not campaign:
        sharing[:] = _roots((*sharing, campaign))


def _remove(index: dict[K, list[Campaign]], key: K, campaign: Campaign) -> None:
    left = [one for one in _roots(index.get(key, ())) if one is not campaign]
    if left:
        index[key] = left
    else:
        index.pop(key, None)
