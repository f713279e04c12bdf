"""Listening to a file: decode its sound, search for it, and hear it again where it was sped up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from contracts.screening import Match
from media_screening import metrics
from media_screening.errors import DecoderFailed, OverLimit, TimeLimit
from media_screening.sound.reading import SPEEDS, Sampling, Sound, read_sound
from media_screening.sound.screening import SoundMatch, SoundScreener
from media_screening.sound.sound_fingerprint import SoundFingerprint

_log = structlog.get_logger(__name__)

SAME_SPEED = 0.03
"""A sound whose length changed as its pitch did, within so much, was sped up as it is."""

EXACT_SECONDS = 40.0
"""How long a stretch must be for its slope to be nearer to its speed than the grid of speeds is."""

_ALL = Sampling(whole_until_s=math.inf)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What listening to one file came to.

    Attributes:
        matches: In the order of the upload, all of them by sound.
        fingerprint: Of all that was heard; None where there is no sound.
    """

    matches: tuple[Match, ...] = ()
    fingerprint: SoundFingerprint | None = None


class Listener:
    """Listens to uploads.

    Args:
        screener: Knows the references' sound.
        speeds: Other speeds to hear them at; none for their own alone.
    """

    def __init__(self, screener: SoundScreener, *, speeds: tuple[float, ...] = SPEEDS) -> None:
        self._screener = screener
        self._speeds = speeds

    def listen(
        self,
        path: Path,
        *,
        max_seconds: float,
        timeout_seconds: float,
        wanted: Callable[[], None] = lambda: None,
    ) -> Heard:
        """Find what of a file's sound is a reference's.

        Sound that cannot be decoded is no reason not to have screened the picture: it is counted,
        logged, and taken as none.

        Raises:
            TimeLimit: It took too long, or ``wanted`` says that nobody waits for it.
        """
        deadline = time.monotonic() + timeout_seconds

        def hear(speeds: tuple[float, ...], sampling: Sampling) -> Sound | None:
            left_seconds = deadline - time.monotonic()
            if left_seconds <= 0:
                raise TimeLimit
            return read_sound(
                path,
                max_seconds=max_seconds,
                timeout_seconds=left_seconds,
                speeds=speeds,
                sampling=sampling,
                wanted=wanted,
            )

        try:
            sound = hear(self._speeds, Sampling())
            if sound is None:
                return Heard()
            plain = sound.fingerprint.hearing()
            found = self._screener.match([plain, *sound.hearings])
            if speeds := _speeds_of(found):
                # What gave it away was a stretch now and then, at a speed nearby.
                again = hear(speeds, _ALL)
                hearings = (plain, *sound.hearings, *(again.hearings if again else ()))
                found = self._screener.match(hearings)
        except (DecoderFailed, OverLimit) as error:
            metrics.SOUND_FAILURES.inc()
            _log.warning("sound not listened to", reason=error.reason)
            return Heard()
        return Heard(
            matches=tuple(match.as_match() for match in found), fingerprint=sound.fingerprint
        )


def _speeds_of(found: Iterable[SoundMatch]) -> tuple[float, ...]:
    """The speeds, to a thousandth, of what was found at another than its own.

    A long stretch tells by its length to a fraction of a percent how much it was sped up, if its
    pitch went the same way; a short one does not tell it better than the speed it was found at.
    """
    speeds = set()
    for segment in (match.segment for match in found):
        if segment.speed != 1.0:
            lasts_s = segment.upload_end_s - segment.upload_start_s
            sped_up = abs(segment.line.rate / segment.speed - 1) <= SAME_SPEED
            exact = sped_up and lasts_s >= EXACT_SECONDS
            speeds.add(round(segment.line.rate, 3) if exact else segment.speed)
    return tuple(sorted(speeds))
