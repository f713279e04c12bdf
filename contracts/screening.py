"""What travels between the streams and the media workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.ids import AccountId, Action, EventId, ReferenceId, UploadId

ScreeningStatus = Literal["clean", "match", "rejected", "error"]
"""``rejected``: this is not a video that can be screened; ``error``: it could not be tried."""


MatchedBy = Literal["picture", "sound", "both"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A stretch of an upload that is a stretch of a reference. Times in seconds from the start.

    Attributes:
        score: 0 to 1. By the picture or by sound, how probable the match is; by both, how probable
            it is that not both are wrong.
        by: What matches: the picture, the sound, or both at the same seconds.
    """

    reference_id: ReferenceId
    title: str
    score: float
    upload_start_s: float
    upload_end_s: float
    reference_start_s: float
    reference_end_s: float
    by: MatchedBy = "picture"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProhibitedHit:
    """A frame that may show what the platform may not carry, for a person to judge.

    Attributes:
        label: What a model takes it for.
        score: How sure it is, 0 to 1.
        at_s: When in the upload, in seconds.
    """

    label: str
    score: float
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreeningJob:
    """One upload to be screened: what lies on the screening queue."""

    event_id: EventId
    account_id: AccountId
    upload_id: UploadId
    occurred_at: datetime
    uri: str
    title: str = ""
    sha256: str | None = None
    country: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Screening:
    """What came of a job; travels on the screenings topic, keyed by account.

    Attributes:
        action: What the policies of the matched works ask for, the strictest of them.
        retroactive: Whether the upload was screened before, and now matches a work that was added
            since.
    """

    event_id: EventId
    account_id: AccountId
    upload_id: UploadId
    occurred_at: datetime
    status: ScreeningStatus
    title: str = ""
    reason: str = ""
    duration_s: float = 0.0
    elapsed_s: float = 0.0
    matches: tuple[Match, ...] = ()
    action: Action = "hold"
    retroactive: bool = False
    prohibited: tuple[ProhibitedHit, ...] = ()
