"""What all signals on an account come to."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from contracts.ids import AccountId, Action, CampaignId, Code, EventId, Facet
from contracts.signal import Evidence
from contracts.value import Value


class Reason(Value, frozen=True, kw_only=True, gc=False):
    """One signal as people and platforms read it."""

    code: Code
    points: int
    evidence: Evidence = field(default_factory=dict)


class Tie(Value, frozen=True, kw_only=True, gc=False):
    """A facet that fired, and that makes the accounts which share it one campaign.

    Attributes:
        since: When the facet's burst began, as exactly as the panes of its window tell.
        accounts: So many accounts, or more, were counted on it in one window.
    """

    facet: Facet
    since: datetime
    accounts: int


class Verdict(Value, frozen=True, kw_only=True, gc=False):
    """The risk of one account, as of one of its events.

    A later verdict with the same event_id replaces an earlier one: that is how the first accounts
    of a burst are flagged once it is seen to be one.

    Attributes:
        risk: 0 to 100.
        reasons: Strongest first.
        campaign_id: Named after the earliest of ``ties``; None without one. The campaign's alert
            has it among its ``campaign_ids``.
        ties: What ties the account to others, the earliest first.
    """

    event_id: EventId
    account_id: AccountId
    occurred_at: datetime
    risk: int
    action: Action
    reasons: tuple[Reason, ...]
    ruleset_version: str
    campaign_id: CampaignId | None = None
    ties: tuple[Tie, ...] = ()
