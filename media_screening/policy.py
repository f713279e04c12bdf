"""Which matches count, by the policies of their references: a pure function, with its reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.ids import AccountId, Action, ReferenceId, UploadId, stricter
from contracts.match_policy import Dispute, MatchPolicy, Side
from contracts.screening import Match

PICTURE: tuple[Side, ...] = ("picture",)


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyCase:
    """What is known of the upload that is judged.

    Attributes:
        account_id: Who uploaded it; None if there is no account, as for a file that is screened
            by hand.
        upload_id: What a dispute is about.
        country: Code of the country it is for; empty if nobody said.
    """

    duration_s: float
    account_id: AccountId | None = None
    upload_id: UploadId | None = None
    country: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is known of a reference that was matched."""

    reference_id: ReferenceId
    duration_s: float
    policy: MatchPolicy = MatchPolicy()  # noqa: RUF009 -- frozen, so one default serves all
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkRuling:
    """What came of all matches with one reference.

    Attributes:
        reason: Why they do not count; empty if they do.
    """

    reference_id: ReferenceId
    action: Action
    matched_s: float
    upload_share: float
    reference_share: float
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether these matches are told."""
        return not self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRuling:
    """What came of an upload's matches.

    Attributes:
        matches: Those that count, in their order.
        action: The strictest that is asked for; ``allow`` if none counts.
        works: One a reference, in the order of its first match.
    """

    matches: tuple[Match, ...]
    action: Action
    works: tuple[WorkRuling, ...]

    @property
    def reason(self) -> str:
        """Why matches were let pass, in one line; empty if none were."""
        return "; ".join(
            f"{work.matched_s:.1f} s of {work.reference_id} let pass: {work.reason}"
            for work in self.works
            if not work.counts
        )


def apply_policies(
    matches: Sequence[Match],
    *,
    works: Mapping[ReferenceId, Work],
    case: PolicyCase,
    sides: Mapping[ReferenceId, Collection[Side]] | None = None,
) -> PolicyRuling:
    """Judge matches by the policies of their references.

    Args:
        matches: All that were found on the upload.
        works: The references; one that is missing has the default policy.
        case: The upload.
        sides: What matched of each reference; the picture if it is not said.
    """
    found: dict[ReferenceId, list[Match]] = {}
    for match in matches:
        found.setdefault(match.reference_id, []).append(match)
    rulings = tuple(
        _rule(
            of_work,
            work=works.get(reference_id, Work(reference_id=reference_id, duration_s=0.0)),
            case=case,
            sides=sides[reference_id] if sides and reference_id in sides else PICTURE,
        )
        for reference_id, of_work in found.items()
    )
    counting = {ruling.reference_id for ruling in rulings if ruling.counts}
    action: Action = "allow"
    for ruling in rulings:
        if ruling.counts:
            action = stricter(action, ruling.action)
    return PolicyRuling(
        matches=tuple(match for match in matches if match.reference_id in counting),
        action=action,
        works=rulings,
    )


def _rule(
    matches: Sequence[Match], *, work: Work, case: PolicyCase, sides: Collection[Side]
) -> WorkRuling:
    matched_s = _covered_s((match.upload_start_s, match.upload_end_s) for match in matches)
    shown_s = _covered_s((match.reference_start_s, match.reference_end_s) for match in matches)
    upload_share = min(1.0, matched_s / case.duration_s) if case.duration_s > 0 else 1.0
    reference_share = min(1.0, shown_s / work.duration_s) if work.duration_s > 0 else 1.0
    measured = WorkRuling(
        reference_id=work.reference_id,
        action=work.policy.action,
        matched_s=matched_s,
        upload_share=upload_share,
        reference_share=reference_share,
    )
    reasons = (*_who(work, case), *_what(work.policy, sides), *_how_much(work.policy, measured))
    return replace(measured, reason=next(iter(reasons), ""))


def _who(work: Work, case: PolicyCase) -> Iterator[str]:
    policy, country = work.policy, case.country.upper()
    if case.account_id is not None and case.account_id in policy.allowed_accounts:
        yield "the account is allowed to show it"
    for dispute in work.disputes:
        if dispute.outcome == "upheld" and dispute.upload_id == case.upload_id:
            yield f"dispute {dispute.id} was upheld"
    if country and policy.territories and country not in policy.territories:
        yield f"the policy does not hold in {country}"


def _what(policy: MatchPolicy, sides: Collection[Side]) -> Iterator[str]:
    if policy.evidence in {"picture", "sound"} and policy.evidence not in sides:
        yield f"the policy asks for the {policy.evidence}"
    if policy.evidence == "both" and not {"picture", "sound"} <= set(sides):
        yield "the policy asks for both picture and sound"
    if policy.action == "allow":
        yield "the policy allows it"


def _how_much(policy: MatchPolicy, measured: WorkRuling) -> Iterator[str]:
    if measured.matched_s < policy.min_seconds:
        yield f"less than {policy.min_seconds:g} s"
    if measured.upload_share < policy.min_upload_share:
        yield (
            f"{measured.upload_share:.1%} of the upload, less than {policy.min_upload_share:.1%}"
        )
    if measured.reference_share < policy.min_reference_share:
        yield (
            f"{measured.reference_share:.1%} of the work, less than"
            f" {policy.min_reference_share:.1%}"
        )


def _covered_s(stretches: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one stretch covers."""
    covered, reached = 0.0, float("-inf")
    for start_s, end_s in sorted(stretches):
        covered += max(0.0, end_s - max(start_s, reached))
        reached = max(reached, end_s)
    return covered
