"""Alerts to show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from contracts.alert import Alert, AlertKind, AlertStatus
from contracts.ids import AccountId, Action, AlertId, CampaignId, Code, ReferenceId
from contracts.screening import Match
from contracts.verdict import Reason

AT = datetime(2026, 3, 14, 20, 15, 7, tzinfo=UTC)
_STATUSES: tuple[AlertStatus, ...] = ("opened", "grown", "escalated")
_ACTIONS: dict[AlertKind, Action] = {"campaign": "hold", "account": "review", "media": "hold"}


def a_match(**changed: Any) -> Match:
    match = Match(
        reference_id=ReferenceId("ref-night-train"),
        title="Night Train",
        score=0.93,
        upload_start_s=12.0,
        upload_end_s=27.0,
        reference_start_s=3_723.0,
        reference_end_s=3_738.0,
    )
    return replace(match, **changed)


def an_alert(number: int = 1, *, kind: AlertKind = "campaign", **changed: Any) -> Alert:
    count = 1 if kind != "campaign" else 8 + number % 60
    device = f"device:7f3a9c{number:04x}"
    reasons = {
        "campaign": (
            _velocity("velocity.device.24h", 85, device, count, "24h"),
            _velocity("velocity.ip.10m", 20, "ip:203.0.113.7", count + 30, "10m"),
        ),
        "account": (
            _velocity("velocity.email_stem.24h", 45, "email_stem:jane@example.com", 5, "24h"),
        ),
        "media": (
            Reason(
                code=Code("media.match"),
                points=100,
                evidence={
                    "upload_id": f"up-{number}",
                    "references": ["ref-night-train"],
                    "matched_seconds": 15.0,
                },
            ),
        ),
    }[kind]
    titles = {
        "campaign": f"{count} accounts on one device and linking to cheap-tickets.example",
        "account": "An account with numbered mailboxes like jane@example.com",
        "media": "“Night Train” for 0:15 in upload “Friday at the Lido”",
    }
    alert = Alert(
        alert_id=AlertId(f"alert-{number:06d}"),
        revision=1,
        kind=kind,
        status=_STATUSES[number % 3],
        title=titles[kind],
        account_ids=tuple(AccountId(f"acct-{number}-{index}") for index in range(count)),
        account_count=count,
        risk=100 if kind == "media" else 85 if kind == "campaign" else 45,
        action=_ACTIONS[kind],
        reasons=reasons,
        opened_at=AT,
        updated_at=AT,
        ruleset_version="default-1",
        campaign_id=CampaignId(f"camp-{number}") if kind == "campaign" else None,
        matches=(a_match(),) if kind == "media" else (),
    )
    return replace(alert, **changed)


def _velocity(code: str, points: int, facet: str, accounts: int, window: str) -> Reason:
    evidence = {"facet": facet, "accounts": accounts, "window": window}
    return Reason(code=Code(code), points=points, evidence=evidence)
