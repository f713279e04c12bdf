"""What screens uploads, put together as the settings say."""

from __future__ import annotations

from doorstaff.errors import ServiceUnavailable
from doorstaff.library import screening_limits
from doorstaff.settings import Settings
from media_screening.errors import DecoderFailed
from media_screening.prohibited import INSTALL, ProhibitedCheck, ProhibitedRule, load_detector
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Screener
from media_screening.sound.library import SoundLibrary
from media_screening.sound.listening import Listener
from media_screening.sound.reading import SPEEDS
from media_screening.sound.screening import SoundScreener


def make_screener(
    settings: Settings, library: ReferenceLibrary, sounds: SoundLibrary, *, decode_threads: int = 0
) -> Screener:
    """Holds files against what was loaded of both.

    Raises:
        ServiceUnavailable: What the settings ask for is not on this machine.
    """
    return Screener(
        library,
        limits=screening_limits(settings, decode_threads=decode_threads),
        listener=_listener(settings, sounds),
        prohibited=_prohibited_check(settings),
        digests=settings.media_keep_fingerprints,
    )


def _listener(settings: Settings, sounds: SoundLibrary) -> Listener | None:
    if settings.media_sound == "off":
        return None
    speeds = SPEEDS if settings.media_sound == "speeds" else ()
    return Listener(SoundScreener(sounds), speeds=speeds)


def _prohibited_check(settings: Settings) -> ProhibitedCheck | None:
    if not settings.media_prohibited:
        return None
    try:
        detector = load_detector()
    except DecoderFailed as error:
        message = f"DOORSTAFF_MEDIA_PROHIBITED: {error.reason}; {INSTALL}, or unset it"
        raise ServiceUnavailable(message) from None
    rule = ProhibitedRule(
        every_s=settings.media_prohibited_every_seconds,
        min_score=settings.media_prohibited_score,
    )
    return ProhibitedCheck(detector, rule=rule)
