"""Times and lengths as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def exact(at: datetime) -> str:
    """A time to the second, in UTC: ``22 Nov 2026, 18:40:07 UTC``."""
    return f"{_date(at)}, {at.astimezone(UTC):%H:%M:%S} UTC"


def ago(at: datetime, *, now: datetime) -> str:
    """How long ago, for a glance; a date when it is more than a day, or in the future."""
    seconds = (now - at) / timedelta(seconds=1)
    if seconds < 0 or seconds >= _DAY:
        return exact(at).removesuffix(" UTC")[:-3]
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min ago"
    return f"{seconds / _HOUR:.0f} h ago"


def offset(seconds: float) -> str:
    """A place in a video: ``0:07``, ``12:30``, ``1:02:03``."""
    whole = max(0, int(seconds + 0.5))
    hours, minutes = divmod(whole // _MINUTE, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{whole % _MINUTE:02d}"
    return f"{minutes}:{whole % _MINUTE:02d}"


def length(seconds: float) -> str:
    """How long something lasts: ``10 s``, ``12 min 30 s``."""
    whole = max(0, int(seconds + 0.5))
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    hours, rest = divmod(whole, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    parts = ((hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _date(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"
