"""The names that tie facts together, as types, so that mypy finds one used for another."""

from __future__ import annotations

import hashlib
from typing import Literal, NewType

AccountId = NewType("AccountId", str)
EventId = NewType("EventId", str)
AlertId = NewType("AlertId", str)
CampaignId = NewType("CampaignId", str)
ReferenceId = NewType("ReferenceId", str)
UploadId = NewType("UploadId", str)

Facet = NewType("Facet", str)
"""An attribute that accounts may share, as ``kind:value``: ``device:ab12``."""

Code = NewType("Code", str)
"""A signal's name, dotted from the general to the particular: ``velocity.device.24h``."""

Mode = Literal["live", "shadow", "off"]
"""``live`` counts; ``shadow`` is measured but counts for nothing; ``off`` is neither."""

Action = Literal["allow", "review", "hold"]

ACTIONS: tuple[Action, ...] = ("allow", "review", "hold")
"""Actions from the mildest to the strictest."""


def stricter(one: Action, other: Action) -> Action:
    """The stricter of two actions."""
    return max(one, other, key=ACTIONS.index)


def derived_id(prefix: str, *parts: str) -> str:
    """Name a thing after what it is about, so that the same thing gets the same name again.

    Returns:
        ``prefix-`` and 80 bits of the SHA-256 of the parts, in hex: among a million ids the
        chance of any two meeting by accident is below 1e-12.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{prefix}-{digest[:20]}"
