"""Every account's signals, and the verdict that they come to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.event import from_epoch_ms
from contracts.ids import AccountId, CampaignId, Code, EventId, Facet, derived_id
from contracts.ruleset import Ruleset
from contracts.signal import Signal
from contracts.verdict import Reason, Tie, Verdict

MAX_ACCOUNTS = 1_000_000
"""Accounts with a signal kept at a time; past it, the one longest unchanged goes first."""


@dataclass(slots=True)
class _Account:
    signals: dict[Code, Signal] = field(default_factory=dict)
    """The strongest signal of each code."""
    ties: dict[Facet, Tie] = field(default_factory=dict)
    """Every facet that fired and ties: two of one code tie two campaigns into one."""


class Ledger:
    """Adds up signals by account.

    An account's risk is the sum of the strongest signal of each code, within each group no more
    than the group's cap, and 0 to 100 in all.
    """

    def __init__(self, ruleset: Ruleset, *, max_accounts: int = MAX_ACCOUNTS) -> None:
        self._ruleset = ruleset
        self._max_accounts = max_accounts
        self._accounts: OrderedDict[AccountId, _Account] = OrderedDict()

    def __len__(self) -> int:
        """Accounts kept: those with at least one live signal."""
        return len(self._accounts)

    def settle(
        self,
        event_id: EventId,
        account_id: AccountId,
        occurred_at_ms: int,
        signals: Iterable[Signal],
    ) -> Verdict:
        """Add the signals that an event brought; give the verdict as of it."""
        self._add(account_id, signals)
        return self._verdict(event_id, account_id, occurred_at_ms)

    def amend(self, signals: Iterable[Signal]) -> list[Verdict]:
        """Add signals about earlier events; give a verdict for each event whose account changed."""
        changed: dict[EventId, Signal] = {}
        for signal in signals:
            if self._add(signal.account_id, (signal,)):
                changed[signal.event_id] = signal
        return [
            self._verdict(event_id, signal.account_id, signal.occurred_at_ms)
            for event_id, signal in changed.items()
        ]

    def _add(self, account_id: AccountId, signals: Iterable[Signal]) -> bool:
        changed = False
        for signal in signals:
            if signal.mode != "live":
                continue
            account = self._accounts.get(account_id)
            if account is None:
                if len(self._accounts) >= self._max_accounts:
                    self._accounts.popitem(last=False)
                account = self._accounts[account_id] = _Account()
            if signal.ties and signal.facet is not None and signal.facet not in account.ties:
                account.ties[signal.facet] = _tie(signal.facet, signal)
                changed = True
            before = account.signals.get(signal.code)
            if before is None or abs(signal.points) > abs(before.points):
                account.signals[signal.code] = signal
                self._accounts.move_to_end(account_id)
                changed = True
        return changed

    def _verdict(self, event_id: EventId, account_id: AccountId, occurred_at_ms: int) -> Verdict:
        account = self._accounts.get(account_id)
        signals = _strongest_first(account.signals.values()) if account else []
        risk = self._risk(signals)
        ties = tuple(sorted(account.ties.values(), key=earliest_first)) if account else ()
        return Verdict(
            event_id=event_id,
            account_id=account_id,
            occurred_at=from_epoch_ms(occurred_at_ms),
            risk=risk,
            action=self._ruleset.action_for(risk),
            reasons=tuple(
                Reason(code=signal.code, points=signal.points, evidence=signal.evidence)
                for signal in signals
            ),
            ruleset_version=self._ruleset.version,
            campaign_id=campaign_of(ties),
            ties=ties,
        )

    def _risk(self, signals: list[Signal]) -> int:
        by_group: dict[str, int] = {}
        for signal in signals:
            by_group[signal.group] = by_group.get(signal.group, 0) + signal.points
        caps = self._ruleset.groups
        total = sum(min(points, caps[group]) for group, points in by_group.items())
        return max(0, min(100, total))


def earliest_first(tie: Tie) -> tuple[datetime, Facet]:
    """The order of ties: by when their burst began."""
    return tie.since, tie.facet


def campaign_of(ties: Sequence[Tie]) -> CampaignId | None:
    """The campaign that ties, the earliest first, stand for: it is named after the first."""
    if not ties:
        return None
    since = ties[0].since.isoformat()
    return CampaignId(derived_id("campaign", ties[0].facet, since))


def _tie(facet: Facet, signal: Signal) -> Tie:
    since = signal.evidence.get("since")
    return Tie(
        facet=facet,
        since=datetime.fromisoformat(since) if since else from_epoch_ms(signal.occurred_at_ms),
        accounts=signal.evidence.get("accounts", 1),
    )


def _strongest_first(signals: Iterable[Signal]) -> list[Signal]:
    return sorted(signals, key=lambda signal: (-signal.points, signal.code))
