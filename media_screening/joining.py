"""What the picture says and what the sound says, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from contracts.screening import Match

MIN_SHARED = 0.5
"""Share of the shorter stretch that both must claim to be about the same seconds."""

MAX_APART_S = 1.5
"""How far apart the seconds of the reference may be that the two name for one of the upload."""

OUTLASTS_S = 2.0
"""Pictures tell a cut to a fraction of a second, sound to half of one: where the sound goes on for
longer than this, the picture was lost; up to it, the picture's word is taken."""


def join_matches(
    seen: Iterable[Match], heard: Iterable[Match], *, confirms: Callable[[Match], bool]
) -> tuple[Match, ...]:
    """One match for each stretch, with what it was found by, in the order of the upload.

    Args:
        seen: Matches by the picture.
        heard: Matches by sound.
        confirms: Asked of a match by sound alone: whether the picture says so too, told where to
            look.
    """
    joined = list(seen)
    for match in heard:
        same = [number for number, other in enumerate(joined) if _is_same(other, match)]
        for number in same:
            joined[number] = _both(joined[number], match)
        if not same:
            joined.append(replace(match, by="both") if confirms(match) else match)
    return tuple(sorted(joined, key=lambda match: (match.upload_start_s, match.reference_id)))


def _is_same(seen: Match, heard: Match) -> bool:
    if seen.reference_id != heard.reference_id:
        return False
    start_s = max(seen.upload_start_s, heard.upload_start_s)
    shared_s = min(seen.upload_end_s, heard.upload_end_s) - start_s
    shorter_s = min(_length_s(seen), _length_s(heard))
    apart_s = _reference_s(seen, start_s) - _reference_s(heard, start_s)
    return shared_s >= MIN_SHARED * shorter_s and abs(apart_s) <= MAX_APART_S


def _both(seen: Match, heard: Match) -> Match:
    starts = seen if seen.upload_start_s - heard.upload_start_s <= OUTLASTS_S else heard
    ends = seen if heard.upload_end_s - seen.upload_end_s <= OUTLASTS_S else heard
    return replace(
        seen,
        by="both",
        score=round(1 - (1 - seen.score) * (1 - heard.score), 3),
        upload_start_s=starts.upload_start_s,
        reference_start_s=starts.reference_start_s,
        upload_end_s=ends.upload_end_s,
        reference_end_s=ends.reference_end_s,
    )


def _length_s(match: Match) -> float:
    return match.upload_end_s - match.upload_start_s


def _reference_s(match: Match, upload_s: float) -> float:
    """Where in the reference a second of the upload falls, by what a match says."""
    length_s = _length_s(match)
    rate = (match.reference_end_s - match.reference_start_s) / length_s if length_s > 0 else 1.0
    return match.reference_start_s + rate * (upload_s - match.upload_start_s)
