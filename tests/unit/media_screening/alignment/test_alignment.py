from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.alignment.alignment import AlignmentRule, Segment, align, count_distinct
from media_screening.alignment.vote import Ballot, Line
from media_screening.fingerprinting.fingerprint import Fingerprint, make_fingerprint
from media_screening.fingerprinting.still import find_stills
from media_screening.index.hash_index import HashIndex
from tests.unit.media_screening.footage import random_fingerprint

REFERENCE_PERIOD_S = 0.125
UPLOAD_PERIOD_S = 0.25


def lines(upload: Fingerprint, reference: Fingerprint) -> tuple[Line, ...]:
    ours, theirs = find_stills(upload), find_stills(reference)
    index = HashIndex()
    index.add("it", theirs.pdq)  # type: ignore[arg-type]
    hits = index.search(ours.pdq, max_hamming_bits=48)
    if not hits:
        return ()
    ballot = Ballot(upload=ours, reference=theirs, max_hamming_bits=48)
    ballot.cast(hits["it"])  # type: ignore[index]
    return ballot.lines()


def aligned(upload: Fingerprint, reference: Fingerprint) -> tuple[Segment, ...]:
    return align(upload, reference, lines(upload, reference), AlignmentRule())


def flipped(pdq: NDArray[np.uint8], share: float, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return pdq ^ np.packbits(rng.random((len(pdq), 256)) < share, axis=1)


def excerpt(
    reference: Fingerprint, *, start_s: float, length_s: float, put_at_s: float, seed: int
) -> Fingerprint:
    """An upload of 60 s that shows the reference's stretch, noisy, among other pictures."""
    upload = random_fingerprint(seed, count=240, period_s=UPLOAD_PERIOD_S)
    at_s = upload.times_s - put_at_s
    inside = (at_s >= 0) & (at_s < length_s)
    rows = np.clip(
        np.searchsorted(reference.times_s, at_s[inside] + start_s, side="right") - 1, 0, None
    )
    pdq, phash = upload.pdq.copy(), upload.phash.copy()
    pdq[inside] = flipped(reference.pdq[rows], 0.05, seed)
    phash[inside] = reference.phash[rows]
    return replace(upload, pdq=pdq, phash=phash)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    start_s=st.floats(0, 80),
    length_s=st.floats(4, 20),
    put_at_s=st.floats(0, 38),
)
def test_a_shifted_stretch_gives_back_its_seconds(
    seed: int, start_s: float, length_s: float, put_at_s: float
) -> None:
    reference = random_fingerprint(seed + 1, count=800, period_s=REFERENCE_PERIOD_S)
    upload = excerpt(
        reference, start_s=start_s, length_s=length_s, put_at_s=put_at_s, seed=seed + 2
    )
    (segment,) = aligned(upload, reference)
    assert abs(segment.upload_start_s - put_at_s) <= 0.4
    assert abs(segment.upload_end_s - put_at_s - length_s) <= 0.4
    assert abs(segment.reference_start_s - start_s) <= 0.6
    assert abs(segment.reference_end_s - start_s - length_s) <= 0.6
    assert segment.score >= 0.9


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_unrelated_videos_do_not_match(seed: int) -> None:
    reference = random_fingerprint(seed, count=400, period_s=REFERENCE_PERIOD_S)
    assert aligned(random_fingerprint(seed + 1, count=240, period_s=0.25), reference) == ()


def test_two_stretches_of_one_reference_in_another_order() -> None:
    reference = random_fingerprint(1, count=800, period_s=REFERENCE_PERIOD_S)
    upload = excerpt(reference, start_s=60, length_s=10, put_at_s=5, seed=7)
    second = excerpt(reference, start_s=10, length_s=10, put_at_s=30, seed=7)
    later = upload.times_s >= 25
    upload = replace(
        upload,
        pdq=np.where(later[:, None], second.pdq, upload.pdq),
        phash=np.where(later[:, None], second.phash, upload.phash),
    )
    starts = [
        (round(s.upload_start_s), round(s.reference_start_s)) for s in aligned(upload, reference)
    ]
    assert starts == [(5, 60), (30, 10)]


def still(seed: int, seconds: float, period_s: float, *, noise: float = 0.01) -> Fingerprint:
    count = round(seconds / period_s)
    picture = random_fingerprint(seed, count=1, period_s=1)
    return make_fingerprint(
        duration_s=seconds,
        times_s=np.arange(count) * period_s,
        pdq=flipped(np.repeat(picture.pdq, count, axis=0), noise, seed + count),
        phash=np.repeat(picture.phash, count, axis=0),
        quality=[100] * count,
    )


def joined(*parts: Fingerprint) -> Fingerprint:
    starts = np.cumsum([0.0, *(part.duration_s for part in parts)])
    return make_fingerprint(
        duration_s=float(starts[-1]),
        times_s=np.concatenate(
            [part.times_s + at for part, at in zip(parts, starts, strict=False)]
        ),
        pdq=np.concatenate([part.pdq for part in parts]),
        phash=np.concatenate([part.phash for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
    )


def test_a_title_card_that_both_show_is_no_match() -> None:
    card, period_s = 5, REFERENCE_PERIOD_S
    reference = joined(
        still(card, 30, period_s), random_fingerprint(1, count=200, period_s=period_s)
    )
    upload = joined(random_fingerprint(2, count=80, period_s=0.25), still(card, 20, 0.25))
    assert lines(upload, reference)
    assert aligned(upload, reference) == ()


def test_a_still_scene_does_not_move_the_ends() -> None:
    # 20 s that stand still, then 10 s that move; the upload shows the last 6 s of the still ones.
    scene, moving = still(3, 20, 0.125), random_fingerprint(4, count=80, period_s=0.125)
    reference = joined(random_fingerprint(5, count=240, period_s=0.125), scene, moving)
    shown = replace(
        random_fingerprint(6, count=64, period_s=0.25),
        pdq=flipped(np.concatenate([still(3, 6, 0.25).pdq, moving.pdq[::2]]), 0.02, 1),
    )
    upload = joined(random_fingerprint(8, count=40, period_s=0.25), shown)
    (segment,) = aligned(upload, reference)
    ends = (segment.upload_start_s, segment.upload_end_s)
    theirs = (segment.reference_start_s, segment.reference_end_s)
    assert np.allclose(ends, (10, 26), atol=0.5)
    assert np.allclose(theirs, (44, 60), atol=0.5)


def test_pictures_of_one_crowd_count_once() -> None:
    crowd = still(1, 10, 0.25).pdq
    others = random_fingerprint(2, count=4, period_s=1).pdq
    assert count_distinct(np.concatenate([crowd, others]), 12) == 5
    assert count_distinct(crowd[:0], 12) == 0
