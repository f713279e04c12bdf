"""One message of each kind that we write, with every field filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from contracts.dead_letter import DeadLetter
from contracts.ids import AccountId, CampaignId, Code, EventId, Facet, UploadId
from contracts.screening import Screening, ScreeningJob
from contracts.signal import Burst, Finding, Signal
from contracts.verdict import Reason, Tie, Verdict
from tests.alerts import CAMPAIGN, MEDIA, OPENED_AT

EVIDENCE = {"facet": "device:ab12", "accounts": 9, "share": 0.5, "who": ["Bjørk", None, True]}

SIGNAL = Signal(
    code=Code("velocity.device.24h"),
    points=-45,
    group="device",
    account_id=AccountId("a1"),
    event_id=EventId("e1"),
    occurred_at_ms=1_795_374_000_123,
    evidence=EVIDENCE,
    burst=Burst(
        facet=Facet("device:ab12"),
        since_ms=1_795_370_000_000,
        window_ms=86_400_000,
        accounts=4,
        ties=True,
    ),
    mode="shadow",
)
VERDICT = Verdict(
    event_id=EventId("e1"),
    account_id=AccountId("a1"),
    occurred_at=OPENED_AT,
    risk=85,
    action="hold",
    reasons=(Reason(code=Code("velocity.device.24h"), points=85, evidence=EVIDENCE),),
    ruleset_version="default-1",
    campaign_id=CampaignId("campaign-1"),
    ties=(Tie(facet=Facet("device:ab12"), since=OPENED_AT, accounts=9),),
)
SCREENING = Screening(
    event_id=EventId("e3"),
    account_id=AccountId("a77"),
    upload_id=UploadId("u1"),
    occurred_at=OPENED_AT,
    status="match",
    title="Concert “live”",
    reason="two stretches",
    duration_s=120.5,
    elapsed_s=3.25,
    matches=MEDIA.matches,
)
JOB = ScreeningJob(
    event_id=EventId("e3"),
    account_id=AccountId("a77"),
    upload_id=UploadId("u1"),
    occurred_at=OPENED_AT,
    uri="file:///films/a b.mp4",
    title="Concert",
    sha256="0" * 64,
)
LETTER = DeadLetter(
    reason="not JSON: expected value at line 1 column 1",
    topic="doorstaff.signups",
    partition=3,
    offset=2**40,
    value=bytes(range(256)),
    key=b"\xff\x00",
    failed_at=OPENED_AT,
)

WRITTEN: tuple[Any, ...] = (
    Finding(code=Code("link.hidden"), evidence=EVIDENCE),
    SIGNAL,
    VERDICT,
    structs.replace(VERDICT, campaign_id=None, ties=(), reasons=()),
    CAMPAIGN,
    MEDIA,
    SCREENING,
    replace(SCREENING, status="clean", matches=()),
    JOB,
    replace(JOB, sha256=None),
    LETTER,
    replace(LETTER, key=None, value=b""),
)
