"""Every account's signals, and the verdicts that they come to."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import msgpack

from contracts.event import from_epoch_ms
from contracts.ids import AccountId, CampaignId, EventId, Facet, derived_id
from contracts.ruleset import VIP, Ruleset
from contracts.signal import Signal
from contracts.verdict import Reason, Tie, Verdict
from detectors.saying import adding_up, keep_telling
from detectors.strength import join, strongest_of, ties_of

if TYPE_CHECKING:
    from detectors.reader import Reading

MAX_ACCOUNTS = 1_000_000
"""Accounts with a signal kept at a time; past it, the one longest unchanged goes first."""

MAX_EVENTS = 256
"""Events of one account whose verdicts are amended when something about an earlier one shows."""

KEPT_EVENTS_MS = 48 * 3_600_000
"""For how long an account without signals is remembered, in event time."""

Moment = tuple[int, EventId]
"""When an event happened, and which it was: the order of an account's events."""


ACCOUNTS_PER_PIECE = 500
EVENTS_PER_PIECE = 5_000

_EventsPiece = tuple[int, int, list[AccountId], list[str]]
"""When the halves turn, which half it is, its accounts, their texts."""

_encode = msgpack.Encoder().encode
_decoder = msgpack.Decoder(tuple[list[tuple[AccountId, list[Signal]]], _EventsPiece | None])


