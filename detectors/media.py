"""What a screening says about the account that uploaded."""

from __future__ import annotations

from contracts.ids import Code
from contracts.screening import Screening
from contracts.signal import Evidence, Finding

MEDIA_MATCH = Code("media.match")
MEDIA_SOUND_MATCH = Code("media.sound_match")


def match_code(screening: Screening) -> Code:
    """Whether the picture shows a known work, or only the sound is one's."""
    seen = any(match.by != "sound" for match in screening.matches)
    return MEDIA_MATCH if seen else MEDIA_SOUND_MATCH


def match_evidence(screening: Screening) -> Evidence:
    """The works and seconds that were recognised."""
    return {
        "upload_id": screening.upload_id,
        "references": sorted({match.reference_id for match in screening.matches}),
        "matched_seconds": round(
            sum(match.upload_end_s - match.upload_start_s for match in screening.matches), 1
        ),
    }


def media_findings(screening: Screening) -> tuple[Finding, ...]:
    """One finding if the upload shows a known work, or sounds like one."""
    if screening.status != "match":
        return ()
    return (Finding(code=match_code(screening), evidence=match_evidence(screening)),)
