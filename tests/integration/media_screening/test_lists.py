"""A list that others made of a video finds it, without the video."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import imagehash
import pytest
from PIL import Image

from media_screening.exchange.hash_list import ListedWork, frames_of
from media_screening.exchange.vpdq import Vpdq
from media_screening.reading import ScreeningLimits, fingerprint_file
from tests.integration.media_screening.test_command import home, media
from tests.unit.media_screening.footage import splice

__all__ = ["home"]


def vpdq_list(video: Path) -> str:
    """A frame a second, as vPDQ takes them."""
    fingerprint, _ = fingerprint_file(video, frames_per_second=1, limits=ScreeningLimits())
    return "\n".join(Vpdq().write([ListedWork(frames=frames_of(fingerprint))]))


def imagehash_list(video: Path) -> str:
    """The pHash of two frames a second, as ``imagehash`` prints it."""
    capture = cv2.VideoCapture(str(video))
    step = round(capture.get(cv2.CAP_PROP_FPS) / 2)
    lines: list[str] = []
    number = 0
    while True:
        more, picture = capture.read()
        if not more:
            return "\n".join(lines)
        if number % step == 0:
            pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            lines.append(str(imagehash.phash(Image.fromarray(pixels))))
        number += 1


def screened(file: Path) -> Any:
    return json.loads(media("screen", "--json", file).stdout)


@pytest.mark.parametrize(
    ("name", "made", "options"),
    [
        ("vpdq", vpdq_list, ()),
        ("imagehash", imagehash_list, ("--every-seconds", 0.5)),
    ],
)
def test_a_stretch_of_a_listed_video_is_found_with_its_seconds(
    films: dict[str, Path],
    tmp_path: Path,
    name: str,
    made: Callable[[Path], str],
    options: tuple[object, ...],
) -> None:
    listed = tmp_path / "work.txt"
    listed.write_text(made(films["work"]))
    imported = media("reference", "import", listed, "--format", name, *options)
    assert imported.stdout == "1 added, 0 known already, 0 lines not taken\n"
    upload = splice(
        tmp_path / "up.mp4", (films["other"], 0, 6), (films["work"], 4, 12), (films["third"], 0, 6)
    )
    told = screened(upload)
    assert told["status"] == "match"
    (match,) = told["matches"]
    assert match["title"] == "work"
    assert match["upload_start_s"] == pytest.approx(6, abs=1.2)
    assert match["upload_end_s"] == pytest.approx(18, abs=1.2)
    assert match["reference_start_s"] == pytest.approx(4, abs=1.2)
    assert match["reference_end_s"] == pytest.approx(16, abs=1.2)
    assert screened(films["other"])["status"] == "clean"


def test_a_file_is_known_by_its_md5_also_where_it_cannot_be_played(
    films: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(films["work"].read_bytes()[:40_000])
    rows = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()},{number},2020,video"
        for number, path in enumerate((films["work"], broken))
    ]
    listed = tmp_path / "md5.csv"
    listed.write_text("\n".join(rows))
    media("reference", "import", listed, "--format", "threatexchange", "--title", "Known")
    whole = screened(films["work"])
    assert (whole["status"], whole["matches"][0]["title"]) == ("match", "Known: 0")
    assert whole["matches"][0]["upload_end_s"] == pytest.approx(whole["duration_s"])
    told = screened(broken)
    assert (told["status"], told["matches"][0]["title"]) == ("match", "Known: 1")
    assert told["reason"].startswith("cut off")
    assert screened(films["other"])["status"] == "clean"
