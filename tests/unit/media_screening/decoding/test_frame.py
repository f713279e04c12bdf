from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from media_screening.decoding.frame import (
    FrameBatch,
    FrameLimits,
    Sampling,
    read_frames,
    skips_to_key_frames,
)
from media_screening.decoding.probe import probe
from media_screening.errors import OverLimit, TimeLimit
from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.fingerprinting.pdq import pdq_of
from tests.unit.media_screening.footage import ffmpeg


def frames(path: Path, *, per_second: float = 4, **limits: float) -> FrameBatch:
    batches = list(
        read_frames(
            path,
            probe=probe(path),
            sampling=Sampling(frames_per_second=per_second),
            limits=FrameLimits(**limits),  # type: ignore[arg-type]
        )
    )
    return FrameBatch(
        times_s=np.concatenate([batch.times_s for batch in batches]),
        pixels=np.concatenate([batch.pixels for batch in batches]),
    )


def test_frames_are_small_and_carry_their_times(films: dict[str, Path]) -> None:
    found = frames(films["work"])
    assert found.pixels.shape[1:] == (64, 64)
    assert len(found.times_s) == len(found.pixels)
    assert found.times_s[0] == 0
    assert set(np.round(np.diff(found.times_s), 3)) <= {0.24, 0.32}
    assert found.times_s[-1] == pytest.approx(19.8, abs=0.2)


def read(path: Path, sampling: Sampling) -> FrameBatch:
    batches = list(read_frames(path, probe=probe(path), sampling=sampling, limits=FrameLimits()))
    return FrameBatch(
        times_s=np.concatenate([batch.times_s for batch in batches]),
        pixels=np.concatenate([batch.pixels for batch in batches]),
    )


def test_a_part_is_read_with_the_times_of_the_whole(films: dict[str, Path]) -> None:
    whole = read(films["work"], Sampling(frames_per_second=100, width=48, height=36))
    part = read(
        films["work"],
        Sampling(frames_per_second=100, start_s=7.1, end_s=9.0, width=48, height=36),
    )
    assert part.times_s[0] == pytest.approx(7.12, abs=0.05)
    assert part.times_s[-1] == pytest.approx(8.96, abs=0.09)
    rows = np.argmin(np.abs(whole.times_s - part.times_s[:, None]), axis=1)
    np.testing.assert_allclose(whole.times_s[rows], part.times_s, atol=0.002)
    np.testing.assert_array_equal(whole.pixels[rows], part.pixels)


def test_key_frames_are_those_that_the_codec_says(films: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "keys.mp4"
    keys = "expr:gte(t,n_forced*3)"
    ffmpeg("-i", films["work"], "-c:v", "libx264", "-x264-params", "scenecut=0",
           "-force_key_frames", keys, path)  # fmt: skip
    assert skips_to_key_frames(probe(path))
    found = read(path, Sampling(frames_per_second=2, key_frames=True))
    np.testing.assert_allclose(found.times_s, np.arange(0, 20, 3), atol=0.1)


def test_seconds_count_from_the_start_of_the_file(films: dict[str, Path], tmp_path: Path) -> None:
    late = tmp_path / "late.mkv"
    ffmpeg("-i", films["work"], "-c", "copy", "-output_ts_offset", 100, late)
    np.testing.assert_allclose(frames(late).times_s, frames(films["work"]).times_s, atol=0.002)


def test_each_frame_keeps_its_time_at_a_variable_rate(
    films: dict[str, Path], tmp_path: Path
) -> None:
    # 12.5 frames a second for 5 s, then one every 0.8 s.
    path = tmp_path / "variable.mkv"
    keep = "select='lt(t,5)+not(mod(n,10))'"
    ffmpeg("-i", films["work"], "-vf", keep, "-fps_mode", "vfr", "-c:v", "libx264", path)
    found, true = frames(path), frames(films["work"], per_second=100)
    assert np.diff(found.times_s).max() == pytest.approx(0.8, abs=0.01)
    found_pdq, _ = pdq_of(found.pixels)
    true_pdq, _ = pdq_of(true.pixels)
    for time_s, pdq in zip(found.times_s, found_pdq, strict=True):
        at = int(np.argmin(np.abs(true.times_s - time_s)))
        assert abs(true.times_s[at] - time_s) < 0.002
        assert hamming_bits(pdq, true_pdq[at]) <= 20


def test_a_long_video_is_not_decoded_to_its_end(films: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(OverLimit, match="longer than may be screened: 20 s, at most 10"):
        frames(films["work"], max_seconds=10)
    # A stream that does not say how long it is.
    path = tmp_path / "work.h264"
    ffmpeg("-i", films["work"], "-c", "copy", path)
    assert probe(path).duration_s is None
    with pytest.raises(OverLimit):
        frames(path, max_seconds=3)


def test_a_decoder_that_takes_too_long_is_ended(films: dict[str, Path]) -> None:
    with pytest.raises(TimeLimit, match=r"decoding took longer than 0\.01 s"):
        frames(films["work"], timeout_seconds=0.01)


def test_a_reader_that_stops_leaves_no_process_and_no_thread(films: dict[str, Path]) -> None:
    threads, handles = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        batches = read_frames(
            films["work"],
            probe=probe(films["work"]),
            sampling=Sampling(frames_per_second=100),
            limits=FrameLimits(),
        )
        next(batches)
        batches.close()  # type: ignore[attr-defined]
    time.sleep(0.1)
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == handles
