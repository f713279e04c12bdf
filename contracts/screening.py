"""What travels between the streams and the media workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.ids import AccountId, EventId, ReferenceId, UploadId

ScreeningStatus = Literal["clean", "match", "rejected", "error"]
"""``rejected``: this is not a video that can be screened; ``error``: it could not be tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A stretch of an upload that is a stretch of a reference. Times in seconds from the start.

    Attributes:
        score: 0 to 1, how likely it is that the one is the other; by hashes alone, the share
            of its frames that agree.
    """

    reference_id: ReferenceId
    title: str
    score: float
    upload_start_s: float
    upload_end_s: float
    reference_start_s: float
    reference_end_s: float


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Screening:
    """What came of a job; travels on the screenings topic, keyed by account."""

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
