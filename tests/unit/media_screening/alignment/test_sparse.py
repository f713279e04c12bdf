from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from media_screening.alignment.alignment import AlignmentRule, align
from media_screening.alignment.sparse import align_either
from media_screening.alignment.vote import Line
from tests.unit.media_screening.hashes import drift, fingerprint

RULE = AlignmentRule()
WORK = drift(4, 8 * 60, step_bits=3, cut=0.01)  # eight frames a second for a minute
UPLOAD = fingerprint(
    np.concatenate([drift(5, 40), WORK[8 * 20 : 8 * 50 : 2], drift(6, 40)]), step_s=0.25
)
LINE = Line(offset_s=10.0)  # what the upload shows at 10 s is at 20 s of the work


@pytest.mark.parametrize("late_s", [0.0, 0.06, 0.12, 0.2])
def test_a_work_of_a_frame_a_second_is_found_with_both_sides_seconds(late_s: float) -> None:
    listed = fingerprint(WORK[::8], step_s=1.0)
    upload = replace(UPLOAD, times_s=UPLOAD.times_s + late_s)
    (segment,) = align_either(upload, listed, (LINE,), RULE)
    assert segment.upload_start_s == pytest.approx(10 + late_s, abs=1)
    assert segment.upload_end_s == pytest.approx(40 + late_s, abs=1)
    assert segment.reference_start_s == pytest.approx(20, abs=1)
    assert segment.reference_end_s == pytest.approx(50, abs=1)
    assert segment.score > 0.9
    assert segment.line.offset_s == pytest.approx(10, abs=0.5)


def test_a_denser_work_is_aligned_as_ever() -> None:
    dense = fingerprint(WORK, step_s=0.125)
    assert align_either(UPLOAD, dense, (LINE,), RULE) == align(UPLOAD, dense, (LINE,), RULE)
    assert align_either(UPLOAD, dense, (LINE,), RULE)
