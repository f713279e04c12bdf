from __future__ import annotations

import numpy as np

from media_screening.alignment.exclusion import NOTHING_EXCLUDED, Exclusions, Interval
from tests.unit.media_screening.hashes import drift, fingerprint, noisy

VIDEO = fingerprint(drift(1, 40))
NONE = NOTHING_EXCLUDED.pdq


def test_seconds_are_left_out_and_the_length_stays() -> None:
    excluded = Exclusions(
        intervals=(Interval(start_s=1.0, end_s=2.0), Interval(start_s=8.0, end_s=99.0)), pdq=NONE
    )
    left = excluded.leave_out(VIDEO)
    assert left.times_s.tolist() == [
        time_s for time_s in VIDEO.times_s.tolist() if not 1 <= time_s < 2 and time_s < 8
    ]
    assert left.duration_s == VIDEO.duration_s
    assert len(left.pdq) == len(left.phash) == len(left.quality) == len(left)


def test_pictures_are_left_out_also_encoded_anew() -> None:
    slate = drift(2, 3)
    shown = np.concatenate([VIDEO.pdq[:10], noisy(3, slate, 20), VIDEO.pdq[10:]])
    left = Exclusions(intervals=(), pdq=slate).leave_out(fingerprint(shown))
    np.testing.assert_array_equal(left.pdq, VIDEO.pdq)


def test_without_exclusions_a_video_is_as_it_was() -> None:
    assert NOTHING_EXCLUDED.leave_out(VIDEO) is VIDEO
    assert len(Exclusions(intervals=(), pdq=drift(9, 5)).leave_out(fingerprint(VIDEO.pdq[:0]))) == 0
