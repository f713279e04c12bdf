"""What can go wrong at the front door.

DoorstaffError
├── InvalidSettings      a setting that cannot be used
├── ServiceUnavailable   an embedded or configured service that does not answer
└── AlreadyRunning       another process uses this DOORSTAFF_HOME
"""

from __future__ import annotations

from typing import Self

from pydantic import ValidationError


class DoorstaffError(Exception):
    """Doorstaff cannot go on; the message says what would mend it."""


class InvalidSettings(DoorstaffError):  # noqa: N818 -- named for what is wrong
    """A setting cannot be used."""

    @classmethod
    def of(cls, error: ValidationError) -> Self:
        """Name each bad setting, what it was (unless it is secret), and what would do."""
        lines = []
        for problem in error.errors(include_url=False):
            name = str(problem["loc"][0]) if problem["loc"] else "settings"
            name = name if name == "DATABASE_URL" else f"DOORSTAFF_{name.upper()}"
            secret = any(word in name for word in ("SECRET", "URL"))
            given = "" if secret else f" (it was {problem['input']!r})"
            lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}{given}")
        return cls("\n".join(lines))


class ServiceUnavailable(DoorstaffError):  # noqa: N818 -- named for what is wrong
    """A service does not answer."""


class AlreadyRunning(DoorstaffError):  # noqa: N818 -- named for what is wrong
    """Another process uses this DOORSTAFF_HOME."""