class Ledger:
    """Adds up signals by account.

    The verdict on an event is the sum of what is known about its account as of that event: of the
    signals about this event and earlier ones, the strongest of each code, within each group no more
    than the group's cap, and 0 to 100 in all; of a VIP, below ``hold`` where only what the ruleset
    spares a VIP would hold it. Of what pages, comments and messages say, one of them counts: the
    one with which it comes to most (``detectors.saying``). What is known later about an earlier
    event amends the verdicts from there on, so in the end they do not depend on the order in which
    things came.
    """

    def __init__(self, ruleset: Ruleset, *, max_accounts: int = MAX_ACCOUNTS) -> None:
        self._version = ruleset.version
        self._caps = ruleset.groups
        self._actions = tuple(map(ruleset.action_for, range(101)))
        self._thresholds = ruleset.thresholds
        self._vip = ruleset.vip
        """By risk."""
        self._max_accounts = max_accounts
        self._accounts: OrderedDict[AccountId, list[Signal]] = OrderedDict()
        self._events = _Events(max_accounts)

    def __len__(self) -> int:
        """Accounts with at least one live signal that are kept."""
        return len(self._accounts)

    def snapshot(self) -> Generator[bytes, None, None]:
        """Its state as of the first piece, in pieces of a millisecond's work."""
        account_ids = list(self._accounts)
        signals = list(map(tuple, self._accounts.values()))
        events = self._events.pieces()
        for begin in range(0, len(account_ids), ACCOUNTS_PER_PIECE):
            end = begin + ACCOUNTS_PER_PIECE
            rows = list(zip(account_ids[begin:end], signals[begin:end], strict=True))
            yield _encode((rows, None))
        for piece in events:
            yield _encode(([], piece))

    def load(self, piece: bytes) -> None:
        """Take in the next piece of a snapshot, beginning empty.

        Raises:
            msgspec.MsgspecError: It is none.
        """
        rows, events = _decoder.decode(piece)
        self._accounts.update(rows)
        if events is not None:
            self._events.load(events)

    def settle(
        self,
        event_id: EventId,
        account_id: AccountId,
        occurred_at_ms: int,
        signals: Sequence[Signal] = (),
    ) -> list[Verdict]:
        """Take in an event of an account, with signals about this account.

        Returns:
            The verdict on the event, then those on later ones that changed with it.
        """
        self._events.add(account_id, occurred_at_ms, event_id)
        if not signals and account_id not in self._accounts:
            return [self._plain(event_id, account_id, occurred_at_ms)]
        moment = (occurred_at_ms, event_id)
        moments = self._changed(account_id, self._add(account_id, signals))
        if not moments or moments == [moment]:
            return [self._verdict(account_id, moment)]
        moments = [one for one in moments if one != moment]
        return [self._verdict(account_id, one) for one in (moment, *moments)]

    def settle_all(self, readings: Iterable[Reading], signals: Iterable[Signal]) -> list[Verdict]:
        """Take in events with what they say themselves, and what velocity says at the same time.

        Args:
            readings: Of the events.
            signals: About them, and about earlier events.

        Returns:
            The verdicts on the events in their order, each with those on later events that changed
            with it; then those that what is said of earlier events has changed.
        """
        by_event: dict[EventId, list[Signal]] = {}
        for signal in signals:
            by_event.setdefault(signal.event_id, []).append(signal)
        verdicts: list[Verdict] = []
        strange: list[Signal] = []  # of another account's event that bears the same id
        add, plain, accounts, note = self._events.add, self._plain, self._accounts, verdicts.append
        for reading in readings:
            event_id, account_id, at_ms = (
                reading.event_id, reading.account_id, reading.occurred_at_ms,
            )  # fmt: skip
            raised = by_event.pop(event_id, None)
            if raised is None and not reading.signals and account_id not in accounts:
                add(account_id, at_ms, event_id)
                note(plain(event_id, account_id, at_ms))
                continue
            own = list(reading.signals)
            for signal in raised or ():
                (own if signal.account_id == account_id else strange).append(signal)
            verdicts += self.settle(event_id, account_id, at_ms, own)
        for about_earlier in (strange, *by_event.values()):
            verdicts += self.amend(about_earlier)
        return verdicts

    def amend(self, signals: Iterable[Signal]) -> list[Verdict]:
        """Take in signals about earlier events; give the verdicts that changed."""
        by_account: dict[AccountId, list[Signal]] = {}
        for signal in signals:
            by_account.setdefault(signal.account_id, []).append(signal)
        return [
            self._verdict(account_id, moment)
            for account_id, own in by_account.items()
            for moment in self._changed(account_id, self._add(account_id, own))
        ]

    def _changed(self, account_id: AccountId, about: set[Moment]) -> list[Moment]:
        """The events that something bears on: those that it is about, and what came after."""
        if not about:
            return []
        first = min(about)
        if len(about) == 1 and self._events.is_only(account_id, first):
            return [first]
        later = [moment for moment in self._events.of(account_id) if moment > first]
        return sorted({*about, *later})

    def _add(self, account_id: AccountId, signals: Iterable[Signal]) -> set[Moment]:
        """Join signals to those that are known; give the events of those that made a difference."""
        changed: set[Moment] = set()
        known = self._accounts.get(account_id)
        for signal in signals:
            if signal.mode != "live":
                continue
            if known is None:
                if len(self._accounts) >= self._max_accounts:
                    self._accounts.popitem(last=False)
                known = self._accounts[account_id] = []
            joined = join(known, signal)
            if joined is not None:
                changed.add((signal.occurred_at_ms, signal.event_id))
                if joined is not signal:
                    changed.add((joined.occurred_at_ms, joined.event_id))
        if changed and known is not None:
            keep_telling(known)
            self._accounts.move_to_end(account_id)
        return changed

    def _verdict(self, account_id: AccountId, moment: Moment) -> Verdict:
        known = self._accounts.get(account_id)
        if not known:
            return self._plain(moment[1], account_id, moment[0])
        counting = [one for one in known if (one.occurred_at_ms, one.event_id) <= moment]
        signals = counting if len(counting) <= 1 else strongest_of(counting)
        ties = ties_of(counting)
        risk = max(map(self._risk, adding_up(counting, signals)))
        return Verdict(
            event_id=moment[1],
            account_id=account_id,
            occurred_at=from_epoch_ms(moment[0]),
            risk=risk,
            action=self._actions[risk],
            reasons=tuple(
                [
                    Reason(code=signal.code, points=signal.points, evidence=signal.evidence)
                    for signal in signals
                ]
            ),
            ruleset_version=self._version,
            campaign_id=campaign_of(ties),
            ties=ties,
        )

    def _plain(self, event_id: EventId, account_id: AccountId, occurred_at_ms: int) -> Verdict:
        return Verdict(
            event_id=event_id,
            account_id=account_id,
            occurred_at=from_epoch_ms(occurred_at_ms),
            risk=0,
            action="allow",
            reasons=(),
            ruleset_version=self._version,
        )

    def _risk(self, signals: list[Signal]) -> int:
        by_group: dict[str, int] = {}
        for signal in signals:
            by_group[signal.group] = by_group.get(signal.group, 0) + signal.points
        total = 0
        for group, points in by_group.items():
            total += min(points, self._caps[group])
        risk = max(0, min(100, total))
        if risk >= self._thresholds.hold and self._is_spared(signals, by_group):
            return self._thresholds.hold - 1
        return risk

    def _is_spared(self, signals: list[Signal], by_group: dict[str, int]) -> bool:
        """Whether this is a VIP whom nothing but what is forgiven a VIP would hold."""
        vip = self._vip
        if vip is None or all(signal.code != VIP for signal in signals):
            return False
        others = sum(
            min(points, self._caps[group])
            for group, points in by_group.items()
            if group not in vip.spared
        )
        return others < self._thresholds.review


