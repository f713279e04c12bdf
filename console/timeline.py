"""Which seconds of an upload are which seconds of a reference, as a picture's geometry.

Two bars, one above the other, each to its own scale: a clip of a minute and a film of two hours
share no scale on which both can be seen. A band joins each stretch to its like.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.ids import ReferenceId
from contracts.screening import Match

WIDTH = 1_000.0
MIN_STRETCH = 4.0
"""Narrowest stretch that is drawn: ten seconds of two hours would be a hair."""
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
_TICKS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark on a bar."""

    x: float
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """One match: where it stands on either bar, in units of ``WIDTH``."""

    match: Match
    upload_x: float
    upload_width: float
    reference_x: float
    reference_width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """All matches of one reference."""

    reference_id: ReferenceId
    title: str
    bands: tuple[Band, ...]
    upload_ticks: tuple[Tick, ...]
    reference_ticks: tuple[Tick, ...]

    @property
    def matched_s(self) -> float:
        """Seconds of the upload that show the reference; what two matches share counts once."""
        total, covered_to = 0.0, 0.0
        for match in sorted((band.match for band in self.bands), key=lambda it: it.upload_start_s):
            start = max(match.upload_start_s, covered_to)
            total += max(0.0, match.upload_end_s - start)
            covered_to = max(covered_to, match.upload_end_s)
        return total


def timelines(matches: Iterable[Match]) -> tuple[Timeline, ...]:
    """One picture a reference, the one with most seconds first."""
    by_reference: dict[ReferenceId, list[Match]] = {}
    for match in matches:
        by_reference.setdefault(match.reference_id, []).append(match)
    drawn = (_timeline(own) for own in by_reference.values())
    return tuple(sorted(drawn, key=lambda timeline: (-timeline.matched_s, timeline.reference_id)))


def _timeline(matches: list[Match]) -> Timeline:
    # The lengths of the videos are not known here: each bar ends a little after its last match.
    upload_s = max(1.0, *(match.upload_end_s for match in matches)) * 1.08
    reference_s = max(1.0, *(match.reference_end_s for match in matches)) * 1.08
    bands = []
    for match in sorted(matches, key=lambda match: match.upload_start_s):
        upload = _stretch(match.upload_start_s, match.upload_end_s, upload_s)
        reference = _stretch(match.reference_start_s, match.reference_end_s, reference_s)
        bands.append(
            Band(
                match=match,
                upload_x=upload[0],
                upload_width=upload[1],
                reference_x=reference[0],
                reference_width=reference[1],
            )
        )
    return Timeline(
        reference_id=matches[0].reference_id,
        title=matches[0].title,
        bands=tuple(bands),
        upload_ticks=_ticks(upload_s),
        reference_ticks=_ticks(reference_s),
    )


def _stretch(start_s: float, end_s: float, length_s: float) -> tuple[float, float]:
    width = max(MIN_STRETCH, (end_s - start_s) / length_s * WIDTH)
    return round(min(start_s / length_s * WIDTH, WIDTH - width), 1), round(width, 1)


def _ticks(length_s: float) -> tuple[Tick, ...]:
    step_s = next((step for step in _STEPS_S if length_s / step <= _TICKS), 0)
    step_s = step_s or math.ceil(length_s / _TICKS / _STEPS_S[-1]) * _STEPS_S[-1]
    return tuple(
        Tick(x=round(at_s / length_s * WIDTH, 1), at_s=at_s)
        for at_s in range(0, math.ceil(length_s * 0.97), step_s)
    )
