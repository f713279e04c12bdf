"""Alerts for tests of whatever carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from contracts.alert import Alert
from contracts.ids import AccountId, AlertId, CampaignId, Code, ReferenceId
from contracts.screening import Match
from contracts.verdict import Reason
from detectors.alert_writer import was_closed_into_another

OPENED_AT = datetime(2026, 5, 4, 19, 30, 15, 250_000, tzinfo=UTC)

CAMPAIGN = Alert(
    alert_id=AlertId("alert-0123456789abcdef0123"),
    revision=1,
    kind="campaign",
    status="opened",
    title="12 accounts on one device",
    account_ids=tuple(AccountId(f"a{number}") for number in range(1, 13)),
    account_count=12,
    risk=92,
    action="hold",
    reasons=(
        Reason(
            code=Code("velocity.device.24h"),
            points=85,
            evidence={"facet": "device:ab12", "accounts": 12, "window": "24h"},
        ),
        Reason(code=Code("links.shortener"), points=10, evidence={"domains": ["bit.ly", "t.co"]}),
    ),
    opened_at=OPENED_AT,
    updated_at=OPENED_AT,
    ruleset_version="default-1",
    campaign_id=CampaignId("campaign-1"),
    links={"alert": "http://127.0.0.1:8710/alerts/alert-0123456789abcdef0123"},
)

MEDIA = Alert(
    alert_id=AlertId("alert-fedcba98765432100000"),
    revision=1,
    kind="media",
    status="opened",
    title="“Night Train” for 0:22 in upload “Concert”",
    account_ids=(AccountId("a77"),),
    account_count=1,
    risk=100,
    action="hold",
    reasons=(Reason(code=Code("media.match"), points=100, evidence={"works": ["Night Train"]}),),
    opened_at=OPENED_AT,
    updated_at=OPENED_AT,
    ruleset_version="default-1",
    matches=(
        Match(
            reference_id=ReferenceId("night-train"),
            title="Night Train",
            score=0.97,
            upload_start_s=83.2,
            upload_end_s=105.0,
            reference_start_s=602.0,
            reference_end_s=3_624.0,
        ),
    ),
)


def alert_like(alert: Alert = CAMPAIGN, **changes: Any) -> Alert:
    """The alert with changes."""
    return replace(alert, **changes)


def grown_to(revision: int, **changes: Any) -> Alert:
    """The campaign in a later revision, in which it has so many more accounts."""
    count = CAMPAIGN.account_count + revision - CAMPAIGN.revision
    return alert_like(revision=revision, account_count=count, **changes)


def standing(alerts: Iterable[Alert]) -> dict[AlertId, Alert]:
    """The newest revision of each alert, but for those whose story goes on in another."""
    newest: dict[AlertId, Alert] = {}
    for alert in alerts:
        before = newest.get(alert.alert_id)
        if before is None or alert.revision > before.revision:
            newest[alert.alert_id] = alert
    return {
        alert_id: alert
        for alert_id, alert in sorted(newest.items())
        if not was_closed_into_another(alert)
    }
