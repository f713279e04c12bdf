"""The dense stage: where something points at a reference, the upload is decoded and compared."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.screening import Match
from media_screening.alignment.lead import Trail
from media_screening.alignment.likeness import likeness_of, warp
from media_screening.alignment.overlay import OverlayRule, Stretch, lay_over
from media_screening.alignment.registration import MAX_PAIRS, refine_view
from media_screening.alignment.view import View
from media_screening.errors import CutOff, DecoderFailed
from media_screening.fingerprinting.reference_sketch import Sketches
from media_screening.reading import UPLOAD_FRAMES_PER_SECOND, UploadReading, VideoFile
from media_screening.reference import LoadedReference, ReferenceLibrary

DENSE_PIXELS = 240
"""The longer side of dense pictures: they are compared when they are smaller than that."""

MARGIN_SECONDS = 4.0
"""Looked at before the first and after the last picture that points at a reference."""

MAX_SPAN_SECONDS = 240.0
OVERLAP_SECONDS = 4.0
"""Longer stretches are looked at in spans, of which each begins before the last ends."""

WHOLE_REFERENCE_SECONDS = 900.0
"""Of longer references only what is near the leads is compared."""

MAX_VIEWS = 16
"""Views that are looked through in one span."""

MIN_TRAIL_WEIGHT = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A match, and what carries it.

    Attributes:
        view: Where in the upload's picture the reference's is.
    """

    match: Match
    stretch: Stretch
    view: View


@dataclass(frozen=True, kw_only=True, eq=False)
class _Span:
    """Pictures of a stretch of the upload, dense."""

    start_s: float
    end_s: float
    times_s: NDArray[np.float64]
    pictures: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Look:
    """A trail, and the reference it leads to."""

    trail: Trail
    reference: LoadedReference
    sketches: Sketches


def trace(
    video: VideoFile,
    reading: UploadReading,
    trails: Iterable[Trail],
    library: ReferenceLibrary,
    rule: OverlayRule,
) -> tuple[list[Found], int]:
    """Follow trails to stretches, in the order of the upload.

    Returns:
        What was found, and how many pictures were decoded for it.
    """
    looks = [
        _Look(trail=trail, reference=reference, sketches=reference.sketches)
        for trail in trails
        if trail.weight >= MIN_TRAIL_WEIGHT
        and (reference := library.get(trail.reference_id)) is not None
        and reference.sketches is not None
    ]
    end_s = reading.fingerprint.duration_s
    found: list[Found] = []
    decoded = 0
    for wanted in spans([look.trail for look in looks], reading.times_s, end_s):
        in_span, pictures = _trace_span(video, wanted, looks, library, rule, end_s=end_s)
        found += in_span
        decoded += pictures
    return _settled(found), decoded


def _trace_span(
    video: VideoFile,
    wanted: tuple[float, float],
    looks: list[_Look],
    library: ReferenceLibrary,
    rule: OverlayRule,
    *,
    end_s: float,
) -> tuple[list[Found], int]:
    """What is found in a span, which is widened as long as a stretch reaches to its edge."""
    decoded = 0
    while True:
        here = [look for look in looks if look.trail.leads_between(*wanted)]
        span = _read_span(video, *wanted)
        decoded += len(span.times_s)
        found = [one for look in here[:MAX_VIEWS] for one in _stretches(look, span, library, rule)]
        wider = _widened(wanted, found, end_s)
        if wider == wanted:
            return found, decoded
        wanted = wider


def _widened(span: tuple[float, float], found: list[Found], end_s: float) -> tuple[float, float]:
    """A span and what lies before or behind it, where a stretch reaches to its edge."""
    start_s, until_s = span
    if until_s - start_s >= MAX_SPAN_SECONDS:
        return span
    more_s = max(_MIN_WIDENING_SECONDS, (until_s - start_s) / 2)
    first_s = min((one.stretch.upload_start_s for one in found), default=until_s)
    last_s = max((one.stretch.upload_end_s for one in found), default=start_s)
    if start_s > 0.0 and first_s <= start_s + _EDGE_SECONDS:
        start_s = max(0.0, start_s - more_s)
    if until_s < end_s and last_s >= until_s - _EDGE_SECONDS:
        until_s = min(end_s, until_s + more_s)
    return start_s, until_s


_EDGE_SECONDS = 0.8
_MIN_WIDENING_SECONDS = 8.0


