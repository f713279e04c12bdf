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

MEDIA_SOUND_MATCH = Code("media.sound_match")
"""A match by sound alone, where no policy takes that for enough."""

MEDIA_PROHIBITED = Code("media.prohibited")


def media_code(screening: Screening, priced: Container[Code]) -> Code:
    """The code of what was found; that of a hold, too, where a ruleset does not price a review."""
    if screening.action == "review":
        heard = all(match.by == "sound" for match in screening.matches)
        code = MEDIA_SOUND_MATCH if heard else MEDIA_REVIEW
        if code in priced:
            return code
    return MEDIA_MATCH


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


def prohibited_evidence(screening: Screening) -> Evidence:
    """The frames that a person should look at, the surest of them first."""
    hits = sorted(screening.prohibited, key=lambda hit: hit.score, reverse=True)
    surest = hits[0]
    return {
        "upload_id": screening.upload_id,
        "label": surest.label,
        "score": surest.score,
        "at_s": surest.at_s,
        "frames": [f"{hit.label} {hit.score:.2f} at {hit.at_s:g} s" for hit in hits],
    }


def media_findings(screening: Screening, priced: Container[Code]) -> tuple[Finding, ...]:
    """What the upload shows: a known work, or the sound of one; and what may be prohibited.

    ``priced``: the codes that a ruleset knows.
    """
    findings: list[Finding] = []
    if screening.status == "match":
        code = media_code(screening, priced)
        findings.append(Finding(code=code, evidence=match_evidence(screening)))
    if screening.prohibited:
        evidence = prohibited_evidence(screening)
        findings.append(Finding(code=MEDIA_PROHIBITED, evidence=evidence))
    return tuple(findings)
