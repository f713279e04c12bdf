"""What an account's pages, comments and messages say: the signals of each add up by themselves.

A large organizer writes hundreds of pages, and each has some chance to show one weak sign or
another. Added up over its life they would bring anybody to review. So what one of them says counts
with what else stands in it and with what lasts: what the account says of itself, what it shares
with others, what it uploaded. An account is worth as much as the worst of what it wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.ids import Code, EventId
from contracts.signal import Signal
from detectors.strength import strongest_of

MAX_SAYING = 32
"""Of so many of an account's posts what they say is kept: of those with the most points."""


def adding_up(signals: Sequence[Signal], strongest: list[Signal]) -> Iterable[list[Signal]]:
    """Lists of signals, one a code, each of which adds up: one for each post that says something.

    Args:
        signals: All that count.
        strongest: ``strongest_of`` them, which is the one list of most accounts.
    """
    events = {signal.event_id for signal in signals if not signal.lasts}
    if len(events) <= 1:
        return (strongest,)
    return (
        strongest_of(one for one in signals if one.lasts or one.event_id == event_id)
        for event_id in events
    )


def keep_telling(signals: list[Signal]) -> None:
    """Drop what posts say that an earlier one said already, and more; in place.

    Whatever is dropped can bring no verdict to more than what is kept. What is left does not depend
    on the order, unless ``MAX_SAYING`` posts say each something that none of the others does.
    """
    said: dict[EventId, list[Signal]] = {}
    for signal in signals:
        if not signal.lasts:
            said.setdefault(signal.event_id, []).append(signal)
    if len(said) <= 1:
        return
    kept: list[tuple[EventId, dict[Code, int]]] = []
    for event_id, own in sorted(said.items(), key=lambda one: (one[1][0].occurred_at_ms, one[0])):
        points = {signal.code: signal.points for signal in own}
        if not any(_outdoes(earlier, points) for _, earlier in kept):
            kept.append((event_id, points))
    kept.sort(key=lambda one: -sum(one[1].values()))  # of equals the earliest
    telling = {event_id for event_id, _ in kept[:MAX_SAYING]}
    if len(telling) < len(said):
        signals[:] = [one for one in signals if one.lasts or one.event_id in telling]


def _outdoes(earlier: dict[Code, int], later: dict[Code, int]) -> bool:
    return all(earlier.get(code, 0) >= points for code, points in later.items())
