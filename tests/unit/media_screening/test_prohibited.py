from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from media_screening.decoding.picture import Picture
from media_screening.errors import DecoderFailed, TimeLimit
from media_screening.prohibited import (
    CLASSES,
    MAX_HITS,
    PACKAGE,
    ProhibitedCheck,
    ProhibitedRule,
    is_installed,
    load_detector,
)
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Screener
from tests.unit.media_screening.footage import ffmpeg

RULE = ProhibitedRule(every_s=2, min_score=0.6)
BRIGHT = "color=black:s=160x90:r=10:d=10,format=gray,geq=lum=40+160*gte(T\\,5)"


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds: dark, and from the fifth on bright."""
    path = tmp_path_factory.mktemp("halves") / "halves.mp4"
    ffmpeg("-f", "lavfi", "-i", BRIGHT, "-c:v", "libx264", "-preset", "ultrafast", path)
    return path


def bright(picture: Picture) -> list[dict[str, Any]]:
    """Takes brightness for what the model would find, and other things beside it."""
    score = 0.9 if picture.mean() > 100 else 0.3
    return [
        {"class": "BUTTOCKS_EXPOSED", "score": score - 0.1},
        {"class": "BUTTOCKS_EXPOSED", "score": score},
        {"class": "FACE_FEMALE", "score": 0.99},
        {"class": "FEET_EXPOSED", "score": 0.99},
    ]


def test_hits_say_what_how_sure_and_when(halves: Path) -> None:
    hits = ProhibitedCheck(bright, rule=RULE).look(halves, timeout_seconds=60)
    assert [(hit.label, hit.score, hit.at_s) for hit in hits] == [
        ("buttocks_exposed", 0.9, 6.0),
        ("buttocks_exposed", 0.9, 8.0),
    ]


def test_an_upload_is_looked_at_whatever_else_it_shows(
    halves: Path, library: ReferenceLibrary
) -> None:
    outcome = Screener(library, prohibited=ProhibitedCheck(bright, rule=RULE)).screen(halves)
    assert (outcome.status, len(outcome.prohibited)) == ("clean", 2)
    assert Screener(library).screen(halves).prohibited == ()


def test_the_surest_are_told_and_not_more_than_enough(halves: Path) -> None:
    def all_of_them(picture: Picture) -> list[dict[str, Any]]:
        score = 0.7 if picture.mean() > 100 else 0.8
        return [{"class": name, "score": score} for name in CLASSES]

    check = ProhibitedCheck(all_of_them, rule=ProhibitedRule(every_s=0.5))
    hits = check.look(halves, timeout_seconds=60)
    assert len(hits) == MAX_HITS
    assert {hit.score for hit in hits} == {0.8}
    assert [hit.at_s for hit in hits] == sorted(hit.at_s for hit in hits)


def test_who_does_not_wait_any_more_ends_it(halves: Path) -> None:
    def given_up() -> None:
        raise TimeLimit

    with pytest.raises(TimeLimit):
        ProhibitedCheck(bright, rule=RULE).look(halves, timeout_seconds=60, wanted=given_up)


def test_a_model_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media_screening.prohibited.PACKAGE", "no_such_package")
    assert not is_installed()
    with pytest.raises(DecoderFailed, match="no_such_package cannot be used: ModuleNotFound"):
        load_detector()


@pytest.mark.skipif(not is_installed(), reason=f"{PACKAGE} is not installed: it is an extra")
def test_the_real_model_finds_nothing_in_shapes(halves: Path, films: dict[str, Path]) -> None:
    """Decoding, the model's own input and its answers, with nothing in the place of any."""
    asked: list[int] = []
    detector = load_detector()

    def counted(picture: Picture) -> list[dict[str, Any]]:
        found = list(detector(picture))
        asked.append(len(found))
        return found

    for path in (halves, films["work"]):
        assert ProhibitedCheck(counted, rule=RULE).look(path, timeout_seconds=60) == ()
    assert len(asked) == 5 + 10


@pytest.mark.skipif(not is_installed(), reason=f"{PACKAGE} is not installed: it is an extra")
def test_the_real_model_has_the_classes_that_are_asked_for() -> None:
    package = pytest.importorskip("nudenet.nudenet")
    assert set(vars(package)["__labels"]) >= CLASSES
