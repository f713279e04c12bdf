"""Works whose frames lie further apart than an upload's, as those of imported lists do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from media_screening.alignment.alignment import AlignmentRule, Segment, align
from media_screening.alignment.vote import Line
from media_screening.fingerprinting.fingerprint import Fingerprint


def align_either(
    upload: Fingerprint, reference: Fingerprint, lines: tuple[Line, ...], rule: AlignmentRule
) -> tuple[Segment, ...]:
    """Lay the sparser of the two over the denser, and tell it from the upload's side.

    Each frame of the one that is laid must find one of the other within reach: with a frame a
    second, as vPDQ takes them, most frames of an upload would find none.
    """
    if _step_s(reference) <= _step_s(upload) * _SPARSER:
        return align(upload, reference, lines, rule)
    turned = tuple(
        Line(offset_s=-line.offset_s / line.rate, rate=1.0 / line.rate) for line in lines
    )
    segments = (_turned(segment) for segment in align(reference, upload, turned, rule))
    return tuple(sorted(segments, key=lambda segment: segment.upload_start_s))


_SPARSER = 1.5


def _turned(segment: Segment) -> Segment:
    line = segment.line
    return replace(
        segment,
        upload_start_s=segment.reference_start_s,
        upload_end_s=segment.reference_end_s,
        reference_start_s=segment.upload_start_s,
        reference_end_s=segment.upload_end_s,
        line=Line(offset_s=-line.offset_s / line.rate, rate=1.0 / line.rate),
    )


def _step_s(fingerprint: Fingerprint) -> float:
    """What usually lies between two frames, in seconds."""
    steps = np.diff(fingerprint.times_s)
    return float(np.median(steps)) if len(steps) else 0.0
