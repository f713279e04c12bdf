"""A campaign's size over time, in few enough points to be drawn."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from contracts.alert import GrowthPoint
from contracts.event import from_epoch_ms

MAX_POINTS = 60

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000
_STEPS_MS = (
    *(_SECOND * count for count in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 3, 6, 12, 24)),
)


def growth(first_ms: Iterable[int]) -> tuple[GrowthPoint, ...]:
    """Count accounts cumulatively by the times of their first events, epoch milliseconds.

    Steps are of one length, the shortest of a fixed ladder from 1 s to a day (beyond, whole days)
    with which ``MAX_POINTS`` suffice; they begin at multiples of it since the epoch. So the points
    depend on the times alone, and two campaigns of a day can be laid over one another.
    """
    times = sorted(first_ms)  # in order already, as a rule: then it takes no time
    if not times:
        return ()
    step_ms = _step_ms(times[0], times[-1])
    return tuple(
        GrowthPoint(at=from_epoch_ms(end * step_ms), accounts=bisect_left(times, end * step_ms))
        for end in range(times[0] // step_ms + 1, times[-1] // step_ms + 2)
    )


def _step_ms(first_ms: int, last_ms: int) -> int:
    for step_ms in _STEPS_MS:
        if last_ms // step_ms - first_ms // step_ms < MAX_POINTS:
            return step_ms
    day_ms = _STEPS_MS[-1]
    days = 1
    while last_ms // (days * day_ms) - first_ms // (days * day_ms) >= MAX_POINTS:
        days += 1
    return days * day_ms
