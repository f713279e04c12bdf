"""What the demo's pipeline found, against what was planted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.alert import Alert
from contracts.ids import AccountId, Action, AlertId, EventId, UploadId, stricter
from contracts.screening import Screening
from contracts.verdict import Verdict
from doorstaff.demo.evening import Planted
from doorstaff.demo.film import UploadPlan

SLACK_SECONDS = 1.0
"""How far a matched stretch may be off at either end."""

LEAST_CAUGHT = 0.95
"""Share of an attack's accounts that must be flagged and tied for it to count as found."""


@dataclass(slots=True, kw_only=True)
class Heard:
    """All that came out of the pipeline, the newest of each."""

    verdicts: dict[EventId, Verdict] = field(default_factory=dict)
    alerts: dict[AlertId, Alert] = field(default_factory=dict)
    screenings: dict[UploadId, Screening] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    def add_verdict(self, verdict: Verdict) -> None:
        """A later verdict about an event replaces an earlier one."""
        self.verdicts[verdict.event_id] = verdict

    def add_alert(self, alert: Alert) -> None:
        """A later revision of an alert replaces an earlier one."""
        before = self.alerts.get(alert.alert_id)
        if before is None or alert.revision > before.revision:
            self.alerts[alert.alert_id] = alert

    def actions(self) -> dict[AccountId, Action]:
        """The strictest action of each account."""
        actions: dict[AccountId, Action] = {}
        for verdict in self.verdicts.values():
            before = actions.get(verdict.account_id, "allow")
            actions[verdict.account_id] = stricter(before, verdict.action)
        return actions


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing that was planted, and what came of it."""

    what: str
    planted: str
    found: str
    passed: bool


def tally(heard: Heard, planted: Planted, uploads: Iterable[UploadPlan]) -> list[Line]:
    """Compare; each line says whether that part passed."""
    actions = heard.actions()
    lines = [
        _attack("device farm", planted.farm, heard, actions),
        _attack("numbered mailboxes", planted.enumerated, heard, actions),
        _attack("link builders", planted.link_builders, heard, actions),
    ]
    lines += [_upload(plan, heard.screenings.get(plan.upload_id), heard) for plan in uploads]
    office_held = sum(actions.get(account) == "hold" for account in planted.office)
    office_review = sum(actions.get(account) == "review" for account in planted.office)
    lines.append(
        Line(
            what="on-sale rush",
            planted=f"{len(planted.office)} people at one address",
            found=f"{office_held} held, {office_review} for review",
            passed=office_held == 0,
        )
    )
    others = {
        account
        for account, action in actions.items()
        if action != "allow"
        and account not in planted.attackers | planted.office
        and not account.startswith("uploader-")
    }
    honest = len(actions) - len(planted.attackers) - len(planted.office)
    lines.append(
        Line(
            what="everybody else",
            planted=f"{honest} accounts",
            found=f"{len(others)} flagged",
            passed=len(others) * 200 < honest,
        )
    )
    return lines


def _attack(
    what: str, accounts: frozenset[AccountId], heard: Heard, actions: dict[AccountId, Action]
) -> Line:
    """An attack is found where one open alert tells of all that its verdicts name."""
    flagged = sum(actions.get(account, "allow") != "allow" for account in accounts)
    named: dict[str, set[AccountId]] = {}
    for verdict in heard.verdicts.values():
        if verdict.account_id in accounts and verdict.campaign_id:
            named.setdefault(verdict.campaign_id, set()).add(verdict.account_id)
    alerts = [
        alert
        for alert in heard.alerts.values()
        if alert.kind == "campaign"
        and alert.status != "closed"
        and not named.keys().isdisjoint(alert.campaign_ids)
    ]
    told: set[AccountId] = set()
    for campaign_id in alerts[0].campaign_ids if alerts else ():
        told |= named.get(campaign_id, set())
    tied = len(told)
    plural = "alert" if len(alerts) == 1 else "alerts"
    return Line(
        what=what,
        planted=f"{len(accounts)} accounts",
        found=f"{flagged} flagged, {tied} tied, {len(alerts)} {plural}",
        passed=min(flagged, tied) >= LEAST_CAUGHT * len(accounts) and len(alerts) == 1,
    )


def _upload(plan: UploadPlan, screening: Screening | None, heard: Heard) -> Line:
    stretch = plan.stretch
    planted = "nothing"
    if stretch is not None:
        ends = stretch.upload_start_s + stretch.length_s
        planted = f"{stretch.upload_start_s:.0f} s to {ends:.0f} s"
    found = _told(screening)
    if stretch is None:
        passed = screening is not None and screening.status == "clean"
    else:
        alerted = any(
            alert.kind == "media" and screening is not None
            and alert.matches == screening.matches
            for alert in heard.alerts.values()
        )  # fmt: skip
        passed = alerted and screening is not None and _agrees(plan, screening)
    return Line(what=f"upload “{plan.title}”", planted=planted, found=found, passed=passed)


def _told(screening: Screening | None) -> str:
    if screening is None:
        return "not screened"
    if screening.status != "match":
        return screening.status
    return ", ".join(
        f"{match.upload_start_s:.1f} s to {match.upload_end_s:.1f} s"
        f" = {match.reference_start_s:.1f} s to {match.reference_end_s:.1f} s of “{match.title}”"
        for match in screening.matches
    )


def _agrees(plan: UploadPlan, screening: Screening) -> bool:
    stretch = plan.stretch
    if stretch is None or len(screening.matches) != 1:
        return False
    match = screening.matches[0]
    off = (
        match.upload_start_s - stretch.upload_start_s,
        match.upload_end_s - stretch.upload_start_s - stretch.length_s,
        match.reference_start_s - stretch.reference_start_s,
        match.reference_end_s - stretch.reference_start_s - stretch.length_s,
    )
    return all(abs(seconds) <= SLACK_SECONDS for seconds in off)