def spans(
    trails: list[Trail], times_s: NDArray[np.float64], end_s: float
) -> list[tuple[float, float]]:
    """The seconds of an upload that are worth decoding: around leads, to the next picture seen."""
    wanted: list[tuple[float, float]] = []
    for at_s in sorted({lead.upload_s for trail in trails for lead in trail.leads}):
        row = int(np.searchsorted(times_s, at_s))
        before = times_s[row - 1] if row else 0.0
        after = times_s[row + 1] if row + 1 < len(times_s) else end_s
        start_s = max(0.0, min(float(before), at_s - MARGIN_SECONDS))
        until_s = min(end_s, max(float(after), at_s + MARGIN_SECONDS))
        if wanted and start_s <= wanted[-1][1] + 1.0:
            wanted[-1] = (wanted[-1][0], max(until_s, wanted[-1][1]))
        else:
            wanted.append((start_s, until_s))
    parted: list[tuple[float, float]] = []
    for start_s, until_s in wanted:
        at_s = start_s
        while until_s - at_s > MAX_SPAN_SECONDS:
            parted.append((at_s, at_s + MAX_SPAN_SECONDS))
            at_s += MAX_SPAN_SECONDS - OVERLAP_SECONDS
        parted.append((at_s, until_s))
    return parted


def _read_span(video: VideoFile, start_s: float, end_s: float) -> _Span:
    times: list[NDArray[np.float64]] = [np.empty(0)]
    width, height = video.size(DENSE_PIXELS)
    pictures: list[NDArray[np.uint8]] = [np.empty((0, height, width), np.uint8)]
    # What is wrong with the file has been said of the whole; what there is of it is looked at.
    with suppress(CutOff, DecoderFailed):
        for batch in video.read(
            frames_per_second=UPLOAD_FRAMES_PER_SECOND,
            start_s=start_s,
            end_s=end_s,
            pixels=DENSE_PIXELS,
        ):
            times.append(batch.times_s)
            pictures.append(batch.pixels)
    return _Span(
        start_s=start_s,
        end_s=end_s,
        times_s=np.concatenate(times),
        pictures=np.concatenate(pictures),
    )


def _stretches(
    look: _Look, span: _Span, library: ReferenceLibrary, rule: OverlayRule
) -> list[Found]:
    """The stretches that one trail leads to.

    Its view is moved to where the leads fit best first, and then to where what it showed does.
    """
    if not len(span.times_s):
        return []
    view = _refined(look, span, look.trail.view, _paired_leads(look, span))
    found = _laid_over(look, span, view, rule)
    if found:
        pairs = np.concatenate([stretch.pairs for stretch in found])
        better = _refined(look, span, view, pairs)
        if better is not view:
            view, found = better, _laid_over(look, span, better, rule) or found
    return [
        Found(match=_match(look.reference, stretch), stretch=stretch, view=view)
        for stretch in found
        if library.tells(look.reference.reference_id, stretch.pairs[:, 1]) >= rule.min_distinct
    ]


def _laid_over(look: _Look, span: _Span, view: View, rule: OverlayRule) -> list[Stretch]:
    overlay = lay_over(
        likeness=likeness_of(view),
        times_s=span.times_s,
        pictures=np.array([warp(picture, view) for picture in span.pictures]),
        reference=look.sketches,
        between_s=_between(look, span),
        end_s=span.end_s,
        reference_end_s=look.reference.fingerprint.duration_s,
    )
    return overlay.stretches(rule) if overlay is not None else []


def _refined(look: _Look, span: _Span, view: View, pairs: NDArray[np.float64]) -> View:
    """The view moved to where these pairs of times, shape (n, 2), fit best."""
    if not len(pairs):
        return view
    ours = _nearest(span.times_s, pairs[:, 0])
    theirs = _nearest(look.sketches.times_s, pairs[:, 1])
    refined, _ = refine_view(span.pictures[ours], look.sketches.pixels[theirs], view)
    return refined


def _paired_leads(look: _Look, span: _Span) -> NDArray[np.float64]:
    """Times of what the leads point from and to; to the moment near there that looks most alike."""
    likeness = likeness_of(look.trail.view)
    leads = sorted(
        look.trail.leads_between(span.start_s, span.end_s), key=lambda lead: -lead.weight
    )[:MAX_PAIRS]
    pairs = []
    for lead in leads:
        row = int(_nearest(span.times_s, np.array([lead.upload_s]))[0])
        near = slice(
            *np.searchsorted(
                look.sketches.times_s, (lead.reference_s - _NEAR_S, lead.reference_s + _NEAR_S)
            )
        )
        theirs, _ = likeness.normalise(look.sketches.pixels[near])
        if not theirs.size:
            continue
        ours, _ = likeness.normalise(warp(span.pictures[row], look.trail.view)[None])
        best = int((theirs @ ours[0]).argmax())
        pairs.append((span.times_s[row], look.sketches.times_s[near][best]))
    return np.array(pairs).reshape(-1, 2)


