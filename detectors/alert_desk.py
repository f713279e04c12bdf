"""Which alerts come of the verdicts: one an attack, raised once, kept up to date.

What an alert says is a function of the verdicts, screenings and decisions that the desk was given,
not of their order. Only when it speaks depends on that: it says at once what cannot wait (a
campaign has come together, has doubled, got stricter, was decided on) and the rest within ten
minutes of event time, or at the end of a recording. So what it said last of each alert is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from contracts.alert import Alert
from contracts.evidence import media_alert_id
from contracts.ids import ACTIONS, AccountId, AlertId, Facet
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.verdict import Reason, Verdict
from detectors.alert_writer import (
    QUIET,
    AlertWriter,
    closed_into,
    media_weight,
)
from detectors.campaign import (
    QUIET_MS,
    Burst,
    Campaign,
    Campaigns,
    alert_of,
    campaign_named,
    root_of,
)
from detectors.case import Case, ReasonBook, Standing, Told, standing_of
from detectors.desk_copy import (
    PIECE_ROWS,
    AccountPiece,
    CampaignPiece,
    EndPiece,
    EventPiece,
    OverPiece,
    RulingPiece,
    UploadPiece,
    VipPiece,
    decode_piece,
    encode_piece,
    event_row,
    standing_from,
    told_from,
    told_row,
)
from detectors.media import media_findings
from detectors.pace import Pace
from detectors.ruling import MARK_VIP, Ruled, Rulings
from detectors.vip_desk import VipDesk

T = TypeVar("T")

GROWN_EVERY_MS = 600_000
"""A campaign that has grown says so when it has doubled, or this long after it last did."""

OPEN_AFTER_MS = 120_000
"""A campaign is opened when all accounts that were counted on its facet have joined, or, if some
are not heard of, this long after the last one that was."""

TICK_MS = 60_000
"""How often, in event time, what waits is looked through."""

MAX_LONE_ACCOUNTS = 100_000
"""Alerts about lone accounts, and about uploads, kept at a time; past it, the oldest is left as it
is."""

MAX_EVENTS = 500_000
"""Events of campaigns kept at a time; past it, the campaigns quiet the longest are forgotten, all
but the one that was active last."""


class _Lone(Case):
    """An account that belongs to no campaign, as far as is known."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        super().__init__()
        self.told: Told | None = None


@dataclass(slots=True, kw_only=True)
class _Upload:
    screening: Screening
    told: Alert


