"""What the standing verdicts about some accounts come to.

A case is a sum over events: each counts once, by its newest verdict. So it does not matter in which
order they came, and two cases can be added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from contracts.alert import Alert
from contracts.event import epoch_ms
from contracts.ids import ACTIONS, AccountId, Action, CampaignId, Code, EventId, Facet
from contracts.verdict import Reason, Verdict

StandingTie = tuple[Facet, int, int]
"""Facet, when its burst began in epoch milliseconds, accounts that were counted on it."""

ReasonKey = tuple[Code, int, bytes]
"""Code, points, evidence as JSON: in the order in which its detector gives it, always the same."""

Lead = tuple[int, Facet, CampaignId]
"""When a burst began, of what, and the campaign that is named after it."""

K = TypeVar("K")

_STRICTEST_FIRST = tuple(reversed(ACTIONS))

_encode = msgspec.json.Encoder().encode


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event's newest verdict, as far as alerts are made of it.

    Attributes:
        reasons: By what makes two of them equal; most accounts of a burst share theirs.
    """

    event_id: EventId
    account_id: AccountId
    at_ms: int
    risk: int
    action: Action
    reasons: tuple[ReasonKey, ...]
    ties: tuple[StandingTie, ...] = ()
    campaign_id: CampaignId | None = None

    def weight(self, horizon_ms: int) -> int:
        """Of how much it knows; a later verdict on the event, which knows more, weighs more.

        A signal more, more points, a tie more, a level higher and a burst that began earlier all
        add to it.

        Args:
            horizon_ms: No burst begins longer than this after an event that it ties.
        """
        weight = 1 + ACTIONS.index(self.action)
        for _, points, _ in self.reasons:
            weight += 1 + abs(points)
        ties = self.ties
        if len(ties) > 1:
            ties = _widest(ties)
        until_ms = horizon_ms + self.at_ms
        for _, since_ms, accounts in ties:
            weight += 1 + accounts + max(0, until_ms - since_ms)
        return weight


class _Booked:
    """A reason, and what alerts ask of it again and again."""

    __slots__ = ("facet", "key", "order", "reason", "times")

    def __init__(self, key: ReasonKey, reason: Reason) -> None:
        facet = reason.evidence.get("facet")
        self.key = key
        self.reason = reason
        self.times = 0
        self.order = _order(key, reason)
        self.facet = Facet(facet) if isinstance(facet, str) else None


