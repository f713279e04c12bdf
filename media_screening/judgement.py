"""An outcome as the policies of the works in it have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contracts.ids import AccountId, Action, ReferenceId, UploadId
from contracts.match_policy import Side
from contracts.screening import Match, MatchedBy, ScreeningStatus
from media_screening.policy import PolicyCase, PolicyRuling, Work, apply_policies
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
    let pass, and why. What only the sound says is for review, unless a work's policy asks for the
    sound.
    """
    if outcome.status != "match":
        return outcome
    names = {match.reference_id for match in outcome.matches}
    works = {one: work for one in names if (work := library.work(one)) is not None}
    ruling = apply_policies(
        outcome.matches,
        works=works,
        sides=_sides(outcome.matches),
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
        action=_action(ruling, works),
        reason="; ".join(filter(None, (outcome.reason, ruling.reason))),
    )


_SIDES: dict[MatchedBy, tuple[Side, ...]] = {
    "picture": ("picture",),
    "sound": ("sound",),
    "both": ("picture", "sound"),
}


def _sides(matches: Iterable[Match]) -> dict[ReferenceId, set[Side]]:
    """What matched of each work."""
    sides: dict[ReferenceId, set[Side]] = {}
    for match in matches:
        sides.setdefault(match.reference_id, set()).update(_SIDES[match.by])
    return sides


def _action(ruling: PolicyRuling, works: Mapping[ReferenceId, Work]) -> Action:
    def is_enough(match: Match) -> bool:
        work = works.get(match.reference_id)
        return match.by != "sound" or (work is not None and work.policy.evidence == "sound")

    if ruling.action == "hold" and not any(map(is_enough, ruling.matches)):
        return "review"
    return ruling.action
