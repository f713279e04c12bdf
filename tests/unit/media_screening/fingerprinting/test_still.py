from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, Fingerprint, hamming_bits
from media_screening.fingerprinting.still import MAX_PAUSE_SECONDS, SAME_PICTURE_BITS, find_stills
from tests.unit.media_screening.hashes import drift, fingerprint


def one_by_one(video: Fingerprint) -> list[tuple[float, float]]:
    frames = np.flatnonzero(video.quality >= MIN_PDQ_QUALITY).tolist()
    stills: list[list[int]] = []
    for frame in frames:
        if (
            stills
            and video.times_s[frame] - video.times_s[stills[-1][-1]] <= MAX_PAUSE_SECONDS
            and hamming_bits(video.pdq[frame], video.pdq[stills[-1][0]]) <= SAME_PICTURE_BITS
        ):
            stills[-1].append(frame)
        else:
            stills.append([frame])
    return [(float(video.times_s[one[0]]), float(video.times_s[one[-1]])) for one in stills]


@given(
    seed=st.integers(0, 500),
    count=st.integers(0, 150),
    step_bits=st.sampled_from([0, 0.3, 1, 4, 12]),
)
def test_stills_are_those_of_going_frame_by_frame(seed: int, count: int, step_bits: float) -> None:
    rng = np.random.default_rng(seed)
    video = fingerprint(drift(seed, count, step_bits=step_bits))
    video = replace(
        video,
        times_s=np.cumsum(np.where(rng.random(count) < 0.03, 1.5, 0.25)),
        quality=rng.integers(46, 100, count).astype(np.uint8),
    )
    stills = find_stills(video)
    expected = one_by_one(video)
    assert list(zip(stills.start_s.tolist(), stills.end_s.tolist(), strict=True)) == expected
