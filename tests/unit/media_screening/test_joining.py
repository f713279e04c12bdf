from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import ReferenceId
from contracts.screening import Match
from media_screening.alignment.confirmation import picture_confirms
from media_screening.fingerprinting.fingerprint import Fingerprint, make_fingerprint
from media_screening.joining import join_matches
from tests.unit.media_screening.footage import random_fingerprint


def a_match(start_s: float = 10, end_s: float = 30, *, offset_s: float = 100, **more: Any) -> Match:
    return Match(
        reference_id=ReferenceId(more.pop("reference_id", "w")), title="The work",
        score=more.pop("score", 0.9),
        upload_start_s=start_s, upload_end_s=end_s,
        reference_start_s=start_s + offset_s, reference_end_s=end_s + offset_s, **more,
    )  # fmt: skip


def never(_: Match) -> bool:
    return False


def test_picture_and_sound_of_the_same_seconds_are_one_match() -> None:
    (match,) = join_matches([a_match()], [a_match(9.6, 30.4, by="sound")], confirms=never)
    assert match == a_match(by="both", score=0.99)


def test_where_the_sound_goes_on_the_picture_was_lost() -> None:
    (match,) = join_matches([a_match(10, 20)], [a_match(9.6, 60, by="sound")], confirms=never)
    assert (match.by, match.upload_start_s, match.upload_end_s) == ("both", 10, 60)
    assert (match.reference_start_s, match.reference_end_s) == (110, 160)


@pytest.mark.parametrize(
    "heard",
    [
        a_match(40, 60, by="sound"),
        a_match(offset_s=104, by="sound"),
        a_match(reference_id="other", by="sound"),
    ],
    ids=["elsewhere in the upload", "elsewhere in the work", "another work"],
)
def test_what_is_about_other_seconds_stands_by_itself(heard: Match) -> None:
    assert sorted(join_matches([a_match()], [heard], confirms=never), key=str) == sorted(
        [a_match(), heard], key=str
    )
    confirmed = join_matches([a_match()], [heard], confirms=lambda match: match is heard)
    assert {match.by for match in confirmed} == {"picture", "both"}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(5, 30)), max_size=4),
       st.lists(st.tuples(st.integers(0, 50), st.integers(5, 30)), max_size=4))  # fmt: skip
def test_nothing_that_was_found_is_lost(
    seen: list[tuple[int, int]], heard: list[tuple[int, int]]
) -> None:
    pictures = [a_match(start_s, start_s + length_s) for start_s, length_s in seen]
    sounds = [a_match(start_s, start_s + length_s, by="sound") for start_s, length_s in heard]
    joined = join_matches(pictures, sounds, confirms=never)
    assert len(pictures) <= len(joined) <= len(pictures) + len(sounds)
    for match in (*pictures, *sounds):
        assert any(
            min(match.upload_end_s, one.upload_end_s)
            > max(match.upload_start_s, one.upload_start_s)
            for one in joined
        )
    assert [one.upload_start_s for one in joined] == sorted(one.upload_start_s for one in joined)


def edited(reference: Fingerprint, *, start_s: float, flipped_bits: int) -> Fingerprint:
    """Twenty seconds of it, each hash turned by so many of its 256 bits."""
    rng = np.random.default_rng(1)
    rows = np.flatnonzero((reference.times_s >= start_s) & (reference.times_s < start_s + 20))
    bits = np.unpackbits(reference.pdq[rows], axis=1)
    for row in bits:
        row[rng.choice(256, flipped_bits, replace=False)] ^= 1
    return make_fingerprint(
        duration_s=20,
        times_s=reference.times_s[rows] - start_s,
        pdq=np.packbits(bits, axis=1),
        phash=reference.phash[rows],
        quality=[100] * len(rows),
    )


@pytest.mark.parametrize(("flipped_bits", "confirmed"), [(60, True), (105, True), (128, False)])
def test_a_picture_edited_past_recognition_is_still_nearer_to_itself(
    flipped_bits: int, confirmed: bool
) -> None:
    reference = random_fingerprint(1, count=960, period_s=0.125)
    upload = edited(reference, start_s=50, flipped_bits=flipped_bits)
    there = a_match(0, 20, offset_s=50)
    assert picture_confirms(upload, reference, there) is confirmed
    assert not picture_confirms(upload, reference, a_match(0, 20, offset_s=60))


def test_one_standing_picture_confirms_nothing() -> None:
    reference = random_fingerprint(1, count=960, period_s=0.125)
    reference.pdq[:] = reference.pdq[0]
    assert not picture_confirms(
        edited(reference, start_s=50, flipped_bits=10), reference, a_match(0, 20, offset_s=50)
    )


def test_no_picture_confirms_nothing() -> None:
    none = random_fingerprint(1, count=0, period_s=0.125)
    some = random_fingerprint(2, count=960, period_s=0.125)
    assert not picture_confirms(none, some, a_match())
    assert not picture_confirms(some, none, a_match())
