"""One alert an account that looks like a large organizer, for the solutions team.

It says nothing of risk: whoever is for review besides has an alert of that kind too. Like the other
alerts it is a function of what the desk was given, not of the order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from msgspec import Struct

from contracts.alert import Alert
from contracts.event import from_epoch_ms
from contracts.ids import AccountId, AlertId, derived_id
from contracts.ruleset import VIP, Ruleset
from contracts.verdict import Reason, Verdict
from detectors.ruling import Ruled, Rulings

MAX_VIPS = 100_000
"""Accounts kept at a time; past it, the oldest alert is left as it is."""

_TIME_BITS = 50
"""An account's time in milliseconds, before or after the epoch, takes less."""


class VipRow(Struct, array_like=True, frozen=True):
    """What is known of one account.

    Attributes:
        traits: How many it showed together at most.
        at_ms: When it first showed so many.
        evidence: Of that event.
        closed_because: Why its alert is closed; empty while it is not.
    """

    account_id: str
    traits: int
    at_ms: int
    evidence: dict[str, object]
    closed_because: str = ""


class VipDesk:
    """Turns the verdicts of VIPs into alerts.

    Args:
        ruleset: Its version.
        rulings: What reviewers decided. Whoever was marked as a VIP is closed, for the solutions
            team knows; and so is whoever was approved, banned or suspended.
        console_url: Where the links go; empty for none.
    """

    def __init__(self, ruleset: Ruleset, *, rulings: Rulings, console_url: str) -> None:
        self._version = ruleset.version
        self._rulings = rulings
        self._console_url = console_url
        self._rows: OrderedDict[str, VipRow] = OrderedDict()

    def observe(self, verdict: Verdict) -> list[Alert]:
        """Take in a verdict; an alert if it says of a VIP what was not known."""
        reason = next((reason for reason in verdict.reasons if reason.code == VIP), None)
        if reason is None:
            return []
        row = VipRow(
            verdict.account_id,
            int(reason.evidence.get("traits", 0)),
            round(verdict.occurred_at.timestamp() * 1_000),
            dict(reason.evidence),
        )
        known = self._rows.get(verdict.account_id)
        if known is not None and (known.traits, -known.at_ms) >= (row.traits, -row.at_ms):
            return []
        return [self._keep(row)]

    def decide(self, ruled: Ruled) -> list[Alert]:
        """Close what a decision is about, which the rulings know already."""
        named = {vip_alert_id(AccountId(one)): one for one in self._rows} if ruled.alert_id else {}
        accounts = {*ruled.account_ids, *filter(None, [named.get(ruled.alert_id or AlertId(""))])}
        rows = [self._rows[one] for one in sorted(accounts) if one in self._rows]
        return [self._keep(row) for row in rows if row.closed_because != self._because(row)]

    def rows(self) -> list[VipRow]:
        """All of it, for a snapshot."""
        return list(self._rows.values())

    def load(self, rows: Iterable[VipRow]) -> None:
        """Go on from what ``rows`` gave."""
        self._rows.update((row.account_id, row) for row in rows)

    def _keep(self, row: VipRow) -> Alert:
        because = self._because(row)
        row = VipRow(row.account_id, row.traits, row.at_ms, row.evidence, because)
        self._rows[row.account_id] = row
        if len(self._rows) > MAX_VIPS:
            self._rows.popitem(last=False)
        account_id = AccountId(row.account_id)
        alert_id = vip_alert_id(account_id)
        at = from_epoch_ms(row.at_ms)
        title = f"Account {account_id}: looks like a large organizer"
        url = self._console_url
        return Alert(
            alert_id=alert_id,
            revision=2 * ((row.traits << _TIME_BITS) - row.at_ms) + bool(because),
            kind="vip",
            status="closed" if because else "opened",
            title=f"{title}: {because}" if because else title,
            account_ids=(account_id,),
            account_count=1,
            risk=0,
            action="allow",
            reasons=(Reason(code=VIP, points=0, evidence=row.evidence),),
            opened_at=at,
            updated_at=at,
            ruleset_version=self._version,
            closed_because=because,
            links={"console": f"{url}/alerts/{alert_id}"} if url else {},
        )

    def _because(self, row: VipRow) -> str:
        account_id = AccountId(row.account_id)
        rulings = self._rulings.on_vip(account_id, vip_alert_id(account_id))
        return max(rulings).because if rulings else ""


def vip_alert_id(account_id: AccountId) -> AlertId:
    """The id of the alert on a VIP."""
    return AlertId(derived_id("vip", account_id))