class ReasonBook:
    """Reasons by their keys, each kept once while some standing verdict has it."""

    def __init__(self) -> None:
        self._reasons: dict[ReasonKey, _Booked] = {}

    def keep(self, reasons: Iterable[Reason]) -> tuple[ReasonKey, ...]:
        """Keep reasons, each once more, and give their keys."""
        keys = []
        booked = self._reasons
        for reason in reasons:
            key: ReasonKey = reason.code, reason.points, _encode(reason.evidence)
            kept = booked.get(key)
            if kept is None:
                kept = booked[key] = _Booked(key, reason)
            kept.times += 1
            keys.append(kept.key)
        return tuple(keys)

    def keep_again(self, keys: Iterable[ReasonKey]) -> None:
        """Keep what is kept once more."""
        for key in keys:
            self._reasons[key].times += 1

    def let_go(self, keys: Iterable[ReasonKey]) -> None:
        """Keep them once less."""
        for key in keys:
            kept = self._reasons[key]
            kept.times -= 1
            if not kept.times:
                del self._reasons[key]

    def facet(self, key: ReasonKey) -> Facet | None:
        """The facet that a reason speaks of."""
        return self._reasons[key].facet

    def strongest(self, keys: Iterable[ReasonKey]) -> tuple[Reason, ...]:
        """One reason a code, strongest first.

        Of a code's reasons the one with the most points stays, of these the one that counted the
        most accounts, then the one whose burst began first, then the first by its text.
        """
        best: dict[Code, _Booked] = {}
        booked = self._reasons
        for key in keys:
            kept = booked[key]
            known = best.get(key[0])
            if known is None or kept.order < known.order:
                best[key[0]] = kept
        reasons = (kept.reason for kept in best.values())
        return tuple(sorted(reasons, key=lambda reason: (-reason.points, reason.code)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was last said of a case, and how far event time had come in all."""

    alert: Alert
    at_ms: int


class Case:
    """The standing verdicts about the accounts of one alert."""

    __slots__ = (
        "accounts", "actions", "events", "leads", "newest_ms", "reasons", "risks", "weight",
    )  # fmt: skip

    def __init__(self) -> None:
        self.events: dict[EventId, Standing] = {}
        self.accounts: dict[AccountId, int] = {}
        """When the first of its events happened."""
        self.reasons: Counter[ReasonKey] = Counter()
        self.risks: Counter[int] = Counter()
        self.actions: Counter[Action] = Counter()
        self.leads: Counter[Lead] = Counter()
        """The campaigns that the verdicts name, each with the tie that it is named after."""
        self.newest_ms = 0
        self.weight = 0

    @property
    def risk(self) -> int:
        """The highest."""
        return max(self.risks, default=0)

    @property
    def action(self) -> Action:
        """The strictest."""
        for action in _STRICTEST_FIRST:
            if action in self.actions:
                return action
        return "allow"

    def put(self, standing: Standing, horizon_ms: int) -> Standing | None:
        """Count an event, in place of what was known of it, which is given back."""
        at_ms = standing.at_ms
        before = self.events.get(standing.event_id)
        if before is not None:
            self._count(before, -1, horizon_ms)
        self.events[standing.event_id] = standing
        self._count(standing, 1, horizon_ms)
        if at_ms < self.accounts.setdefault(standing.account_id, at_ms):
            self.accounts[standing.account_id] = at_ms
        self.newest_ms = max(self.newest_ms, at_ms)
        return before

    def take_over(self, other: Case) -> None:
        """Add another case, of other events."""
        self.events.update(other.events)
        for account_id, first_ms in other.accounts.items():
            known_ms = self.accounts.get(account_id)
            if known_ms is None or first_ms < known_ms:
                self.accounts[account_id] = first_ms
        self.reasons.update(other.reasons)
        self.risks.update(other.risks)
        self.actions.update(other.actions)
        self.leads.update(other.leads)
        self.newest_ms = max(self.newest_ms, other.newest_ms)
        self.weight += other.weight

    def _count(self, standing: Standing, by: int, horizon_ms: int) -> None:
        self.weight += by * standing.weight(horizon_ms)
        _add(self.risks, standing.risk, by)
        _add(self.actions, standing.action, by)
        for key in standing.reasons:
            _add(self.reasons, key, by)
        if standing.campaign_id is not None and standing.ties:
            facet, since_ms, _ = standing.ties[0]
            _add(self.leads, (since_ms, facet, standing.campaign_id), by)


def _widest(ties: Iterable[StandingTie]) -> tuple[StandingTie, ...]:
    """One a facet: its earliest burst, and the most accounts of any."""
    by_facet: dict[Facet, StandingTie] = {}
    for facet, since_ms, accounts in ties:
        _, since, most = by_facet.get(facet, (facet, since_ms, accounts))
        by_facet[facet] = facet, min(since, since_ms), max(most, accounts)
    return tuple(by_facet.values())


def standing_of(verdict: Verdict, book: ReasonBook) -> Standing:
    """What alerts need of a verdict; its reasons are kept in the book."""
    return Standing(
        event_id=verdict.event_id,
        account_id=verdict.account_id,
        at_ms=epoch_ms(verdict.occurred_at),
        risk=verdict.risk,
        action=verdict.action,
        reasons=book.keep(verdict.reasons),
        ties=tuple([(tie.facet, epoch_ms(tie.since), tie.accounts) for tie in verdict.ties]),
        campaign_id=verdict.campaign_id,
    )


def _add(counter: Counter[K], key: K, by: int) -> None:
    count = counter.get(key, 0) + by
    if count:
        counter[key] = count
    else:
        del counter[key]


def _order(key: ReasonKey, reason: Reason) -> tuple[int, int, str, bytes, int]:
    accounts, since = reason.evidence.get("accounts"), reason.evidence.get("since")
    return (
        -abs(reason.points),
        -accounts if isinstance(accounts, int) else 0,
        since if isinstance(since, str) else "",
        key[2],
        key[1],
    )
