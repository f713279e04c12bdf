"""An outcome as the policies of the works in it have it."""

from __future__ import annotations

from dataclasses import replace

from contracts.ids import AccountId, UploadId
from contracts.screening import ScreeningStatus
from media_screening.policy import PolicyCase, apply_policies
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome


def judged(
    outcome: Outcome,
    library: ReferenceLibrary,
    *,
    account_id: AccountId | None = None,
    upload_id: UploadId | None = None,
    country: str = "",
) -> Outcome:
    """Leave out matches that do not count, and say what the others ask for.

    Where none counts, the upload is clean, or rejected if it is cut off; the reason says what was
    let pass, and why.
    """
    if outcome.status != "match":
        return outcome
    names = {match.reference_id for match in outcome.matches}
    ruling = apply_policies(
        outcome.matches,
        works={one: work for one in names if (work := library.work(one)) is not None},
        case=PolicyCase(
            duration_s=outcome.duration_s,
            account_id=account_id,
            upload_id=upload_id,
            country=country,
        ),
    )
    status: ScreeningStatus = outcome.status
    if not ruling.matches:
        status = "rejected" if outcome.reason else "clean"
    return replace(
        outcome,
        status=status,
        matches=ruling.matches,
        action=ruling.action,
        reason="; ".join(filter(None, (outcome.reason, ruling.reason))),
    )
