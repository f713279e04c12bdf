"""From the sound of an upload to the stretches of references that it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from contracts.ids import ReferenceId
from contracts.screening import Match
from media_screening.sound.alignment import SoundRule, SoundSegment, SoundTable, score_of
from media_screening.sound.index import MAX_FLIPS
from media_screening.sound.library import SoundLibrary
from media_screening.sound.sound_fingerprint import Hearing
from media_screening.sound.vote import Proposal, propose

FLIPS_UP_TO_VALUES = ((3_000_000, MAX_FLIPS), (120_000_000, 1))
"""How many values may be indexed for so many flips to be looked for: about 100 hours of references,
and 4,000. Beyond, values must be equal."""

ROUGH_BIT_ERROR_RATE = 0.40
"""What a line must come under, over its best five seconds, to be followed."""

MAX_COMMON_REFERENCES = 3
"""Sound that more references share is a bed, a jingle, a library effect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundMatch:
    """A stretch of an upload's sound that is a stretch of a reference's."""

    reference_id: ReferenceId
    title: str
    segment: SoundSegment

    def as_match(self) -> Match:
        """As it travels."""
        segment = self.segment
        return Match(
            reference_id=self.reference_id,
            title=self.title,
            score=round(segment.score, 3),
            upload_start_s=round(segment.upload_start_s, 2),
            upload_end_s=round(segment.upload_end_s, 2),
            reference_start_s=round(segment.reference_start_s, 2),
            reference_end_s=round(segment.reference_end_s, 2),
            by="sound",
        )


class SoundScreener:
    """Holds sounds against a library."""

    def __init__(self, library: SoundLibrary, *, rule: SoundRule | None = None) -> None:
        self._library = library
        self._rule = rule or SoundRule()

    def match(self, hearings: Iterable[Hearing]) -> tuple[SoundMatch, ...]:
        """Find the stretches that are a reference's, in the order of the upload.

        Of stretches of one reference that claim the same seconds, the one of the highest score
        stands. Seconds that more than ``MAX_COMMON_REFERENCES`` references claim count for none.
        """
        found: dict[ReferenceId, list[SoundSegment]] = {}
        for hearing in hearings:
            for reference_id, segment in self._segments(hearing):
                found.setdefault(reference_id, []).append(segment)
        standing = {
            reference_id: _standing(segments, self._rule)
            for reference_id, segments in found.items()
        }
        matches = [
            SoundMatch(reference_id=reference_id, title=loaded.title, segment=segment)
            for reference_id, segments in _uncommon(standing, self._rule).items()
            if (loaded := self._library.get(reference_id))
            for segment in segments
        ]
        return tuple(
            sorted(matches, key=lambda one: (one.segment.upload_start_s, one.reference_id))
        )

    def _segments(self, hearing: Hearing) -> list[tuple[ReferenceId, SoundSegment]]:
        """Each line that is worth following, followed, unless a stretch found covers it."""
        rows = np.flatnonzero(hearing.telling)
        hits = self._library.index.search(hearing.values[rows], max_flips=self._flips(hearing))
        hits = replace(hits, query=rows[hits.query])
        tables: dict[ReferenceId, SoundTable] = {}
        rough: list[tuple[float, Proposal]] = []
        for proposal in propose(hearing, hits):
            reference_id = proposal.reference_id
            if reference_id not in tables:
                loaded = self._library.get(reference_id)
                if loaded is None:
                    continue
                tables[reference_id] = SoundTable(hearing, loaded.hearing, self._rule)
            rate = tables[reference_id].rough_rate(proposal.line, proposal.start_s, proposal.end_s)
            if rate <= ROUGH_BIT_ERROR_RATE:
                rough.append((rate, proposal))
        found: list[tuple[ReferenceId, SoundSegment]] = []
        for _, proposal in sorted(rough, key=lambda one: one[0]):
            if any(_covers(one, proposal) for one in found):
                continue
            segment = tables[proposal.reference_id].follow(
                proposal.line, proposal.start_s, proposal.end_s
            )
            if segment is not None and _is_match(segment, self._rule):
                found.append((proposal.reference_id, segment))
        return found

    def _flips(self, hearing: Hearing) -> int:
        size = len(self._library.index)
        flips = next((flips for most, flips in FLIPS_UP_TO_VALUES if size <= most), 0)
        # At other speeds there are twenty times as many values to look for.
        return flips if hearing.speed == 1.0 else min(flips, 1)


