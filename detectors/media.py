"""What a screening says about the account that uploaded."""

from __future__ import annotations

from contracts.ids import Code
from contracts.screening import Screening
from contracts.signal import Evidence, Finding

MEDIA_MATCH = Code("media.match")
MEDIA_SOUND_MATCH = Code("media.sound_match")
MEDIA_PROHIBITED = Code("media.prohibited")


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


def media_findings(screening: Screening) -> tuple[Finding, ...]:
    """What the upload shows: a known work, or the sound of one; and what may be prohibited."""
    findings: list[Finding] = []
    if screening.status == "match":
        findings.append(Finding(code=match_code(screening), evidence=match_evidence(screening)))
    if screening.prohibited:
        evidence = prohibited_evidence(screening)
        findings.append(Finding(code=MEDIA_PROHIBITED, evidence=evidence))
    return tuple(findings)
