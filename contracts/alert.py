"""What people get: one explained alert per attack."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from contracts.ids import AccountId, Action, AlertId, CampaignId
from contracts.screening import Match
from contracts.verdict import Reason

AlertKind = Literal["account", "campaign", "media", "vip"]
AlertStatus = Literal["opened", "escalated", "grown", "closed"]

MAX_LISTED_ACCOUNTS = 500
"""An alert lists its first accounts and counts all: a message has a size, an attack has none."""


MAX_CAMPAIGN_IDS = 200
"""An alert lists so many of the campaign ids that its members' verdicts carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GrowthPoint:
    """How many accounts there were in all before a time.

    Attributes:
        at: The end of a stretch of time, in event time.
        accounts: Those whose first event came before it.
    """

    at: datetime
    accounts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One revision of one alert.

    All of it is a function of the verdicts, screenings and decisions that it is about, in whatever
    order they came: two runs over the same events end with the same alerts, revisions included.

    Attributes:
        alert_id: Derived from what the alert is about, so that a repeat is the same alert.
        revision: A number that grows with what the alert says: of two revisions of an alert the
            higher is the newer. It adds up what is known of each event, of each decision, and
            whether the alert is closed; it does not count announcements, and does not begin at 1.
        status: Where the alert stands: ``closed``, or else ``grown`` when it has twice the accounts
            of the highest level that was reached, ``escalated`` when it has come to ``hold``,
            ``opened`` otherwise. What a sink gets says instead what is new since the last time.
        title: One line, as a colleague would say it.
        account_ids: In the order of their first events, the first ``MAX_LISTED_ACCOUNTS``.
        account_count: All of them.
        risk: The highest among the accounts, 0 to 100.
        reasons: One a code, strongest first, with the evidence of its strongest signal.
        opened_at: When the campaign's earliest burst began (its first event, where the burst's pane
            began before that), or the event that is first for review.
        updated_at: When the newest event of any member happened.
        campaign_id: Of a campaign, its own. An alert that was closed into a campaign, a lone
            account's or that of a smaller campaign, has the id of that one.
        campaign_ids: Every ``campaign_id`` that a member's verdict carries, the earliest first, at
            most ``MAX_CAMPAIGN_IDS``.
        growth: The campaign's size over time, in at most 60 steps of even length.
        closed_because: Why it is closed; empty while it is not.
        links: Pages of the console, by name.
    """

    alert_id: AlertId
    revision: int
    kind: AlertKind
    status: AlertStatus
    title: str
    account_ids: tuple[AccountId, ...]
    account_count: int
    risk: int
    action: Action
    reasons: tuple[Reason, ...]
    opened_at: datetime
    updated_at: datetime
    ruleset_version: str
    campaign_id: CampaignId | None = None
    campaign_ids: tuple[CampaignId, ...] = ()
    growth: tuple[GrowthPoint, ...] = ()
    closed_because: str = ""
    matches: tuple[Match, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