class _Events:
    """The newest events of accounts, as text: most have one and are never looked at again."""

    def __init__(self, max_accounts: int) -> None:
        self._young: dict[AccountId, str] = {}
        self._old: dict[AccountId, str] = {}
        self._turn_ms = 0
        self._half = max(1, max_accounts // 2)

    def add(self, account_id: AccountId, at_ms: int, event_id: EventId) -> None:
        if at_ms >= self._turn_ms or len(self._young) >= self._half:
            self._turn_ms = max(self._turn_ms, at_ms + KEPT_EVENTS_MS)
            self._young, self._old = {}, self._young
        text = f"{at_ms}\0{event_id}"
        known = self._young.setdefault(account_id, text)
        if known is text:  # its first, as most are
            known = self._old.pop(account_id, text) if self._old else text
        if known == text:
            return
        moment = (at_ms, event_id)
        moments = _moments(known)
        if moment not in moments:
            insort(moments, moment)
        self._young[account_id] = "\0".join(
            f"{at_ms}\0{event_id}" for at_ms, event_id in moments[-MAX_EVENTS:]
        )

    def pieces(self) -> Iterable[_EventsPiece]:
        """All of it as of now, in pieces."""
        halves = [(list(half), list(half.values())) for half in (self._old, self._young)]
        turn_ms = self._turn_ms
        return (
            (turn_ms, half, ids[begin:end], texts[begin:end])
            for half, (ids, texts) in enumerate(halves)
            for begin in range(0, len(ids), EVENTS_PER_PIECE)
            for end in (begin + EVENTS_PER_PIECE,)
        )

    def load(self, piece: _EventsPiece) -> None:
        self._turn_ms, half, ids, texts = piece
        (self._old, self._young)[half].update(zip(ids, texts, strict=True))

    def is_only(self, account_id: AccountId, moment: Moment) -> bool:
        """Whether no other event of its account is known, as of most."""
        known = self._young.get(account_id) or self._old.get(account_id)
        return known is None or known == f"{moment[0]}\0{moment[1]}"

    def of(self, account_id: AccountId) -> list[Moment]:
        known = self._young.get(account_id) or self._old.get(account_id)
        return _moments(known) if known else []


def campaign_of(ties: Sequence[Tie]) -> CampaignId | None:
    """The campaign that ties, the earliest first, stand for: it is named after the first."""
    return _campaign_after(ties[0].facet, ties[0].since) if ties else None


@lru_cache(maxsize=8_192)
def _campaign_after(facet: Facet, since: datetime) -> CampaignId:
    return CampaignId(derived_id("campaign", facet, since.isoformat()))


def _moments(text: str) -> list[Moment]:
    fields = text.split("\0")
    return [(int(fields[at]), EventId(fields[at + 1])) for at in range(0, len(fields), 2)]
