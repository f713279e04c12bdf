"""What an alert says of a case: the same of the same verdicts, in whatever order they came."""

from __future__ import annotations

from dataclasses import replace

from contracts.alert import (
    MAX_CAMPAIGN_IDS,
    MAX_LISTED_ACCOUNTS,
    Alert,
    AlertKind,
    AlertStatus,
    GrowthPoint,
)
from contracts.event import from_epoch_ms
from contracts.evidence import media_alert_id
from contracts.ids import ACTIONS, AccountId, AlertId, CampaignId, Code, Facet, derived_id
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.verdict import Reason
from detectors.campaign import Campaign, alert_of, campaign_named
from detectors.case import Case, ReasonBook
from detectors.growth import growth
from detectors.headline import NETWORKS, campaign_headline, media_headline
from detectors.ruling import Ruling, Rulings

_NETWORKS = tuple(f"{kind}:" for kind in NETWORKS)

QUIET = "quiet for a day"
"""Why a campaign's alert is closed that nobody decided on."""


class AlertWriter:
    """Writes alerts.

    Args:
        ruleset: Its version, its price of a media match.
        book: Of the reasons of all cases.
        rulings: What reviewers decided.
        console_url: Where the links go; empty for none.
    """

    def __init__(
        self, ruleset: Ruleset, *, book: ReasonBook, rulings: Rulings, console_url: str
    ) -> None:
        self._ruleset = ruleset
        self._book = book
        self._rulings = rulings
        self._console_url = console_url

    def campaign(self, campaign: Campaign, *, is_quiet: bool) -> Alert:
        """The alert on a campaign. ``is_quiet``: Nothing was heard of it for a day."""
        rulings, is_ruled = self._rulings_on(campaign)
        because = max(rulings).because if is_ruled else QUIET if is_quiet else ""
        accounts = campaign.accounts
        times = sorted(accounts.values())
        last_ms = times[:MAX_LISTED_ACCOUNTS][-1]
        listed = sorted(
            (first_ms, account) for account, first_ms in accounts.items() if first_ms <= last_ms
        )[:MAX_LISTED_ACCOUNTS]
        if len(accounts) >= 2 * campaign.expected_accounts:
            status: AlertStatus = "grown"
        else:
            status = "escalated" if campaign.action == ACTIONS[-1] else "opened"
        campaign_id = campaign_named(campaign.name)
        named = sorted({(campaign.name[0], campaign.name[1], campaign_id), *campaign.leads})
        return self._alert(
            campaign,
            kind="campaign",
            alert_id=campaign.alert_id,
            status=status,
            rulings=len(rulings),
            because=because,
            title=campaign_headline(len(accounts), campaign.facets, self._network(campaign)),
            accounts=tuple(account for _, account in listed),
            opened_ms=max(campaign.name[0], campaign.oldest_ms),  # a pane may begin before it
            campaign_id=campaign_id,
            campaign_ids=tuple(dict.fromkeys(one for _, _, one in named[: 2 * MAX_CAMPAIGN_IDS]))[
                :MAX_CAMPAIGN_IDS
            ],
            growth=growth(times),
        )

    def account(self, account_id: AccountId, case: Case) -> Alert:
        """The alert on a lone account.

        A ruling closes it until the account does something worse than what was ruled on; a ban or
        a suspension closes it for good.
        """
        alert_id = account_alert_id(account_id)
        events = sorted(case.events.values(), key=lambda one: (one.at_ms, one.event_id))
        rulings = {*self._rulings.on_alert(alert_id), *self._rulings.on_account(account_id)}
        rulings = {ruling for ruling in rulings if ruling.at_ms >= events[0].at_ms}
        because = ""
        if rulings:
            last = max(rulings)
            seen = max(ACTIONS.index(one.action) for one in events if one.at_ms <= last.at_ms)
            if last.action != "approve" or ACTIONS.index(case.action) <= seen:
                because = last.because
        reasons = self._book.strongest(case.reasons)
        return self._alert(
            case,
            kind="account",
            alert_id=alert_id,
            status="opened" if case.action == events[0].action else "escalated",
            rulings=len(rulings),
            because=because,
            title=f"Account {account_id}: {_because(reasons)}",
            accounts=(account_id,),
            opened_ms=events[0].at_ms,
        )

    def media(self, screening: Screening, reasons: tuple[Reason, ...]) -> Alert:
        """The alert on an upload that shows known works, or what may be prohibited."""
        alert_id = media_alert_id(screening.upload_id)
        rulings = {
            *self._rulings.on_alert(alert_id),
            *self._rulings.on_account(screening.account_id),
        }
        at = screening.occurred_at
        rulings = {ruling for ruling in rulings if from_epoch_ms(ruling.at_ms) >= at}
        risk = min(100, max(0, *(reason.points for reason in reasons)))
        because = max(rulings).because if rulings else ""
        title = media_headline(screening)
        if screening.retroactive:
            title = f"{title} (found retroactively)"
        return Alert(
            alert_id=alert_id,
            revision=_revision(media_weight(screening), len(rulings), because),
            kind="media",
            status="closed" if because else "opened",
            title=f"{title}: {because}" if because else title,
            account_ids=(screening.account_id,),
            account_count=1,
            risk=risk,
            action=self._ruleset.action_for(risk),
            reasons=reasons,
            opened_at=at,
            updated_at=at,
            ruleset_version=self._ruleset.version,
            matches=screening.matches,
            closed_because=because,
            links=self._picture_links(alert_id),
        )

    def is_ruled(self, campaign: Campaign) -> bool:
        """Whether reviewers decided on all of a campaign."""
        return self._rulings_on(campaign)[1]

    def _rulings_on(self, campaign: Campaign) -> tuple[set[Ruling], bool]:
        """The rulings that bear on a campaign, and whether they cover all of its accounts.

        One that names the alert covers the accounts that had come by then; one that names accounts
        covers these, an approval only if they had come by then.
        """
        if not self._rulings:
            return set(), False
        rulings = {
            ruling
            for burst in campaign.bursts
            for ruling in self._rulings.on_alert(alert_of(burst))
        }
        covered_ms = max((ruling.at_ms for ruling in rulings), default=None)
        accounts = campaign.accounts
        ruled: set[AccountId] = set()
        for account_id in self._rulings.accounts & accounts.keys():
            own = [
                ruling
                for ruling in self._rulings.on_account(account_id)
                if ruling.action != "approve" or ruling.at_ms >= accounts[account_id]
            ]
            rulings.update(own)
            if own:
                ruled.add(account_id)
        if covered_ms is None:
            return rulings, len(ruled) == len(accounts)
        return rulings, all(
            first_ms <= covered_ms or account_id in ruled
            for account_id, first_ms in accounts.items()
        )

    def _network(self, campaign: Campaign) -> Facet | None:
        """The address, or else the network, that at least half of the verdicts speak of."""
        counts: dict[tuple[Code, Facet], int] = {}
        for key, count in campaign.reasons.items():
            facet = self._book.facet(key)
            if facet is not None and facet.startswith(_NETWORKS):
                counts[key[0], facet] = counts.get((key[0], facet), 0) + count
        half = len(campaign.events) / 2
        common = {facet for (_, facet), count in counts.items() if count >= half}
        return min(common, default=None)  # "ip:" is before "subnet:"

    def _alert(
        self,
        case: Case,
        *,
        kind: AlertKind,
        alert_id: AlertId,
        status: AlertStatus,
        rulings: int,
        because: str,
        title: str,
        accounts: tuple[AccountId, ...],
        opened_ms: int,
        campaign_id: CampaignId | None = None,
        campaign_ids: tuple[CampaignId, ...] = (),
        growth: tuple[GrowthPoint, ...] = (),
    ) -> Alert:
        return Alert(
            alert_id=alert_id,
            revision=_revision(case.weight, rulings, because),
            kind=kind,
            status="closed" if because else status,
            title=f"{title}: {because}" if because else title,
            account_ids=accounts,
            account_count=len(case.accounts),
            risk=case.risk,
            action=case.action,
            reasons=self._book.strongest(case.reasons),
            opened_at=from_epoch_ms(opened_ms),
            updated_at=from_epoch_ms(case.newest_ms),
            ruleset_version=self._ruleset.version,
            campaign_id=campaign_id,
            campaign_ids=campaign_ids,
            growth=growth,
            closed_because=because,
            links=self._links(alert_id),
        )

    def _picture_links(self, alert_id: AlertId) -> dict[str, str]:
        links = self._links(alert_id)
        return links | {"pictures": f"{links['console']}#pictures"} if links else links

    def _links(self, alert_id: AlertId) -> dict[str, str]:
        return {"console": f"{self._console_url}/alerts/{alert_id}"} if self._console_url else {}