_NEAR_S = 1.0


def _nearest(times_s: NDArray[np.float64], wanted_s: NDArray[np.float64]) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = np.abs(times_s[None] - wanted_s[:, None]).argmin(axis=1)
    return rows


def _between(look: _Look, span: _Span) -> tuple[float, float]:
    """The part of the reference that the leads allow, whatever the speed."""
    whole_s = look.reference.fingerprint.duration_s
    if whole_s <= WHOLE_REFERENCE_SECONDS:
        return 0.0, whole_s + 1.0
    leads = look.trail.leads_between(span.start_s, span.end_s)
    start_s = min(lead.reference_s - _FAST * (lead.upload_s - span.start_s) for lead in leads)
    end_s = max(lead.reference_s + _FAST * (span.end_s - lead.upload_s) for lead in leads)
    return start_s - MARGIN_SECONDS, end_s + MARGIN_SECONDS


_FAST = 1.35


def _match(reference: LoadedReference, stretch: Stretch) -> Match:
    return Match(
        reference_id=reference.reference_id,
        title=reference.title,
        score=round(stretch.score, 3),
        upload_start_s=round(stretch.upload_start_s, 2),
        upload_end_s=round(stretch.upload_end_s, 2),
        reference_start_s=round(stretch.reference_start_s, 2),
        reference_end_s=round(stretch.reference_end_s, 2),
    )


def _settled(found: list[Found]) -> list[Found]:
    """Of stretches of one reference that claim the same seconds, the one that fits best stands."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one.stretch.gain):
        if not any(_claims(other, one) for other in kept):
            kept.append(one)
    kept.sort(key=lambda one: (one.match.reference_id, one.match.upload_start_s))
    joined: list[Found] = []
    for one in kept:
        if joined and _goes_on(joined[-1], one):
            joined[-1] = _joined(joined[-1], one)
        else:
            joined.append(one)
    return sorted(joined, key=lambda one: (one.match.upload_start_s, one.match.reference_id))


def _claims(kept: Found, other: Found) -> bool:
    """Whether most of the other's seconds are taken by one that is kept."""
    if kept.match.reference_id != other.match.reference_id:
        return False
    left, right = kept.stretch, other.stretch
    common_s = min(left.upload_end_s, right.upload_end_s) - max(
        left.upload_start_s, right.upload_start_s
    )
    return common_s > _CLAIMED * (right.upload_end_s - right.upload_start_s)


_CLAIMED = 0.5


def _goes_on(last: Found, one: Found) -> bool:
    if last.match.reference_id != one.match.reference_id:
        return False
    pause_s = one.stretch.upload_start_s - last.stretch.upload_end_s
    drift_s = (one.stretch.reference_start_s - last.stretch.reference_end_s) - (
        pause_s * (last.stretch.line.rate + one.stretch.line.rate) / 2
    )
    return pause_s <= _MAX_PAUSE_SECONDS and abs(drift_s) <= _MAX_DRIFT_SECONDS


_MAX_PAUSE_SECONDS = 2.0
_MAX_DRIFT_SECONDS = 0.75


def _joined(last: Found, one: Found) -> Found:
    left, right = last.stretch, one.stretch
    agreeing = left.agreeing + right.agreeing
    stretch = replace(
        left,
        upload_end_s=max(left.upload_end_s, right.upload_end_s),
        reference_end_s=max(left.reference_end_s, right.reference_end_s),
        score=max(left.score, right.score),
        share=agreeing / (left.agreeing / left.share + right.agreeing / right.share),
        likeness=(left.likeness * left.agreeing + right.likeness * right.agreeing) / agreeing,
        together=(left.together * left.agreeing + right.together * right.agreeing) / agreeing,
        agreeing=agreeing,
        distinct=max(left.distinct, right.distinct),
        pairs=np.concatenate([left.pairs, right.pairs]),
        gain=left.gain + right.gain,
    )
    match = replace(
        last.match,
        score=round(stretch.score, 3),
        upload_end_s=round(stretch.upload_end_s, 2),
        reference_end_s=round(stretch.reference_end_s, 2),
    )
    return Found(match=match, stretch=stretch, view=last.view)
