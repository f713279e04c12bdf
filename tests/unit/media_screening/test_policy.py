from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, Action, ReferenceId, UploadId
from contracts.match_policy import Dispute, MatchPolicy
from contracts.screening import Match
from media_screening.policy import PolicyCase, Work, apply_policies

FILM = ReferenceId("film")
CASE = PolicyCase(
    duration_s=100, account_id=AccountId("anna"), upload_id=UploadId("u1"), country="DE"
)
DISPUTE = Dispute(
    id=7,
    reference_id=FILM,
    upload_id=UploadId("u1"),
    opened_at_ms=1,
    opened_by="anna",
    reason="a trailer",
    outcome="upheld",
)


def match(start_s: float, end_s: float, name: ReferenceId = FILM, at_s: float = 0.0) -> Match:
    return Match(
        reference_id=name,
        title="Film",
        score=1.0,
        upload_start_s=start_s,
        upload_end_s=end_s,
        reference_start_s=at_s,
        reference_end_s=at_s + end_s - start_s,
    )


def reason(
    *matches: Match, sides: Any = ("picture",), disputes: tuple[Dispute, ...] = (), **policy: Any
) -> str:
    work = Work(reference_id=FILM, duration_s=200, policy=MatchPolicy(**policy), disputes=disputes)
    ruling = apply_policies(
        matches or (match(10, 30),), works={FILM: work}, case=CASE, sides={FILM: sides}
    )
    (of_film,) = ruling.works
    assert of_film.counts == bool(ruling.matches) == (not ruling.reason)
    assert ruling.action == (of_film.action if of_film.counts else "allow")
    return of_film.reason


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({}, ""),
        ({"action": "review"}, ""),
        ({"min_seconds": 20}, ""),
        ({"min_seconds": 20.5}, "less than 20.5 s"),
        ({"min_upload_share": 0.2}, ""),
        ({"min_upload_share": 0.21}, "20.0% of the upload, less than 21.0%"),
        ({"min_reference_share": 0.1}, ""),
        ({"min_reference_share": 0.2}, "10.0% of the work, less than 20.0%"),
        ({"allowed_accounts": ("anna",)}, "the account is allowed to show it"),
        ({"allowed_accounts": ("ben",)}, ""),
        ({"territories": ("DE", "AT")}, ""),
        ({"territories": ("FR",)}, "the policy does not hold in DE"),
        ({"action": "allow"}, "the policy allows it"),
        ({"evidence": "sound"}, "the policy asks for the sound"),
        ({"evidence": "sound", "sides": ("sound",)}, ""),
        ({"evidence": "picture"}, ""),
        ({"evidence": "both"}, "the policy asks for both picture and sound"),
        ({"evidence": "both", "sides": ("picture", "sound")}, ""),
        ({"disputes": (DISPUTE,)}, "dispute 7 was upheld"),
        ({"disputes": (replace(DISPUTE, outcome="open"),)}, ""),
        ({"disputes": (replace(DISPUTE, upload_id=UploadId("u2")),)}, ""),
    ],
)
def test_a_match_counts_or_is_let_pass_with_the_reason(policy: dict[str, Any], told: str) -> None:
    assert reason(**policy) == told


def test_who_may_is_told_before_how_much() -> None:
    assert reason(allowed_accounts=("anna",), min_seconds=99) == "the account is allowed to show it"


def test_seconds_that_two_stretches_share_count_once() -> None:
    stretches = (match(10, 30), match(20, 35, at_s=50), match(50, 60, at_s=100))
    assert reason(*stretches, min_seconds=35) == ""
    assert reason(*stretches, min_seconds=35.1) == "less than 35.1 s"


def test_where_nobody_said_the_country_a_policy_holds() -> None:
    work = Work(reference_id=FILM, duration_s=9, policy=MatchPolicy(territories=("FR",)))
    case = PolicyCase(duration_s=100)
    assert apply_policies((match(0, 9),), works={FILM: work}, case=case).matches


@given(st.lists(st.sampled_from(["allow", "review", "hold"]), max_size=6))
def test_the_strictest_work_that_counts_decides(actions: list[Action]) -> None:
    works = {
        ReferenceId(str(number)): Work(
            reference_id=ReferenceId(str(number)),
            duration_s=100,
            policy=MatchPolicy(action=action),
        )
        for number, action in enumerate(actions)
    }
    matches = tuple(match(10, 20, name) for name in works)
    ruling = apply_policies(matches, works=works, case=CASE)
    order = ["allow", "review", "hold"]
    assert ruling.action == max(actions, key=order.index, default="allow")
    counting = [name for name, work in works.items() if work.policy.action != "allow"]
    assert [one.reference_id for one in ruling.matches] == counting


def test_a_work_that_is_not_known_has_the_default_policy() -> None:
    ruling = apply_policies((match(10, 20),), works={}, case=CASE)
    assert (ruling.action, len(ruling.matches), ruling.reason) == ("hold", 1, "")


def test_what_was_let_pass_is_told_in_one_line() -> None:
    work = Work(reference_id=FILM, duration_s=9, policy=MatchPolicy(action="allow"))
    ruling = apply_policies((match(10, 22.5),), works={FILM: work}, case=CASE)
    assert ruling.reason == "12.5 s of film let pass: the policy allows it"
