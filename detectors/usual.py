"""What is usual for the facets of a kind under one rule: learned block by block, in event time.

Sightings wait in blocks until nothing that is in time can change them any more; then all facets of
a block are settled together, in order (``detectors.surprise``). So what is expected of a window
depends on the set of sightings alone, as long as each comes within the lateness.

An account counts in a block in which it is seen with a facet, unless it was in one of the blocks
that lie within a window before it, a day's at most. That is "first seen within the window" to the
length of a block: one that comes back may count a block too late or, with a window of more than a
day, again after a day. Up to 64 accounts of a facet and block are counted exactly, more to 2 %.

Windows end with a pane, so an expectation is asked for at the end of a pane, which may be a pane
ahead of the newest sighting: blocks wait a pane longer than the lateness for it.

Memory is bounded: half of the budget is for what waits, where a flood's newest facets are left out
when there is no room; half is for what was learned, where facets seen in one block alone go first,
those settled longest ago before others.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from math import ceil
from typing import NamedTuple

from msgspec import msgpack

from contracts.ids import AccountId, Facet
from detectors.distinct import DistinctPanes, PaneState
from detectors.surprise import (
    HALF_LIFE_MS,
    Baseline,
    BaselineState,
    Expectation,
    KindBaseline,
    KindState,
    block_ms,
    settled_before,
)

KEPT_MS = 4 * HALF_LIFE_MS
"""After so long a sixteenth is left of what was learned, and it goes."""
MOST_BLOCKS_BACK = 24

WAITING_BYTES = 280
"""About what a facet of a block takes while it waits, on CPython 3.11; so are those below."""
MANY_BYTES = 1_600
"""What it takes more with two accounts or many."""
BASELINE_BYTES = 400

FACETS_PER_PIECE = 2_000

_ONE_PANE = 0
_EIGHTH = 8

Accounts = AccountId | DistinctPanes
"""One account, or more."""


class Head(NamedTuple):
    """What there is besides facets."""

    kind: KindState
    settled_ms: int
    due_ms: int
    expire_ms: int
    room_bytes: int


class UsualPiece(NamedTuple):
    """A part of a snapshot: the head, some facets of a block, or some of which much is known.

    Attributes:
        start_ms: Of which block ``accounts`` are.
    """

    head: Head | None = None
    start_ms: int = 0
    accounts: list[tuple[Facet, AccountId | list[PaneState]]] = []  # noqa: RUF012 -- as below
    once: list[tuple[Facet, BaselineState]] = []  # noqa: RUF012 -- nobody changes it
    often: list[tuple[Facet, BaselineState]] = []  # noqa: RUF012 -- nobody changes it


class Usual:
    """Learns what is usual.

    Args:
        window_ms: The length of the rule's window.
        pane_ms: The length of its panes.
        lateness_ms: By how much sightings may come late.
        budget_bytes: About how much memory it may take.
    """

    __slots__ = (
        "_block_ms",
        "_blocks",
        "_blocks_back",
        "_due_ms",
        "_expire_ms",
        "_kind",
        "_lateness_ms",
        "_most_baselines",
        "_often",
        "_once",
        "_open",
        "_open_ms",
        "_pane_ms",
        "_room_bytes",
        "_settled_ms",
        "_window_ms",
    )

    def __init__(
        self, *, window_ms: int, pane_ms: int, lateness_ms: int, budget_bytes: int
    ) -> None:
        self._window_ms = window_ms
        self._pane_ms = pane_ms
        self._lateness_ms = lateness_ms + pane_ms
        self._block_ms = block_ms(window_ms, self._lateness_ms)
        self._blocks_back = min(MOST_BLOCKS_BACK, ceil(window_ms / self._block_ms))
        self._most_baselines = max(1, budget_bytes // 2 // BASELINE_BYTES)
        self._room_bytes = budget_bytes // 2
        self._kind = KindBaseline()
        self._once: dict[Facet, Baseline] = {}
        """Of facets with accounts in one block, those settled longest ago first."""
        self._often: dict[Facet, Baseline] = {}
        self._blocks: dict[int, dict[Facet, Accounts]] = {}
        """By their starts: those that wait, and of the settled those that are looked back to."""
        self._open: dict[Facet, Accounts] = {}
        """The block of the last sighting."""
        self._open_ms = -1
        self._settled_ms = 0
        self._expire_ms = 0
        self._due_ms = 0
        """A sighting of this time or a later one settles something."""

    def __len__(self) -> int:
        """Facets of which something was learned."""
        return len(self._once) + len(self._often)

    def see(self, facet: Facet, account_id: AccountId, at_ms: int) -> None:
        """Note a sighting; one that is too late for its block teaches nothing."""
        if at_ms >= self._due_ms:
            self._advance(at_ms)
        start_ms = at_ms - at_ms % self._block_ms
        if start_ms != self._open_ms:
            if start_ms < self._settled_ms:
                return
            self._open_ms = start_ms
            self._open = self._blocks.setdefault(start_ms, {})
        known = self._open.get(facet)
        if known is None:
            if self._room_bytes > 0:
                self._room_bytes -= WAITING_BYTES
                self._open[facet] = account_id
        elif isinstance(known, DistinctPanes):
            known.add(_ONE_PANE, account_id)
        elif known != account_id and self._room_bytes > 0:
            self._room_bytes -= MANY_BYTES
            self._open[facet] = _all([known, account_id])

    def expected(self, facet: Facet, pane: int) -> Expectation:
        """How many accounts a facet usually has in the window that ends with a pane.

        The pane must not lie beyond that of the newest sighting.
        """
        at_ms = (pane + 1) * self._pane_ms
        return self._kind.expected(
            self._often.get(facet) or self._once.get(facet),
            at_ms=at_ms,
            window_ms=self._window_ms,
            settled_ms=self._settled_before(at_ms),
        )

    def pieces(self) -> list[bytes]:
        """Its state as of now, in pieces; some 10 ms for 10,000 facets."""
        head = Head(
            kind=self._kind.state(),
            settled_ms=self._settled_ms,
            due_ms=self._due_ms,
            expire_ms=self._expire_ms,
            room_bytes=self._room_bytes,
        )
        parts = [UsualPiece(head=head)]
        for start_ms, block in self._blocks.items():
            for some in _batched(list(block)):
                accounts = [(facet, _state(block[facet])) for facet in some]
                parts.append(UsualPiece(start_ms=start_ms, accounts=accounts))
        for some in _batched(list(self._once)):
            once = [(facet, self._once[facet].state()) for facet in some]
            parts.append(UsualPiece(once=once))
        for some in _batched(list(self._often)):
            often = [(facet, self._often[facet].state()) for facet in some]
            parts.append(UsualPiece(often=often))
        return [msgpack.encode(part) for part in parts]

    def load(self, piece: bytes) -> None:
        """Take in the next piece of a snapshot, beginning empty.

        Raises:
            msgspec.MsgspecError: It is none.
        """
        head, start_ms, accounts, once, often = msgpack.decode(piece, type=UsualPiece)
        if head is not None:
            self._kind = KindBaseline.of(head.kind)
            _, self._settled_ms, self._due_ms, self._expire_ms, self._room_bytes = head
        if accounts:
            self._blocks.setdefault(start_ms, {}).update(
                (facet, DistinctPanes.of(seen) if isinstance(seen, list) else seen)
                for facet, seen in accounts
            )
        self._once.update((facet, Baseline.of(state)) for facet, state in once)
        self._often.update((facet, Baseline.of(state)) for facet, state in often)

    def _settled_before(self, at_ms: int) -> int:
        return settled_before(at_ms, self._window_ms, self._lateness_ms)

    def _advance(self, at_ms: int) -> None:
        """Settle what is final once a sighting of this time was seen."""
        pane_ms, settled_ms = self._pane_ms, self._settled_ms
        self._open_ms = -1
        self._settled_ms = self._settled_before((at_ms // pane_ms + 1) * pane_ms)
        next_ms = self._settled_ms + self._block_ms + self._window_ms + self._lateness_ms
        self._due_ms = -(-next_ms // pane_ms) * pane_ms - pane_ms
        before: dict[int, dict[Facet, Accounts]] = {}
        for start_ms in sorted(self._blocks):
            if start_ms >= self._settled_ms:
                break
            before[start_ms] = self._blocks[start_ms]
            if start_ms >= settled_ms:
                self._settle(start_ms, before)
        oldest_ms = self._settled_ms - self._blocks_back * self._block_ms
        for start_ms in [start_ms for start_ms in before if start_ms < oldest_ms]:
            self._drop(start_ms)
        if self._settled_ms >= self._expire_ms:
            self._expire_ms = self._settled_ms + HALF_LIFE_MS // 14
            self._expire()

    def _settle(self, start_ms: int, before: dict[int, dict[Facet, Accounts]]) -> None:
        oldest_ms = start_ms - self._blocks_back * self._block_ms
        older = [seen for at_ms, seen in before.items() if oldest_ms <= at_ms < start_ms]
        once, often, kind = self._once, self._often, self._kind
        accounts = before[start_ms]
        returned = {facet for seen in older for facet in seen.keys() & accounts.keys()}
        for facet in sorted(accounts):
            seen = accounts[facet]
            if facet in returned:
                count = _newcomers(facet, seen, older)
            else:
                count = _count(seen) if isinstance(seen, DistinctPanes) else 1
            if not count:
                continue
            baseline = often.pop(facet, None) or once.pop(facet, None)
            if baseline is None:
                baseline = once[facet] = Baseline()
            else:
                often[facet] = baseline
            baseline.settle(start_ms, count, kind)
        excess = len(self) - self._most_baselines
        if excess > 0:
            excess += self._most_baselines // _EIGHTH
            for facet in list(islice(once, excess)):
                del once[facet]
                excess -= 1
            for facet in list(islice(often, excess)):
                del often[facet]

    def _drop(self, start_ms: int) -> None:
        for accounts in self._blocks.pop(start_ms).values():
            many = isinstance(accounts, DistinctPanes)
            self._room_bytes += WAITING_BYTES + (MANY_BYTES if many else 0)

    def _expire(self) -> None:
        oldest_ms = self._settled_ms - KEPT_MS
        for baselines in (self._once, self._often):
            for facet in [
                facet
                for facet, _ in takewhile(
                    lambda kept: kept[1].last_ms < oldest_ms, baselines.items()
                )
            ]:
                del baselines[facet]


def _newcomers(facet: Facet, accounts: Accounts, older: list[dict[Facet, Accounts]]) -> int:
    """How many of a facet's accounts are in no older block."""
    known = [block[facet] for block in older if facet in block]
    if accounts in known:
        return 0
    earlier = _all(known)
    return max(0, _count(_all([earlier, accounts])) - _count(earlier))


def _all(parts: list[Accounts]) -> DistinctPanes:
    accounts = DistinctPanes()
    for part in parts:
        if isinstance(part, DistinctPanes):
            accounts.merge(part)
        else:
            accounts.add(_ONE_PANE, part)
    return accounts


def _count(accounts: DistinctPanes) -> int:
    return accounts.estimate(_ONE_PANE, 1).count


def _state(accounts: Accounts) -> AccountId | list[PaneState]:
    return list(accounts.state()) if isinstance(accounts, DistinctPanes) else accounts


def _batched(facets: list[Facet]) -> Iterator[list[Facet]]:
    return (
        facets[begin : begin + FACETS_PER_PIECE]
        for begin in range(0, len(facets), FACETS_PER_PIECE)
    )
