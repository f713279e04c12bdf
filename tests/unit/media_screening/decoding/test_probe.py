from __future__ import annotations

from pathlib import Path

import pytest

from media_screening.decoding.probe import parse_probe, probe
from media_screening.errors import NotAVideo
from tests.unit.media_screening.footage import ffmpeg

REPORT = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/a b.mp4':
  Metadata:
    title           : Stream #0:9: Video: h264, 9999x9999
                    :   Duration: 99:00:00.00, start
  Duration: 01:02:03.50, start: 0.000000, bitrate: 412 kb/s
  Stream #0:0[0x1](eng): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv), 320x180, 25 fps
  Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 8000 Hz, stereo, fltp
  Stream #0:2[0x4](eng): Video: hevc (Main), yuv420p, 480x270 [SAR 1:1 DAR 16:9], 29.97 fps
  Stream #0:3: Video: mjpeg (Baseline), yuvj420p, 2000x2000, 90k tbr (attached pic)
"""


def test_the_picture_that_people_see_is_taken() -> None:
    found = parse_probe(REPORT)
    assert found.container.startswith("mov")
    assert found.duration_s == 3723.5
    assert (found.video.index, found.video.codec) == (2, "hevc")
    assert (found.video.width, found.video.height) == (480, 270)
    assert found.has_sound


def test_a_cover_is_not_a_video() -> None:
    lines = [line for line in REPORT.splitlines() if "#0:0" not in line and "#0:2" not in line]
    with pytest.raises(NotAVideo, match="only a still picture"):
        parse_probe("\n".join(lines))


def test_what_ffmpeg_says_of_a_real_file(films: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "title.mkv"
    title = "\n  Duration: 99:00:00.00\n  Stream #0:7: Video: x, 9x9"
    ffmpeg("-i", films["other"], "-c", "copy", "-metadata", f"title={title}", path)
    found = probe(path)
    assert found.duration_s == pytest.approx(15, abs=0.2)
    assert (found.video.index, found.video.width, found.video.height) == (0, 192, 144)
    assert not found.has_sound
