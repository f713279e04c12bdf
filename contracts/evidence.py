"""What pictures beside a match show."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.ids import AlertId, ReferenceId, UploadId, derived_id


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidencePair:
    """A frame of an upload beside the frame of a reference that it is said to be.

    Attributes:
        upload_s: When in the upload, in seconds.
        reference_s: When in the reference.
        has_reference: Whether its picture is there; of an imported reference there is none.
    """

    reference_id: ReferenceId
    title: str
    upload_s: float
    reference_s: float
    has_reference: bool


def media_alert_id(upload_id: UploadId) -> AlertId:
    """Name the alert on an upload after it; its pictures go by the same name."""
    return AlertId(derived_id("media", upload_id))