class AlertDesk:
    """Turns verdicts, screenings and decisions into alerts.

    Args:
        ruleset: Its version, its price of a media match, its longest window that ties.
        console_url: Where the alerts' links go; empty for none.
    """

    def __init__(self, ruleset: Ruleset, *, console_url: str = "") -> None:
        self._ruleset = ruleset
        self._book = ReasonBook()
        self._rulings = Rulings()
        self._writer = AlertWriter(
            ruleset, book=self._book, rulings=self._rulings, console_url=console_url
        )
        windows = [rule.window for rule in ruleset.velocity if rule.ties]
        self._horizon_ms = 1_000 * max(windows, default=1)
        self._campaigns = Campaigns(self._horizon_ms)
        self._vips = VipDesk(ruleset, rulings=self._rulings, console_url=console_url)
        self._by_alert: dict[AlertId, Campaign] = {}
        self._waiting: dict[int, Campaign] = {}
        """Campaigns of which not all is said."""
        self._lone: OrderedDict[AccountId, _Lone] = OrderedDict()
        self._waiting_lone: dict[AccountId, None] = {}
        self._uploads: OrderedDict[AlertId, _Upload] = OrderedDict()
        self._uploads_of: dict[AccountId, list[AlertId]] = {}
        self._pace = Pace()
        self._loading: Campaign | None = None
        self._ticked_ms = 0
        self._swept_ms = 0

    def observe(self, verdict: Verdict) -> list[Alert]:
        """Take in a verdict, in place of an earlier one on the same event."""
        return self._vips.observe(verdict) + self._about(verdict)

    def screened(self, screening: Screening) -> list[Alert]:
        """Take in what a media worker found; of two findings on an upload the larger stands."""
        signals = self._ruleset.signals
        reasons = tuple(
            Reason(code=finding.code, points=rule.points, evidence=finding.evidence)
            for finding in media_findings(screening, signals)
            if (rule := signals.get(finding.code)) and rule.mode == "live"
        )
        if not reasons:
            return []
        alert_id = media_alert_id(screening.upload_id)
        known = self._uploads.get(alert_id)
        if known is not None and media_weight(screening) <= media_weight(known.screening):
            return []
        alert = self._writer.media(screening, reasons)
        if known is None:
            self._uploads_of.setdefault(screening.account_id, []).append(alert_id)
        self._uploads[alert_id] = _Upload(screening=screening, told=alert)
        if len(self._uploads) > MAX_LONE_ACCOUNTS:
            _, oldest = self._uploads.popitem(last=False)
            self._uploads_of.pop(oldest.screening.account_id, None)
        return [alert]

    def decide(self, ruled: Ruled) -> list[Alert]:
        """Take in a decision that closes alerts: the one it names, and those of its accounts."""
        self._rulings.add(ruled)
        if ruled.ruling.action == MARK_VIP:
            return self._vips.decide(ruled)
        campaigns = {
            id(campaign): campaign
            for account_id in ruled.account_ids
            for campaign in self._campaigns.of(account_id)
        }
        if ruled.alert_id is not None and (named := self._by_alert.get(ruled.alert_id)):
            root = root_of(named)
            campaigns[id(root)] = root
        alerts = self._vips.decide(ruled)
        for campaign in campaigns.values():
            self._waiting[id(campaign)] = campaign
            told = campaign.told.get(campaign.alert_id)
            if told is not None and self._writer.is_ruled(campaign):
                alerts += self._say(campaign)
        for account_id in ruled.account_ids:
            if account_id in self._lone and self._lone[account_id].told is not None:
                alerts += self._say_account(account_id)
            for alert_id in self._uploads_of.get(account_id, ()):
                alerts += self._say_upload(alert_id)
        if ruled.alert_id is not None and ruled.alert_id in self._uploads:
            alerts += self._say_upload(ruled.alert_id)
        return alerts

    def tick(self, watermark_ms: int, source: int = 0) -> list[Alert]:
        """Let event time pass: say what has waited, close what has gone quiet.

        Args:
            watermark_ms: How far event time has come in what this source gives.
            source: Which of the partitions that feed the desk; they pass at different paces, and
                the slowest tells when a campaign has gone quiet.
        """
        self._pace.observe(source, watermark_ms)
        at_ms = self._pace.newest_ms
        if at_ms - self._ticked_ms < TICK_MS:
            return []
        self._ticked_ms = at_ms
        alerts = list(self._say_what_waits())
        if at_ms - self._swept_ms >= GROWN_EVERY_MS or len(self._campaigns) > MAX_EVENTS:
            self._swept_ms = at_ms
            alerts += self._sweep()
        return alerts

    def finish(self) -> list[Alert]:
        """Say all that still waits; for the end of a recording."""
        return [*self._say_what_waits(at_once=True), *self._sweep()]

    def snapshot(self) -> Generator[bytes, None, None]:
        """The desk's state, in pieces that are quick to make; it is that as of the first piece."""
        campaigns = [
            (
                CampaignPiece(
                    sorted(one.bursts),
                    [told_row(told) for told in one.told.values()],
                    one.active_ms,
                    id(one) in self._waiting,
                ),
                list(one.events.values()),
            )
            for one in self._campaigns
        ]
        accounts = [
            (
                AccountPiece(
                    account_id,
                    None if lone.told is None else told_row(lone.told),
                    account_id in self._waiting_lone,
                ),
                list(lone.events.values()),
            )
            for account_id, lone in self._lone.items()
        ]
        uploads = [(one.screening, one.told) for one in self._uploads.values()]
        vips = self._vips.rows()
        rulings, over = list(self._rulings.dump()), self._campaigns.over()
        end = EndPiece(self._pace.dump(), self._ticked_ms, self._swept_ms)
        yield from (encode_piece(OverPiece([*rows])) for rows in _parts(over))
        yield from (encode_piece(RulingPiece(rows)) for rows in _parts(rulings))
        yield from (encode_piece(UploadPiece(rows)) for rows in _parts(uploads))
        yield from (encode_piece(VipPiece(rows)) for rows in _parts(vips))
        for campaign, events in campaigns:
            yield encode_piece(campaign)
            for part in _parts(events):
                yield encode_piece(EventPiece(None, list(map(event_row, part))))
        for account, events in accounts:
            yield encode_piece(account)
            for part in _parts(events):
                yield encode_piece(EventPiece(account.account_id, list(map(event_row, part))))
        yield encode_piece(end)

    def load(self, raw: bytes) -> None:
        """Take in the next piece of a snapshot, on a desk that has heard nothing else.

        Raises:
            msgspec.DecodeError: It is no such piece.
        """
        match decode_piece(raw):
            case OverPiece(rows):
                self._campaigns.add_over((since_ms, Facet(facet)) for since_ms, facet in rows)
            case RulingPiece(rows):
                self._rulings.load(rows)
            case VipPiece(rows):
                self._vips.load(rows)
            case UploadPiece(rows):
                for screening, alert in rows:
                    self._uploads[alert.alert_id] = _Upload(screening=screening, told=alert)
                    self._uploads_of.setdefault(screening.account_id, []).append(alert.alert_id)
            case EndPiece(pace, ticked_ms, swept_ms):
                self._pace.load(pace)
                self._ticked_ms, self._swept_ms = ticked_ms, swept_ms
                self._campaigns.end()
                self._loading = None
            case CampaignPiece() | AccountPiece() | EventPiece() as piece:
                self._load_case(piece)

    def _load_case(self, piece: CampaignPiece | AccountPiece | EventPiece) -> None:
        match piece:
            case CampaignPiece(bursts, told, active_ms, waits):
                campaign = self._campaigns.begin((at_ms, Facet(facet)) for at_ms, facet in bursts)
                campaign.told = {row[0].alert_id: told_from(row) for row in told}
                campaign.active_ms = active_ms
                self._by_alert |= dict.fromkeys(campaign.told, campaign)
                if waits:
                    self._waiting[id(campaign)] = campaign
                self._loading = campaign
            case AccountPiece(account_id, told_of_it, waits):
                lone = self._lone[AccountId(account_id)] = _Lone()
                lone.told = None if told_of_it is None else told_from(told_of_it)
                if waits:
                    self._waiting_lone[AccountId(account_id)] = None
            case EventPiece(account_id, rows):
                for row in rows:
                    standing = standing_from(row, self._book)
                    if account_id is not None:
                        self._lone[AccountId(account_id)].put(standing, self._horizon_ms)
                    elif self._loading is not None:
                        self._campaigns.add(self._loading, standing)

    def _about(self, verdict: Verdict) -> list[Alert]:
        standing = standing_of(verdict, self._book)
        joined = self._campaigns.join(standing)
        if joined is not None:
            campaign, gone, before = joined
            if before is not None:
                self._book.let_go(before.reasons)
            else:
                campaign.active_ms = max(campaign.newest_ms, self._pace.newest_ms)
            return list(self._about_campaign(campaign, gone, standing))
        if verdict.action == "allow" or verdict.ties or self._is_only_media(verdict):
            # What ties it to a campaign long over was told when that one was.
            self._book.let_go(standing.reasons)
            return []
        return list(self._about_account(standing))

    def _about_campaign(
        self, campaign: Campaign, gone: list[Campaign], standing: Standing
    ) -> Iterator[Alert]:
        for other in gone:
            self._waiting.pop(id(other), None)
        self._waiting[id(campaign)] = campaign
        if len(campaign.accounts) == 1:
            told = any(one.told for one in self._campaigns.of(standing.account_id))
            if standing.action != "allow" and not told:
                self._book.keep_again(standing.reasons)
                self._note(standing)
        elif self._cannot_wait(campaign):
            yield from self._say(campaign)
        elif campaign.told:
            yield from self._fold_in(campaign, [standing.account_id])
        if gone and campaign.told:
            yield from self._fold_in(campaign, self._lone.keys() & campaign.accounts.keys())

    def _cannot_wait(self, campaign: Campaign) -> bool:
        action = campaign.action
        if action == "allow":
            return False
        told = campaign.told.get(campaign.alert_id)
        if told is None:
            return bool(campaign.told) or len(campaign.accounts) >= campaign.expected_accounts
        said = told.alert
        if ACTIONS.index(action) > ACTIONS.index(said.action):
            return True
        if len(campaign.accounts) >= 2 * said.account_count:
            return True
        if said.status != "closed" or (
            said.closed_because != QUIET and len(campaign.accounts) == said.account_count
        ):
            return False
        return not self._is_quiet(campaign) and not self._writer.is_ruled(campaign)

    def _say(self, campaign: Campaign) -> Iterator[Alert]:
        """Say all there is to say of a campaign, if there is anything new."""
        self._waiting.pop(id(campaign), None)
        alert = self._writer.campaign(campaign, is_quiet=self._is_quiet(campaign))
        for alert_id in [known for known in campaign.told if known != alert.alert_id]:
            yield closed_into(campaign.told.pop(alert_id).alert, campaign_named(campaign.name))
        told = campaign.told.get(alert.alert_id)
        if told is None or alert.revision > told.alert.revision:
            at_ms = max(campaign.active_ms, self._pace.newest_ms)
            campaign.told[alert.alert_id] = Told(alert=alert, at_ms=at_ms)
            self._by_alert[alert.alert_id] = campaign
            yield alert
        yield from self._fold_in(campaign, self._lone.keys() & campaign.accounts.keys())

    def _fold_in(self, campaign: Campaign, account_ids: Iterable[AccountId]) -> Iterator[Alert]:
        """Close the alerts about lone accounts that turned out to belong to a campaign."""
        for account_id in sorted(account_ids):
            lone = self._lone.pop(account_id, None)
            if lone is None:
                continue
            self._waiting_lone.pop(account_id, None)
            for standing in lone.events.values():
                self._book.let_go(standing.reasons)
            if lone.told is not None:
                yield closed_into(lone.told.alert, campaign_named(campaign.name))

    def _about_account(self, standing: Standing) -> Iterator[Alert]:
        campaigns = self._campaigns.of(standing.account_id)
        if any(campaign.told for campaign in campaigns):
            self._book.let_go(standing.reasons)
            return
        lone = self._note(standing)
        if not campaigns and (
            lone.told is None or ACTIONS.index(lone.action) > ACTIONS.index(lone.told.alert.action)
        ):
            yield from self._say_account(standing.account_id)

    def _note(self, standing: Standing) -> _Lone:
        """Keep an event of an account that may be alone."""
        lone = self._lone.get(standing.account_id)
        if lone is None:
            lone = self._lone[standing.account_id] = _Lone()
            if len(self._lone) > MAX_LONE_ACCOUNTS:
                oldest, left = self._lone.popitem(last=False)
                self._waiting_lone.pop(oldest, None)
                for known in left.events.values():
                    self._book.let_go(known.reasons)
        before = lone.put(standing, self._horizon_ms)
        if before is not None:
            self._book.let_go(before.reasons)
        self._waiting_lone[standing.account_id] = None
        return lone

    def _say_account(self, account_id: AccountId) -> Iterator[Alert]:
        self._waiting_lone.pop(account_id, None)
        lone = self._lone[account_id]
        alert = self._writer.account(account_id, lone)
        if lone.told is None or alert.revision > lone.told.alert.revision:
            lone.told = Told(alert=alert, at_ms=max(lone.newest_ms, self._pace.newest_ms))
            yield alert

    def _say_upload(self, alert_id: AlertId) -> Iterator[Alert]:
        upload = self._uploads[alert_id]
        alert = self._writer.media(upload.screening, upload.told.reasons)
        if alert.revision > upload.told.revision:
            upload.told = alert
            yield alert

    def _say_what_waits(self, *, at_once: bool = False) -> Iterator[Alert]:
        now_ms = self._pace.newest_ms
        for campaign in sorted(self._waiting.values(), key=_name):
            told = campaign.told.get(campaign.alert_id)
            if told is None:
                is_due = now_ms - campaign.active_ms >= OPEN_AFTER_MS
            else:
                is_due = now_ms - told.at_ms >= GROWN_EVERY_MS
            if not (is_due or at_once):
                continue
            if len(campaign.accounts) > 1 and campaign.action != "allow":
                yield from self._say(campaign)
            else:
                del self._waiting[id(campaign)]
        for account_id in sorted(self._waiting_lone):
            lone = self._lone.get(account_id)
            if lone is None:  # folded in since
                continue
            if lone.told is None:
                is_due = now_ms - lone.newest_ms >= OPEN_AFTER_MS
            else:
                is_due = now_ms - lone.told.at_ms >= GROWN_EVERY_MS
            if is_due or at_once:
                yield from self._say_account(account_id)

    def _sweep(self) -> Iterator[Alert]:
        """Close the campaigns that have gone quiet; forget those that have been for long."""
        now_ms = self._pace.at_ms
        for campaign in sorted(self._campaigns, key=_name):
            told = campaign.told.get(campaign.alert_id)
            if told is not None and told.alert.status != "closed" and self._is_quiet(campaign):
                yield from self._say(campaign)
            if now_ms - campaign.newest_ms > self._campaigns.kept_ms:
                yield from self._forget(campaign)
        if len(self._campaigns) > MAX_EVENTS:
            for campaign in sorted(self._campaigns, key=lambda one: (one.active_ms, one.name))[:-1]:
                yield from self._forget(campaign)
                if len(self._campaigns) <= MAX_EVENTS:
                    break

    def _forget(self, campaign: Campaign) -> Iterator[Alert]:
        if self._waiting.pop(id(campaign), None) is not None and campaign.told:
            yield from self._say(campaign)
        self._campaigns.forget(campaign)
        for standing in campaign.events.values():
            self._book.let_go(standing.reasons)
        for burst in campaign.bursts:
            self._by_alert.pop(alert_of(burst), None)

    def _is_quiet(self, campaign: Campaign) -> bool:
        return self._pace.at_ms - campaign.newest_ms > QUIET_MS

    def _is_only_media(self, verdict: Verdict) -> bool:
        """Whether the media alert says it all already."""
        others = [reason for reason in verdict.reasons if not reason.code.startswith("media.")]
        return (
            len(others) < len(verdict.reasons)
            and sum(reason.points for reason in others) < self._ruleset.thresholds.review
        )


def _name(campaign: Campaign) -> Burst:
    return campaign.name


def _parts(rows: list[T]) -> Iterator[list[T]]:
    return (rows[begin : begin + PIECE_ROWS] for begin in range(0, len(rows), PIECE_ROWS))
