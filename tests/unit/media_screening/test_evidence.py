from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contracts.evidence import EvidencePair, media_alert_id
from contracts.ids import ReferenceId, UploadId
from contracts.screening import Match
from media_screening.decoding.picture import HEIGHT, WIDTH, Picture, from_jpeg
from media_screening.evidence import MAX_PAIRS, EvidenceKeeper
from store.album import AlbumFolder
from tests.unit.media_screening.footage import ffmpeg

UPLOAD = UploadId("up-1")
ALERT = media_alert_id(UPLOAD)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each second as bright as its number: a picture tells when it was taken."""
    path = tmp_path_factory.mktemp("bright") / "work.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "color=black:s=160x90:r=10:d=20,format=gray,geq=lum=16+10*floor(T)",
        "-c:v", "libx264", "-preset", "ultrafast", "-crf", 10, path,
    )  # fmt: skip
    return path


@pytest.fixture
def upload(work: Path, tmp_path: Path) -> Path:
    """Seconds 6 to 16 of the work."""
    ffmpeg("-ss", 6, "-i", work, "-t", 10, "-c:v", "libx264", tmp_path / "upload.mp4")
    return tmp_path / "upload.mp4"


@pytest.fixture
def keeper(tmp_path: Path) -> EvidenceKeeper:
    return keeper_in(tmp_path)


def keeper_in(folder: Path) -> EvidenceKeeper:
    return EvidenceKeeper(pairs=pairs_in(folder), strips=strips_in(folder))


def pairs_in(folder: Path) -> AlbumFolder:
    return AlbumFolder(folder / "matches", max_bytes=1 << 20)


def strips_in(folder: Path) -> AlbumFolder:
    return AlbumFolder(folder / "references", max_bytes=1 << 20)


def a_match(**changed: Any) -> Match:
    seconds: dict[str, Any] = {"upload_start_s": 0.0, "upload_end_s": 10.0} | changed
    return Match(
        reference_id=ReferenceId("w"), title="The work", score=1.0,
        reference_start_s=6.0, reference_end_s=16.0, **seconds,
    )  # fmt: skip


def sides(folder: Path, number: int) -> tuple[Picture, Picture]:
    found = from_jpeg(pairs_in(folder).picture(ALERT, number) or b"")
    assert found is not None
    frame = found[-HEIGHT:]
    return frame[:, :WIDTH], frame[:, -WIDTH:]


def pairs(folder: Path) -> list[EvidencePair]:
    return [EvidencePair(**caption) for caption in pairs_in(folder).captions(ALERT)]


def brightness_s(picture: Picture) -> float:
    """Which second of the work a picture is of."""
    luma = float(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[60:120, 100:200].mean())
    return (luma * 219 / 255 + 16 - 16) / 10


def test_a_match_has_pictures_of_the_same_moments(
    keeper: EvidenceKeeper, work: Path, upload: Path, tmp_path: Path
) -> None:
    keeper.keep_reference(ReferenceId("w"), work, duration_s=20, timeout_seconds=60)
    keeper.keep_upload(UPLOAD, upload, [a_match()])
    found = pairs(tmp_path)
    assert len(found) == 3
    for number, pair in enumerate(found):
        assert (pair.title, pair.has_reference) == ("The work", True)
        assert pair.reference_s == pytest.approx(pair.upload_s + 6)
        left, right = sides(tmp_path, number)
        assert brightness_s(left) == pytest.approx(pair.reference_s, abs=1.1)
        assert brightness_s(right) == pytest.approx(pair.reference_s, abs=1.1)
        assert np.abs(left.astype(int) - right).mean() < 8


def test_without_key_pictures_the_upload_is_shown_alone(
    keeper: EvidenceKeeper, upload: Path, tmp_path: Path
) -> None:
    keeper.keep_upload(UPLOAD, upload, [a_match()])
    found = pairs(tmp_path)
    assert [pair.has_reference for pair in found] == [False] * 3
    left, right = sides(tmp_path, 1)
    assert brightness_s(left) == pytest.approx(found[1].reference_s, abs=1.1)
    assert np.ptp(right[:40]) < 8  # nothing but a ground


def test_many_matches_share_what_one_upload_may_have(
    keeper: EvidenceKeeper, upload: Path, tmp_path: Path
) -> None:
    many = [a_match(upload_start_s=at / 10, upload_end_s=5 + at / 10) for at in range(20)]
    keeper.keep_upload(UPLOAD, upload, many)
    assert len(pairs(tmp_path)) == MAX_PAIRS


def test_what_hinders_pictures_hinders_nothing_else(
    keeper: EvidenceKeeper, upload: Path, tmp_path: Path
) -> None:
    keeper.keep_upload(UPLOAD, tmp_path / "gone.mp4", [a_match()])
    keeper.keep_reference(
        ReferenceId("w"), tmp_path / "gone.mp4", duration_s=20, timeout_seconds=60
    )
    assert pairs(tmp_path) == []
    (tmp_path / "matches").write_text("in the way")
    keeper.keep_upload(UPLOAD, upload, [a_match()])
    keeper.forget_reference(ReferenceId("w"))


def test_a_forgotten_work_leaves_no_picture(
    keeper: EvidenceKeeper, work: Path, tmp_path: Path
) -> None:
    keeper.keep_reference(ReferenceId("w"), work, duration_s=20, timeout_seconds=60)
    assert len(strips_in(tmp_path).captions("w")) == 10
    keeper.forget_reference(ReferenceId("w"))
    assert not list((tmp_path / "references").iterdir())
