"""What reviewers decided, as far as it closes alerts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, KeysView
from dataclasses import dataclass
from typing import TypeVar

from contracts.event import Decision, epoch_ms
from contracts.ids import AccountId, AlertId, EventId

K = TypeVar("K", bound=str)

CLOSING = frozenset({"approve", "ban", "suspend"})
"""Actions that settle a case; the others ask for more, or tell somebody."""

MARK_VIP = "mark_vip"
"""Settles that an account is a VIP, and nothing about its risk."""

MAX_RULED = 1_000_000
"""Accounts and alerts whose rulings are known; past it, those ruled on first are forgotten."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Ruling:
    """A decision that closes alerts; ordered by when it was made."""

    at_ms: int
    decision_id: EventId
    action: str
    reviewer: str

    @property
    def because(self) -> str:
        """As an alert gives it for its reason."""
        return f"closed by decision: {self.action} by {self.reviewer}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """A ruling with what it is about, as it travels."""

    ruling: Ruling
    account_ids: tuple[AccountId, ...]
    alert_id: AlertId | None = None


class Rulings:
    """The rulings on each account and each alert. The same one again changes nothing.

    Those that mark a VIP are kept with the others and told to the desk of VIPs alone.
    """

    def __init__(self) -> None:
        self._by_account: OrderedDict[AccountId, dict[EventId, Ruling]] = OrderedDict()
        self._by_alert: OrderedDict[AlertId, dict[EventId, Ruling]] = OrderedDict()

    def add(self, ruled: Ruled) -> None:
        """Take in a ruling."""
        for account_id in ruled.account_ids:
            _note(self._by_account, account_id, ruled.ruling)
        if ruled.alert_id is not None:
            _note(self._by_alert, ruled.alert_id, ruled.ruling)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_account or self._by_alert)

    @property
    def accounts(self) -> KeysView[AccountId]:
        """Those that there are rulings on."""
        return self._by_account.keys()

    def on_account(self, account_id: AccountId) -> Iterable[Ruling]:
        """The rulings on an account."""
        return _settling(self._by_account.get(account_id))

    def on_alert(self, alert_id: AlertId) -> Iterable[Ruling]:
        """The rulings that name an alert."""
        return _settling(self._by_alert.get(alert_id))

    def on_vip(self, account_id: AccountId, alert_id: AlertId) -> tuple[Ruling, ...]:
        """The rulings on a VIP or its alert, those that mark it as one included."""
        own = self._by_account.get(account_id, {})
        return (*own.values(), *self._by_alert.get(alert_id, {}).values())

    def dump(self) -> tuple[tuple[str, str, int, str, str, str], ...]:
        """All of it, as plain values."""
        return tuple(_rows("account", self._by_account)) + tuple(_rows("alert", self._by_alert))

    def load(self, dumped: Iterable[tuple[str, str, int, str, str, str]]) -> None:
        """Go on from what ``dump`` gave."""
        for kind, about, at_ms, decision_id, action, reviewer in dumped:
            ruling = Ruling(
                at_ms=at_ms, decision_id=EventId(decision_id), action=action, reviewer=reviewer
            )
            if kind == "account":
                _note(self._by_account, AccountId(about), ruling)
            else:
                _note(self._by_alert, AlertId(about), ruling)


def ruled(decision: Decision) -> Ruled | None:
    """What a decision rules; None for one that closes nothing."""
    if decision.action not in CLOSING and decision.action != MARK_VIP:
        return None
    ruling = Ruling(
        at_ms=epoch_ms(decision.occurred_at),
        decision_id=decision.decision_id,
        action=decision.action,
        reviewer=decision.reviewer,
    )
    return Ruled(ruling=ruling, account_ids=decision.account_ids, alert_id=decision.alert_id)


def _settling(rulings: dict[EventId, Ruling] | None) -> Iterable[Ruling]:
    if not rulings:
        return ()
    return [ruling for ruling in rulings.values() if ruling.action != MARK_VIP]


def _note(known: OrderedDict[K, dict[EventId, Ruling]], about: K, ruling: Ruling) -> None:
    known.setdefault(about, {})[ruling.decision_id] = ruling
    if len(known) > MAX_RULED:
        known.popitem(last=False)


def _rows(
    kind: str, known: dict[K, dict[EventId, Ruling]]
) -> Iterator[tuple[str, str, int, str, str, str]]:
    for about, rulings in known.items():
        for ruling in rulings.values():
            yield (
                kind, about, ruling.at_ms, ruling.decision_id, ruling.action, ruling.reviewer,
            )  # fmt: skip