def _is_match(segment: SoundSegment, rule: SoundRule) -> bool:
    lasts_s = segment.upload_end_s - segment.upload_start_s
    return lasts_s >= rule.min_seconds and segment.score >= rule.min_score


def _covers(found: tuple[ReferenceId, SoundSegment], proposal: Proposal) -> bool:
    reference_id, segment = found
    middle_s = (proposal.start_s + proposal.end_s) / 2
    ends = np.array([max(proposal.start_s, segment.upload_start_s), middle_s])
    apart = np.abs(segment.line.reference_s(ends) - proposal.line.reference_s(ends))
    return (
        reference_id == proposal.reference_id
        and segment.upload_start_s <= proposal.end_s
        and segment.upload_end_s >= proposal.start_s
        and bool(apart.min() < 1.5)  # noqa: PLR2004 -- seconds: a bin and what slopes differ by
    )


def _standing(segments: list[SoundSegment], rule: SoundRule) -> list[SoundSegment]:
    """Of those that overlap the best, those that go on joined; in the order of the upload."""
    kept: list[SoundSegment] = []
    for segment in sorted(
        segments, key=lambda one: (-one.score, -one.telling_s, one.bit_error_rate)
    ):
        if all(_overlap_s(segment, other) < 0.3 * _length_s(segment) for other in kept):
            kept.append(segment)
    kept.sort(key=lambda one: one.upload_start_s)
    joined: list[SoundSegment] = []
    for segment in kept:
        last = joined[-1] if joined else None
        if last is not None and _goes_on(last, segment, rule):
            joined[-1] = _joined(last, segment)
        else:
            joined.append(segment)
    return joined


def _goes_on(last: SoundSegment, segment: SoundSegment, rule: SoundRule) -> bool:
    pause_s = segment.upload_start_s - last.upload_end_s
    foreseen_s = float(last.line.reference_s(np.array([segment.upload_start_s]))[0])
    return (
        pause_s <= rule.merge_pause_s and abs(foreseen_s - segment.reference_start_s) <= 0.5  # noqa: PLR2004 -- four values
    )


def _joined(last: SoundSegment, segment: SoundSegment) -> SoundSegment:
    telling_s = last.telling_s + segment.telling_s
    rate = (
        last.bit_error_rate * last.telling_s + segment.bit_error_rate * segment.telling_s
    ) / telling_s
    return replace(
        last,
        upload_end_s=max(last.upload_end_s, segment.upload_end_s),
        reference_end_s=max(last.reference_end_s, segment.reference_end_s),
        bit_error_rate=rate,
        telling_s=telling_s,
        score=score_of(rate, telling_s),
    )


def _uncommon(
    standing: dict[ReferenceId, list[SoundSegment]], rule: SoundRule
) -> dict[ReferenceId, list[SoundSegment]]:
    """Let the seconds that many references share count for none, and see what is left."""
    if len(standing) <= MAX_COMMON_REFERENCES:
        return standing
    claims: Counter[int] = Counter()
    for segments in standing.values():
        claims.update({second for segment in segments for second in _seconds(segment)})
    left: dict[ReferenceId, list[SoundSegment]] = {}
    for reference_id, segments in standing.items():
        for segment in segments:
            seconds = _seconds(segment)
            own = sum(claims[second] <= MAX_COMMON_REFERENCES for second in seconds)
            telling_s = segment.telling_s * own / len(seconds)
            weighed = replace(segment, score=score_of(segment.bit_error_rate, telling_s))
            if own >= rule.min_seconds and weighed.score >= rule.min_score:
                left.setdefault(reference_id, []).append(weighed)
    return left


def _seconds(segment: SoundSegment) -> range:
    start = int(segment.upload_start_s)
    return range(start, max(start + 1, int(segment.upload_end_s)))


def _overlap_s(one: SoundSegment, other: SoundSegment) -> float:
    return min(one.upload_end_s, other.upload_end_s) - max(one.upload_start_s, other.upload_start_s)


def _length_s(segment: SoundSegment) -> float:
    return segment.upload_end_s - segment.upload_start_s
