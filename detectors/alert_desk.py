"""Which alerts come of the verdicts: one an attack, raised once, kept up to date."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from contracts.alert import MAX_LISTED_ACCOUNTS, Alert, AlertKind, AlertStatus
from contracts.event import epoch_ms, from_epoch_ms
from contracts.ids import AccountId, Action, AlertId, CampaignId, UploadId, derived_id
from contracts.ruleset import Ruleset
from contracts.screening import Match, Screening
from contracts.verdict import Reason, Verdict
from detectors.campaign import Campaign, Campaigns, Tie, keep_strongest, stricter
from detectors.headline import campaign_headline, match_headline
from detectors.media import MEDIA_MATCH, match_evidence

GROWN_EVERY_MS = 600_000
"""A campaign that has grown says so when it has doubled, or this long after it last did."""

OPEN_AFTER_MS = 120_000
"""A campaign is opened when all accounts that were counted on its facet have joined, or, if some
are not heard of, this long after the last one that was."""

QUIET_MS = 24 * 3_600_000
"""A campaign without a new event for this long is closed."""

TICK_MS = 60_000
"""How often, in event time, campaigns are looked through."""

MAX_LONE_ACCOUNTS = 100_000
"""Open alerts about lone accounts kept at a time; past it, the oldest is left as it is."""

MAX_REVISIONS = 1_000_000
"""Alerts of which the newest revision is known; past it, the one longest unchanged goes first."""


class AlertDesk:
    """Turns verdicts and screenings into alerts."""

    def __init__(self, ruleset: Ruleset, *, console_url: str = "") -> None:
        self._ruleset = ruleset
        self._console_url = console_url
        self._campaigns = Campaigns()
        self._lone: OrderedDict[AccountId, Alert] = OrderedDict()
        self._media: OrderedDict[UploadId, Alert] = OrderedDict()
        self._revisions: OrderedDict[AlertId, int] = OrderedDict()
        """Of closed alerts too: one that is opened again goes on counting."""
        self._watermark_ms = 0
        self._ticked_ms = 0

    def observe(self, verdict: Verdict) -> tuple[Verdict, list[Alert]]:
        """Take in a verdict; give it back with its campaign, and the alerts that it raises."""
        ties = self._campaigns.live(_ties(verdict))
        campaign = self._campaigns.of(verdict.account_id)
        if not ties and campaign is None:
            # What ties it to a closed campaign alone was told when that one was.
            return verdict, [] if verdict.ties else list(self._about_account(verdict))
        campaign, merged = self._campaigns.join(verdict.account_id, ties)
        campaign.risk = max(campaign.risk, verdict.risk)
        campaign.action = stricter(campaign.action, verdict.action)
        campaign.oldest_ms = min(campaign.oldest_ms, epoch_ms(verdict.occurred_at))
        campaign.newest_ms = max(campaign.newest_ms, epoch_ms(verdict.occurred_at))
        campaign.active_ms = max(campaign.newest_ms, self._watermark_ms)
        for reason in verdict.reasons:
            keep_strongest(campaign.reasons, reason)
        alerts = [self._merged(other, campaign) for other in merged if other.revision]
        joined = [account_id for other in merged for account_id in other.accounts]
        if campaign.revision == 0:
            if len(campaign.accounts) >= campaign.expected_accounts:
                alerts.extend(self._open(campaign))
        elif campaign.action != campaign.announced_action:
            alerts.append(self._announce(campaign, "escalated"))
        elif len(campaign.accounts) >= 2 * campaign.announced_accounts:
            alerts.append(self._announce(campaign, "grown"))
        if campaign.revision:
            for account_id in (*joined, verdict.account_id):
                alerts.extend(self._fold_in(account_id, campaign))
        return verdict, alerts

    def screened(self, screening: Screening) -> list[Alert]:
        """Raise the alert about an upload that shows known works; at most once an upload."""
        rule = self._ruleset.signals.get(MEDIA_MATCH)
        if rule is None or rule.mode != "live" or screening.status != "match":
            return []
        if screening.upload_id in self._media:
            return []
        reason = Reason(
            code=MEDIA_MATCH,
            points=rule.points,
            evidence=match_evidence(screening),
        )
        risk = min(100, max(0, reason.points))
        alert = self._alert(
            kind="media",
            about=screening.upload_id,
            title=match_headline(screening.title, screening.matches),
            accounts=(screening.account_id,),
            risk=risk,
            action=self._ruleset.action_for(risk),
            reasons=(reason,),
            opened_ms=epoch_ms(screening.occurred_at),
            updated_ms=epoch_ms(screening.occurred_at),
            matches=screening.matches,
        )
        self._media[screening.upload_id] = alert
        if len(self._media) > MAX_LONE_ACCOUNTS:
            self._media.popitem(last=False)
        return [alert]

    def tick(self, watermark_ms: int) -> list[Alert]:
        """Let event time pass: speak of growth that waited, close what has gone quiet."""
        self._watermark_ms = max(self._watermark_ms, watermark_ms)
        if self._watermark_ms - self._ticked_ms < TICK_MS:
            return []
        self._ticked_ms = self._watermark_ms
        return list(self._look_through())

    def finish(self) -> list[Alert]:
        """Speak of all growth that still waits; for the end of a recording."""
        return [
            alert
            for campaign in list(self._campaigns)
            for alert in (
                [self._announce(campaign, "grown")]
                if campaign.revision and len(campaign.accounts) > campaign.announced_accounts
                else self._open(campaign)
                if not campaign.revision
                else []
            )
        ]

    def _look_through(self) -> Iterator[Alert]:
        for campaign in list(self._campaigns):
            if campaign.revision == 0:
                if self._watermark_ms - campaign.active_ms >= OPEN_AFTER_MS:
                    yield from self._open(campaign)
            elif (
                len(campaign.accounts) > campaign.announced_accounts
                and self._watermark_ms - campaign.announced_ms >= GROWN_EVERY_MS
            ):
                yield self._announce(campaign, "grown")
            if self._watermark_ms - campaign.active_ms >= QUIET_MS:
                if campaign.revision:
                    yield self._announce(campaign, "closed")
                self._campaigns.close(campaign)

    def _open(self, campaign: Campaign) -> Iterator[Alert]:
        if len(campaign.accounts) > 1 and campaign.action != "allow":
            campaign.opened_ms = campaign.newest_ms
            yield self._announce(campaign, "opened")
            for account_id in campaign.accounts:
                yield from self._fold_in(account_id, campaign)

    def _announce(self, campaign: Campaign, status: AlertStatus, title: str = "") -> Alert:
        campaign.revision += 1
        campaign.announced_accounts = len(campaign.accounts)
        campaign.announced_action = campaign.action
        campaign.announced_ms = campaign.active_ms
        return self._alert(
            kind="campaign",
            about=campaign.campaign_id,
            status=status,
            title=title or campaign_headline(len(campaign.accounts), campaign.facets),
            accounts=tuple(campaign.accounts),
            risk=campaign.risk,
            action=campaign.action,
            reasons=tuple(campaign.reasons.values()),
            opened_ms=campaign.opened_ms,
            updated_ms=campaign.newest_ms,
            campaign_id=campaign.campaign_id,
        )

    def _merged(self, other: Campaign, into: Campaign) -> Alert:
        headline = campaign_headline(len(other.accounts), other.facets)
        alert = self._announce(other, "closed", f"{headline}: now part of a larger campaign")
        return replace(alert, campaign_id=into.campaign_id)

    def _fold_in(self, account_id: AccountId, campaign: Campaign) -> Iterator[Alert]:
        """Close the alert about a lone account that turned out to belong to a campaign."""
        lone = self._lone.pop(account_id, None)
        if lone is not None:
            yield replace(
                lone,
                revision=self._next_revision(lone.alert_id),
                status="closed",
                title=f"{lone.title}: now part of a campaign",
                campaign_id=campaign.campaign_id,
            )

    def _about_account(self, verdict: Verdict) -> Iterator[Alert]:
        if verdict.action == "allow" or self._is_only_media(verdict):
            return
        before = self._lone.get(verdict.account_id)
        if before is not None and verdict.risk <= before.risk:
            return
        escalated = before is not None and stricter(before.action, verdict.action) != before.action
        if before is not None and not escalated:
            return
        occurred_ms = epoch_ms(verdict.occurred_at)
        alert = self._alert(
            kind="account",
            about=verdict.account_id,
            status="escalated" if before else "opened",
            title=f"Account {verdict.account_id}: {_because(verdict.reasons)}",
            accounts=(verdict.account_id,),
            risk=verdict.risk,
            action=verdict.action,
            reasons=verdict.reasons,
            opened_ms=epoch_ms(before.opened_at) if before else occurred_ms,
            updated_ms=occurred_ms,
        )
        self._lone[verdict.account_id] = alert
        if len(self._lone) > MAX_LONE_ACCOUNTS:
            self._lone.popitem(last=False)
        yield alert

    def _is_only_media(self, verdict: Verdict) -> bool:
        """Whether the media alert says it all already."""
        others = [reason for reason in verdict.reasons if not reason.code.startswith("media.")]
        return (
            len(others) < len(verdict.reasons)
            and sum(reason.points for reason in others) < self._ruleset.thresholds.review
        )

    def _alert(
        self,
        *,
        kind: AlertKind,
        about: str,
        title: str,
        accounts: tuple[AccountId, ...],
        risk: int,
        action: Action,
        reasons: tuple[Reason, ...],
        opened_ms: int,
        updated_ms: int,
        status: AlertStatus = "opened",
        campaign_id: CampaignId | None = None,
        matches: tuple[Match, ...] = (),
    ) -> Alert:
        alert_id = AlertId(derived_id(kind, about))
        return Alert(
            alert_id=alert_id,
            revision=self._next_revision(alert_id),
            kind=kind,
            status=status,
            title=title,
            account_ids=accounts[:MAX_LISTED_ACCOUNTS],
            account_count=len(accounts),
            risk=risk,
            action=action,
            reasons=tuple(sorted(reasons, key=lambda reason: (-reason.points, reason.code))),
            opened_at=from_epoch_ms(opened_ms),
            updated_at=from_epoch_ms(updated_ms),
            ruleset_version=self._ruleset.version,
            campaign_id=campaign_id,
            matches=matches,
            links={"console": f"{self._console_url}/alerts/{alert_id}"}
            if self._console_url
            else {},
        )

    def _next_revision(self, alert_id: AlertId) -> int:
        revision = self._revisions.get(alert_id, 0) + 1
        self._revisions[alert_id] = revision
        self._revisions.move_to_end(alert_id)
        if len(self._revisions) > MAX_REVISIONS:
            self._revisions.popitem(last=False)
        return revision


def _ties(verdict: Verdict) -> list[Tie]:
    return [
        Tie(facet=tie.facet, accounts=tie.accounts, since=tie.since.isoformat())
        for tie in verdict.ties
    ]


def _because(reasons: tuple[Reason, ...]) -> str:
    return ", ".join(reason.code for reason in reasons[:3] if reason.points > 0)
