"""What is to come of a match with a reference, and what is said against one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.ids import AccountId, Action, ReferenceId, UploadId

Side = Literal["picture", "sound"]
Evidence = Literal["picture", "sound", "either", "both"]

DisputeOutcome = Literal["open", "upheld", "rejected", "withdrawn"]
"""``upheld``: the objection was right, and matches of this upload with this work do not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchPolicy:
    """When a match with a reference counts, and for what. What is not set asks for nothing.

    Attributes:
        min_seconds: Least matched seconds of the upload, all its stretches together.
        min_upload_share: Least share of the upload that shows the work, 0 to 1.
        min_reference_share: Least share of the work that the upload shows, 0 to 1.
        evidence: What must match: the picture, the sound, either, or both.
        action: What is asked for; ``allow`` matches silently.
        territories: Country codes (ISO 3166-1 alpha-2) it holds for; empty for everywhere. Where
            the country of an upload is not known, it holds.
        allowed_accounts: The rights holder's own, and those it licensed.
    """

    min_seconds: float = 0.0
    min_upload_share: float = 0.0
    min_reference_share: float = 0.0
    evidence: Evidence = "either"
    action: Action = "hold"
    territories: tuple[str, ...] = ()
    allowed_accounts: tuple[AccountId, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """Somebody objects to what matches with a work led to.

    Attributes:
        upload_id: The upload that it is about; empty for the reference as a whole.
        outcome: ``open`` until somebody closes it.
    """

    id: int
    reference_id: ReferenceId
    upload_id: UploadId
    opened_at_ms: int
    opened_by: str
    reason: str
    outcome: DisputeOutcome = "open"
    closed_at_ms: int | None = None
    closed_by: str | None = None
    note: str = ""
