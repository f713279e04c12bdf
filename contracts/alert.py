"""What people get: one explained alert per attack."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from contracts.ids import AccountId, Action, AlertId, CampaignId
from contracts.screening import Match
from contracts.verdict import Reason

AlertKind = Literal["account", "campaign", "media"]
AlertStatus = Literal["opened", "escalated", "grown", "closed"]

MAX_LISTED_ACCOUNTS = 500
"""An alert lists its first accounts and counts all: a message has a size, an attack has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One revision of one alert.

    Attributes:
        alert_id: Derived from what the alert is about, so that a repeat is the same alert.
        revision: 1 when opened; a higher one replaces a lower one.
        title: One line, as a colleague would say it.
        account_ids: In the order they joined, the first ``MAX_LISTED_ACCOUNTS`` of them.
        account_count: All of them.
        risk: The highest among the accounts, 0 to 100.
        reasons: One a code, strongest first, with the evidence of its strongest signal.
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
    matches: tuple[Match, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
