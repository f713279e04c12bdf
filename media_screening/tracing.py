"""The dense stage: where something points at a reference, the upload is decoded and laid over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from contracts.screening import Match
from media_screening.errors import CutOff, DecoderFailed
from media_screening.lead import Trail
from media_screening.likeness import Floats, likeness_of, warp
from media_screening.overlay import OverlayRule, Stretch, lay_over
from media_screening.reading import UPLOAD_FRAMES_PER_SECOND, UploadReading, VideoFile
from media_screening.reference import LoadedReference, ReferenceLibrary
from media_screening.view import View

MARGIN_SECONDS = 4.0
"""Looked at before the first and after the last picture that points at a reference."""

MAX_SPAN_SECONDS = 240.0
OVERLAP_SECONDS = 4.0
"""Longer stretches of an upload are laid over in spans, of which each begins before the last ends."""

WHOLE_REFERENCE_SECONDS = 900.0
"""Of longer references only what is near the leads is compared."""

MAX_VIEWS = 16
"""Views that are looked through in one span."""

MIN_TRAIL_WEIGHT = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A match, and what carries it.

    Attributes:
        pairs: Times of the upload and of the reference of pictures that agree.
        view: Where in the upload's picture the reference's is.
    """

    match: Match
    stretch: Stretch
    view: View


@dataclass(kw_only=True, eq=False)
class _Look:
    """What is seen of an upload through one view."""

    trail: Trail
    reference: LoadedReference
    times: list[float] = field(default_factory=list)
    pictures: list[Floats] = field(default_factory=list)


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
        (trail, reference)
        for trail in trails
        if trail.weight >= MIN_TRAIL_WEIGHT
        and (reference := library.get(trail.reference_id)) is not None
        and reference.sketches is not None
    ]
    end_s = reading.fingerprint.duration_s
    found: list[tuple[Found, float]] = []
    decoded = 0
    for start_s, until_s in spans([trail for trail, _ in looks], reading.times_s, end_s):
        here = [
            _Look(trail=trail, reference=reference)
            for trail, reference in looks
            if any(start_s <= lead.upload_s <= until_s for lead in trail.leads)
        ][:MAX_VIEWS]
        decoded += _look(video, here, start_s, until_s)
        for look in here:
            found += [(one, one.stretch.gain) for one in _stretches(look, rule, until_s)]
    return _settled([one for one, _ in found]), decoded


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


def _look(video: VideoFile, looks: list[_Look], start_s: float, until_s: float) -> int:
    decoded = 0
    try:
        for batch in video.read(
            frames_per_second=UPLOAD_FRAMES_PER_SECOND, start_s=start_s, end_s=until_s
        ):
            decoded += len(batch.times_s)
            for at_s, picture in zip(batch.times_s.tolist(), batch.pixels, strict=True):
                for look in looks:
                    look.times.append(at_s)
                    look.pictures.append(warp(picture, look.trail.view))
    except (CutOff, DecoderFailed):
        pass  # said of the whole file already; what there is of this span is looked at
    return decoded


def _stretches(look: _Look, rule: OverlayRule, until_s: float) -> list[Found]:
    reference = look.reference
    assert reference.sketches is not None
    if not look.times:
        return []
    overlay = lay_over(
        likeness=likeness_of(look.trail.view),
        times_s=np.array(look.times),
        pictures=np.array(look.pictures),
        reference=reference.sketches,
        between_s=_between(look),
        end_s=until_s,
        reference_end_s=reference.fingerprint.duration_s,
    )
    if overlay is None:
        return []
    return [
        Found(match=_match(reference, stretch), stretch=stretch, view=look.trail.view)
        for stretch in overlay.stretches(rule)
    ]


def _between(look: _Look) -> tuple[float, float]:
    """The part of the reference that the leads allow, whatever the speed."""
    whole_s = look.reference.fingerprint.duration_s
    if whole_s <= WHOLE_REFERENCE_SECONDS:
        return 0.0, whole_s + 1.0
    first_s, last_s = look.times[0], look.times[-1]
    inside = [lead for lead in look.trail.leads if first_s <= lead.upload_s <= last_s]
    start_s = min(lead.reference_s - _FAST * (lead.upload_s - first_s) for lead in inside)
    end_s = max(lead.reference_s + _FAST * (last_s - lead.upload_s) for lead in inside)
    return start_s - MARGIN_SECONDS, end_s + MARGIN_SECONDS


_FAST = 1.35


def _match(reference: LoadedReference, stretch: Stretch) -> Match:
    return Match(
        reference_id=reference.reference_id,
        title=reference.title,
        score=round(stretch.share, 3),
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
        share=agreeing / (left.agreeing / left.share + right.agreeing / right.share),
        likeness=(left.likeness * left.agreeing + right.likeness * right.agreeing) / agreeing,
        agreeing=agreeing,
        distinct=max(left.distinct, right.distinct),
        pairs=left.pairs + right.pairs,
        gain=left.gain + right.gain,
    )
    match = replace(
        last.match,
        score=round(stretch.share, 3),
        upload_end_s=round(stretch.upload_end_s, 2),
        reference_end_s=round(stretch.reference_end_s, 2),
    )
    return Found(match=match, stretch=stretch, view=last.view)
