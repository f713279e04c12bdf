from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media_screening.decoding.frame import FrameLimits, Sampling, read_frames
from media_screening.decoding.key_frame import (
    KEPT_AT_ONCE,
    KEPT_EVERY_SECONDS,
    drops_packets,
    skips_to_key_frames,
)
from media_screening.decoding.probe import probe
from tests.unit.media_screening.footage import ffmpeg

CODECS = {
    "h264": ("libx264", "-preset", "ultrafast", "-x264-params", "scenecut=0"),
    "vp9": ("libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8),
    "av1": ("libsvtav1", "-preset", 12, "-svtav1-params", "scd=0"),
}


def encoded(source: Path, path: Path, codec: str, *, key_frames: int) -> Path:
    ffmpeg("-i", source, "-c:v", *CODECS[codec], "-g", key_frames, "-b:v", "300k", path)
    return path


def read(path: Path, *, key_frames: bool) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    sampling = Sampling(frames_per_second=100, key_frames=key_frames)
    batches = list(read_frames(path, probe=probe(path), sampling=sampling, limits=FrameLimits()))
    return (
        np.concatenate([batch.times_s for batch in batches]),
        np.concatenate([batch.pixels for batch in batches]),
    )


@pytest.mark.parametrize("codec", CODECS)
def test_key_frames_are_decoded_by_themselves(
    codec: str, films: dict[str, Path], tmp_path: Path
) -> None:
    assert drops_packets()
    assert skips_to_key_frames(codec)
    path = encoded(films["work"], tmp_path / "film.mkv", codec, key_frames=50)  # one in 4 s
    times_s, pictures = read(path, key_frames=True)
    # One every 4 s at least; some encoders set one where the picture changes, too.
    assert times_s[0] == 0
    assert 4 <= len(times_s) <= 9
    assert np.diff(times_s).max() < 5
    all_times_s, all_pictures = read(path, key_frames=False)
    rows = [int(np.abs(all_times_s - at_s).argmin()) for at_s in times_s]
    np.testing.assert_allclose(all_times_s[rows], times_s, atol=0.002)
    # Key frames are not deblocked.
    apart = np.abs(all_pictures[rows].astype(int) - pictures.astype(int))
    assert apart.mean() < 2


def test_of_many_key_frames_some_are_kept(films: dict[str, Path], tmp_path: Path) -> None:
    path = encoded(films["work"], tmp_path / "film.mp4", "h264", key_frames=12)
    times_s, _ = read(path, key_frames=True)
    gaps_s = np.diff(times_s)
    assert (gaps_s[: KEPT_AT_ONCE - 1] < 1).all()
    assert gaps_s.max() <= KEPT_EVERY_SECONDS + 1
    allowed = KEPT_AT_ONCE + 20 / KEPT_EVERY_SECONDS
    assert allowed - 1 <= len(times_s) <= allowed + 1


def test_nothing_is_known_of_other_codecs() -> None:
    assert not skips_to_key_frames("theora")