def closed_into(alert: Alert, campaign_id: CampaignId) -> Alert:
    """An alert's last revision: what it was about is told by a campaign's alert from now on."""
    part = "a campaign" if alert.kind == "account" else "a larger campaign"
    because = f"now part of {part}"
    title = alert.title.removesuffix(f": {alert.closed_because}")
    return replace(
        alert,
        revision=alert.revision + 1,
        status="closed",
        title=f"{title}: {because}",
        campaign_id=campaign_id,
        closed_because=because,
    )


def was_closed_into_another(alert: Alert) -> bool:
    """Whether an alert's story goes on in that of the campaign with its ``campaign_id``."""
    if alert.campaign_id is None:
        return False
    return alert.alert_id != AlertId(derived_id("campaign", alert.campaign_id))


def account_alert_id(account_id: AccountId) -> AlertId:
    """The id of the alert on a lone account."""
    return AlertId(derived_id("account", account_id))


def media_weight(screening: Screening) -> int:
    """Of how much a screening found, in tenths of a second, and one a match and a frame."""
    seconds = sum(match.upload_end_s - match.upload_start_s for match in screening.matches)
    return len(screening.matches) + round(10 * seconds) + len(screening.prohibited)


def _revision(weight: int, rulings: int, because: str) -> int:
    """Grows with each event, each signal on one, each ruling; and by one when it is closed."""
    return 2 * (weight + rulings) + bool(because)


def _because(reasons: tuple[Reason, ...]) -> str:
    return ", ".join(reason.code for reason in reasons[:3] if reason.points > 0)
