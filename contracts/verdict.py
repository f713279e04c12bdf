"""What all signals on an account come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from contracts.ids import AccountId, Action, CampaignId, Code, EventId, Facet
from contracts.signal import Evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One signal as people and platforms read it."""

    code: Code
    points: int
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The risk of one account, as of one of its events.

    A later verdict with the same event_id replaces an earlier one: that is how the first accounts
    of a burst are flagged once it is seen to be one.

    Attributes:
        risk: 0 to 100.
        reasons: Strongest first.
        ties: Facets that tie the account to a campaign.
    """

    event_id: EventId
    account_id: AccountId
    occurred_at: datetime
    risk: int
    action: Action
    reasons: tuple[Reason, ...]
    ruleset_version: str
    campaign_id: CampaignId | None = None
    ties: tuple[Facet, ...] = ()
