"""How signals about one account join, which of a code is the strongest, and what they tie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from msgspec.structs import replace

from contracts.event import from_epoch_ms, rfc3339
from contracts.ids import Code, EventId, Facet
from contracts.signal import Burst, Signal
from contracts.verdict import Tie


def _moment(signal: Signal) -> tuple[int, EventId]:
    return signal.occurred_at_ms, signal.event_id


def join(known: list[Signal], signal: Signal) -> Signal | None:
    """Join a signal to those of its account; give what came of it, None if nothing changed.

    Of what lasts and one event says by itself, the earliest of a code and strength stays; what a
    post says stays with it. Of a burst, the highest level, the earliest event and the earliest
    beginning stay, from whichever signals.
    """
    for at, other in enumerate(known):
        if other.code != signal.code or not _same_matter(other, signal):
            continue
        joined = _joined(other, signal)
        if joined == other:
            return None
        known[at] = joined
        return joined
    known.append(signal)
    return signal


def _same_matter(one: Signal, other: Signal) -> bool:
    if one.burst is None or other.burst is None:
        same = one.burst is other.burst and one.points == other.points
        return same and one.lasts is other.lasts and (one.lasts or one.event_id == other.event_id)
    return (
        one.burst.facet == other.burst.facet
        and abs(one.burst.since_ms - other.burst.since_ms) < one.burst.window_ms
    )


def _joined(one: Signal, other: Signal) -> Signal:
    first = min(one, other, key=_moment)
    if one.burst is None or other.burst is None:
        return first
    strong = max(one, other, key=_strength)
    since_ms = min(one.burst.since_ms, other.burst.since_ms)
    evidence = strong.evidence
    if strong.burst is not None and strong.burst.since_ms != since_ms:
        evidence = {**evidence, "since": rfc3339(since_ms)}
    burst = replace(
        one.burst, since_ms=since_ms, accounts=max(one.burst.accounts, other.burst.accounts)
    )
    return replace(
        strong,
        event_id=first.event_id,
        occurred_at_ms=first.occurred_at_ms,
        evidence=evidence,
        burst=burst,
    )


def _strength(signal: Signal) -> tuple[int, int, int, int, str]:
    """Most points first, then the most accounts, the earliest burst, the earliest event."""
    burst = signal.burst
    return (
        abs(signal.points),
        burst.accounts if burst else 0,
        -burst.since_ms if burst else 0,
        -signal.occurred_at_ms,
        burst.facet if burst else signal.event_id,
    )


def strongest_of(signals: Iterable[Signal]) -> list[Signal]:
    """One a code, those with the most points first."""
    best: dict[Code, Signal] = {}
    for signal in signals:
        before = best.get(signal.code)
        if before is None or _strength(signal) > _strength(before):
            best[signal.code] = signal
    return sorted(best.values(), key=lambda signal: (-signal.points, signal.code))


def ties_of(signals: Iterable[Signal]) -> tuple[Tie, ...]:
    """What of signals ties, the earliest first."""
    bursts: dict[Facet, list[Burst]] = {}
    for signal in signals:
        burst = signal.burst
        if burst is not None and burst.ties:
            bursts.setdefault(burst.facet, []).append(burst)
    if not bursts:
        return ()
    return tuple(
        sorted((tie for one in bursts.values() for tie in _ties(one)), key=_earliest_first)
    )


def _ties(bursts: list[Burst]) -> Iterator[Tie]:
    """What of one facet ties: its bursts. Those within a window of each other are one."""
    bursts.sort(key=lambda burst: (burst.since_ms, burst.window_ms))
    last = bursts[0]
    for burst in bursts[1:]:
        if burst.since_ms - last.since_ms < max(burst.window_ms, last.window_ms):
            last = replace(last, accounts=max(burst.accounts, last.accounts))
        else:
            yield _tie(last.facet, last.since_ms, last.accounts)
            last = burst
    yield _tie(last.facet, last.since_ms, last.accounts)


@lru_cache(maxsize=8_192)
def _tie(facet: Facet, since_ms: int, accounts: int) -> Tie:
    return Tie(facet=facet, since=from_epoch_ms(since_ms), accounts=accounts)


def _earliest_first(tie: Tie) -> tuple[datetime, Facet]:
    return tie.since, tie.facet
