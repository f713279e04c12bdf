from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from media_screening.alignment.alignment import AlignmentRule
from media_screening.alignment.phash_match import match_phashes
from tests.unit.media_screening.hashes import drift, fingerprint

RULE = AlignmentRule()
CHANCE = np.random.default_rng(1)
LISTED_HASHES = CHANCE.integers(0, 256, (30, 8), dtype=np.uint8)
LISTED = replace(
    fingerprint(np.zeros((30, 32), np.uint8), step_s=1.0, phash=LISTED_HASHES),
    quality=np.zeros(30, np.uint8),
)
OTHER = CHANCE.integers(0, 256, (80, 8), dtype=np.uint8)


def upload(rows: list[int]) -> NDArray[np.uint8]:
    return np.concatenate([OTHER[:20], np.repeat(LISTED_HASHES[rows], 4, axis=0), OTHER[20:40]])


def test_several_pictures_of_a_list_are_a_match_with_the_seconds() -> None:
    shown = upload([7, 8, 9, 10, 11, 12])
    shown[20::5, :3] ^= np.uint8(1)  # some bits of each encoding differ
    video = fingerprint(drift(1, len(shown), step_bits=40), phash=shown)
    (stretch,) = match_phashes(video, LISTED, RULE)
    assert (stretch.upload_start_s, stretch.upload_end_s) == (5.0, 10.75)
    assert (stretch.reference_start_s, stretch.reference_end_s) == (7.0, 12.0)
    assert stretch.score == pytest.approx(1.0)


def test_few_pictures_or_one_that_stands_are_none() -> None:
    for rows in ([7, 8, 9, 10], [7] * 12, []):
        shown = upload(rows)
        video = fingerprint(drift(1, len(shown), step_bits=40), phash=shown)
        assert match_phashes(video, LISTED, RULE) == ()


def test_a_still_upload_is_none_whatever_its_phashes_say() -> None:
    shown = upload([7, 8, 9, 10, 11, 12])
    video = fingerprint(np.repeat(drift(1, 1), len(shown), axis=0), phash=shown)
    assert match_phashes(video, LISTED, RULE) == ()


def test_nothing_is_found_in_or_by_nothing() -> None:
    empty = fingerprint(drift(1, 0))
    video = fingerprint(drift(1, 40), phash=OTHER[:40])
    assert match_phashes(empty, LISTED, RULE) == match_phashes(video, LISTED, RULE) == ()
