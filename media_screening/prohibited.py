"""Frames that show what a platform may not carry, found by a small model; for people to look at.

Off unless it is asked for. The model is that of the package nudenet, which is not among Doorstaff's
dependencies: its licence is the AGPL's. Whoever wants the check installs it:

    pip install 'doorstaff[prohibited]'
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from contracts.screening import ProhibitedHit
from media_screening import metrics
from media_screening.decoding.picture import Picture, read_pictures
from media_screening.decoding.probe import probe
from media_screening.errors import DecoderFailed, MediaScreeningError, OverLimit

_log = structlog.get_logger(__name__)

PACKAGE = "nudenet"
INSTALL = "pip install 'doorstaff[prohibited]'"
CLASSES = frozenset(
    {
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    }
)
"""Of the eighteen things that the model names, those that are for a person to judge. Faces, feet
and covered skin are not."""

MAX_HITS = 20
"""Of one upload, the surest; a person who has seen twenty has seen enough."""

Detector = Callable[[Picture], Sequence[dict[str, Any]]]
"""Names what a picture shows: dicts with ``class`` and ``score``, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProhibitedRule:
    """Which frames are looked at, and what of them is told.

    Attributes:
        every_s: Seconds between frames.
        min_score: How sure the model must be, 0 to 1.
    """

    every_s: float = 5.0
    min_score: float = 0.6


def is_installed() -> bool:
    """Tell whether the model's package is."""
    return importlib.util.find_spec(PACKAGE) is not None


def load_detector() -> Detector:
    """Load the model; about a second.

    Raises:
        DecoderFailed: Its package is not installed, or does not work here.
    """
    try:
        detector: Detector = importlib.import_module(PACKAGE).NudeDetector().detect
    except Exception as error:  # a package of others: it may fail in ways of its own
        reason = f"the package {PACKAGE} cannot be used: {type(error).__name__}"
        raise DecoderFailed(reason) from None
    return detector


class ProhibitedCheck:
    """Looks at a video's frames, one every few seconds."""

    def __init__(self, detector: Detector, *, rule: ProhibitedRule | None = None) -> None:
        self._detector = detector
        self._rule = rule or ProhibitedRule()

    def look(
        self,
        path: Path,
        *,
        timeout_seconds: float,
        wanted: Callable[[], None] = lambda: None,
    ) -> tuple[ProhibitedHit, ...]:
        """What was found, in the order of the video: of each frame and class the surest.

        Frames that cannot be decoded are no reason not to have screened the rest: that is counted
        and logged.

        Raises:
            TimeLimit: It took too long, or ``wanted`` says that nobody waits for it.
        """
        hits: list[ProhibitedHit] = []
        try:
            pictures = read_pictures(
                path,
                every_s=self._rule.every_s,
                stream=probe(path).video.index,
                timeout_seconds=timeout_seconds,
            )
            for number, picture in enumerate(pictures):
                wanted()
                found = self._detector(picture)
                hits += self._hits(found, at_s=number * self._rule.every_s)
        except (DecoderFailed, OverLimit) as error:
            self._failed(error)
        surest = sorted(hits, key=lambda hit: hit.score, reverse=True)[:MAX_HITS]
        return tuple(sorted(surest, key=lambda hit: (hit.at_s, hit.label)))

    def _hits(self, found: Iterable[dict[str, Any]], *, at_s: float) -> list[ProhibitedHit]:
        scores: dict[str, float] = {}
        for one in found:
            label, score = str(one["class"]), float(one["score"])
            if label in CLASSES and score >= self._rule.min_score:
                scores[label] = max(score, scores.get(label, 0.0))
        return [
            ProhibitedHit(label=label.lower(), score=round(score, 3), at_s=at_s)
            for label, score in scores.items()
        ]

    def _failed(self, error: MediaScreeningError) -> None:
        metrics.PROHIBITED_FAILURES.inc()
        _log.warning("not looked at for prohibited content", reason=error.reason)
