"""What a screening says about the account that uploaded."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from contracts.ids import Code
from contracts.screening import Screening
from contracts.signal import Evidence, Finding

MEDIA_MATCH = Code("media.match")
MEDIA_REVIEW = Code("media.review")
"""A match whose work's policy asks for a review, not a hold."""


def media_code(screening: Screening, priced: Container[Code]) -> Code:
    """The code of what was found; that of a hold, too, where a ruleset does not price a review."""
    return MEDIA_REVIEW if screening.action == "review" and MEDIA_REVIEW in priced else MEDIA_MATCH


def match_evidence(screening: Screening) -> Evidence:
    """The works and seconds that were recognised, and whether the upload was made before."""
    evidence: dict[str, Any] = {
        "upload_id": screening.upload_id,
        "references": sorted({match.reference_id for match in screening.matches}),
        "matched_seconds": round(
            sum(match.upload_end_s - match.upload_start_s for match in screening.matches), 1
        ),
    }
    if screening.retroactive:
        evidence["retroactive"] = True
    return evidence


def media_findings(screening: Screening, priced: Container[Code]) -> tuple[Finding, ...]:
    """One finding if the upload shows a known work; ``priced``: the codes that a ruleset knows."""
    if screening.status != "match":
        return ()
    return (Finding(code=media_code(screening, priced), evidence=match_evidence(screening)),)
