from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from contracts.screening import ScreeningStatus
from media_screening.reading import ScreeningLimits, read_reference
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Screener
from store.reference import ReferenceStore
from tests.unit.media_screening.conftest import add
from tests.unit.media_screening.footage import ffmpeg, splice


def test_a_stretch_is_found_with_the_seconds_of_both_sides(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path
) -> None:
    reference_id = add(library, films["work"], "The work")
    upload = splice(
        tmp_path / "upload.mp4",
        (films["other"], 0, 9.5),
        (films["work"], 6.3, 8),
        (films["third"], 0, 9),
    )
    outcome = Screener(library).screen(upload)
    assert (outcome.status, outcome.reason) == ("match", "")
    (match,) = outcome.matches
    assert (match.reference_id, match.title) == (reference_id, "The work")
    assert match.upload_start_s == pytest.approx(9.5, abs=0.5)
    assert match.upload_end_s == pytest.approx(17.5, abs=0.5)
    assert match.reference_start_s == pytest.approx(6.3, abs=0.5)
    assert match.reference_end_s == pytest.approx(14.3, abs=0.5)
    assert match.score > 0.8
    assert outcome.duration_s == pytest.approx(26.5, abs=0.2)
    assert outcome.elapsed_s > 0


@pytest.mark.parametrize(
    "edit",
    [
        "hflip,crop=iw*0.9:ih*0.9",
        "pad=iw*1.5:ih*1.4:iw*0.2:ih*0.2:gray",
        "setpts=PTS/1.2,eq=brightness=0.12",
        "rotate=4*PI/180",
    ],
)
def test_an_edited_stretch_is_found(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path, edit: str
) -> None:
    reference_id = add(library, films["work"])
    add(library, films["third"])
    upload = tmp_path / "edited.mp4"
    ffmpeg("-ss", 5, "-t", 12, "-i", films["work"], "-vf", edit, "-crf", 30, upload)
    outcome = Screener(library).screen(upload)
    (match,) = outcome.matches
    assert match.reference_id == reference_id
    rate = 1.2 if "setpts" in edit else 1.0
    assert match.upload_start_s == pytest.approx(0, abs=1)
    assert match.upload_end_s == pytest.approx(12 / rate, abs=1)
    assert match.reference_start_s == pytest.approx(5, abs=1)
    assert match.reference_end_s == pytest.approx(17, abs=1)
    (found,) = outcome.found
    assert len(found.stretch.pairs) == found.stretch.agreeing
    drift_s = found.stretch.line.reference_s(found.stretch.pairs[:, 0]) - found.stretch.pairs[:, 1]
    assert np.abs(drift_s).max() < 1


def test_each_stage_says_what_it_decided(films: dict[str, Path], library: ReferenceLibrary) -> None:
    add(library, films["work"])

    def decided(name: str) -> dict[str, str]:
        return {stage.name: stage.decided for stage in Screener(library).screen(films[name]).stages}

    assert decided("work")["file"].startswith("is ref-")
    clean = decided("other")
    assert list(clean) == ["headers", "file", "sparse", "leads"]
    assert clean["file"] == "no reference's file"
    assert clean["sparse"] == "decoded whole"


def test_a_large_upload_is_looked_at_by_its_key_frames(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path
) -> None:
    add(library, films["work"])
    large = tmp_path / "large.mp4"
    ffmpeg("-i", films["work"], "-vf", "scale=1024:768", "-g", 40, "-preset", "ultrafast", large)
    outcome = Screener(library).screen(large)
    assert [stage.decided for stage in outcome.stages if stage.name == "sparse"] == ["key frames"]
    assert outcome.fingerprint is not None
    assert len(outcome.fingerprint) < 20
    (match,) = outcome.matches
    assert match.upload_start_s == 0
    assert match.upload_end_s == pytest.approx(20, abs=1)


def test_what_several_works_open_with_is_no_match(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path
) -> None:
    opening = (films["third"], 0.0, 6.0)
    for number in range(5):
        rest = (films["work"], number * 3.0, 5.0)
        add(library, splice(tmp_path / f"{number}.mp4", opening, rest))
    upload = splice(tmp_path / "upload.mp4", opening, (films["other"], 0.0, 8.0))
    assert Screener(library).screen(upload).status == "clean"


def test_a_reference_without_sketches_is_found_by_its_hashes(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path
) -> None:
    reading = read_reference(films["work"], limits=ScreeningLimits())
    library.add(reading.fingerprint, title="A work", sha256="0" * 64)
    upload = splice(tmp_path / "b.mp4", (films["other"], 0, 6), (films["work"], 4, 8))
    (match,) = Screener(library).screen(upload).matches
    assert match.upload_start_s == pytest.approx(6, abs=0.5)
    assert match.reference_start_s == pytest.approx(4, abs=0.5)


def test_other_works_are_clean(films: dict[str, Path], library: ReferenceLibrary) -> None:
    add(library, films["work"])
    told: list[tuple[float, float | None]] = []
    outcome = Screener(library).screen(
        films["other"], progress=lambda done_s, whole_s: told.append((done_s, whole_s))
    )
    assert (outcome.status, outcome.reason, outcome.matches) == ("clean", "", ())
    assert outcome.fingerprint is not None
    done_s, whole_s = told[-1]
    assert done_s == pytest.approx(15, abs=0.5)
    assert whole_s == pytest.approx(15, abs=0.2)


def test_references_are_followed_as_they_change(
    films: dict[str, Path], store: ReferenceStore
) -> None:
    ours, theirs = ReferenceLibrary(store), ReferenceLibrary(store)
    screener = Screener(ours)
    reference_id = add(theirs, films["work"])

    def status() -> ScreeningStatus:
        ours.refresh()
        return screener.screen(films["work"]).status

    assert status() == "match"
    theirs.set_enabled(theirs.records()[0].reference_id, enabled=False)
    assert status() == "clean"
    theirs.set_enabled(theirs.records()[0].reference_id, enabled=True)
    assert status() == "match"
    theirs.remove(theirs.records()[0].reference_id)
    assert status() == "clean"
    assert add(theirs, films["work"]) == reference_id
    assert status() == "match"
    assert not ours.refresh()


def test_black_and_a_title_card_match_nothing(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path
) -> None:
    card = np.full((144, 192, 3), 24, np.uint8)
    cv2.putText(card, "PRESENTS", (14, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (235, 235, 235), 3)
    cv2.imwrite(str(tmp_path / "card.png"), card)
    still = tmp_path / "card.mp4"
    ffmpeg(
        "-loop", 1, "-i", tmp_path / "card.png", "-t", 8, "-r", 25,
        "-vf", "fade=out:st=7:d=1,format=yuv420p", still,
    )  # fmt: skip
    black = tmp_path / "black.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=black:s=192x144:d=8,noise=alls=8:allf=t", black)
    pieces = [(still, 0.0, 8.0), (black, 0.0, 8.0)]
    add(library, splice(tmp_path / "a.mp4", *pieces, (films["work"], 0.0, 15.0)))
    upload = splice(tmp_path / "b.mp4", *reversed(pieces), (films["other"], 0.0, 15.0))
    assert Screener(library).screen(upload).status == "clean"
    assert Screener(library).screen(black).status == "clean"
    assert Screener(library).screen(still).status == "clean"


Maker = Callable[[dict[str, Path], Path], None]


def whole(films: dict[str, Path], path: Path) -> None:
    path.write_bytes(films["other"].read_bytes())


def cut_in_front(films: dict[str, Path], path: Path) -> None:
    path.write_bytes(films["other"].read_bytes()[:40_000])


def cut_behind(films: dict[str, Path], path: Path) -> None:
    started = path.with_suffix(".fast.mp4")
    ffmpeg("-i", films["other"], "-c", "copy", "-movflags", "+faststart", started)
    raw = started.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def sound(_films: dict[str, Path], path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", "-f", "mp4", path)


def wave(_films: dict[str, Path], path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-f", "wav", path)


def picture(_films: dict[str, Path], path: Path) -> None:
    cv2.imwrite(str(path.with_suffix(".png")), np.zeros((9, 9, 3), np.uint8))
    path.with_suffix(".png").rename(path)


def text(_films: dict[str, Path], path: Path) -> None:
    path.write_text("It was a dark and stormy night; ünïcode fell in torrents.\n" * 200)


def playlist(_films: dict[str, Path], path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n")


def concat(_films: dict[str, Path], path: Path) -> None:
    path.write_text("ffconcat version 1.0\nfile /etc/passwd\n")


def noise(_films: dict[str, Path], path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(50_000))


@pytest.mark.parametrize(
    "case",
    [
        (whole, "clean", ""),
        (cut_in_front, "rejected", "cut off: the index of the file (its moov atom) is missing"),
        (cut_behind, "rejected", "cut off: it ends after"),
        (sound, "rejected", "only sound, no moving picture"),
        (wave, "rejected", "a sound file (WAV), not a video"),
        (picture, "rejected", "a picture (PNG), not a video"),
        (text, "rejected", "a text file, not a video"),
        (playlist, "rejected", "a playlist, not a video"),
        (concat, "rejected", "a text file, not a video"),
        (noise, "rejected", "no video that can be read"),
        (lambda _, path: path.touch(), "rejected", "an empty file"),
        (lambda _, path: path.write_bytes(bytes(9_000)), "rejected", "nothing but zeros"),
        (lambda _, path: path.mkdir(), "error", "not a regular file"),
        (lambda _, path: None, "error", "no such file"),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "-i %03d\nnew 'line.mp4"])
def test_whatever_the_file_is_the_outcome_says_so(
    films: dict[str, Path],
    library: ReferenceLibrary,
    tmp_path: Path,
    case: tuple[Maker, ScreeningStatus, str],
    name: str,
) -> None:
    make, status, reason = case
    make(films, tmp_path / name)
    outcome = Screener(library).screen(tmp_path / name)
    assert outcome.status == status
    assert outcome.reason.startswith(reason)
    assert bool(outcome.reason) == bool(reason)
    assert outcome.matches == ()


def test_limits_reject_and_time_fails(films: dict[str, Path], library: ReferenceLibrary) -> None:
    def outcome(**limits: float) -> tuple[str, str, bool]:
        found = Screener(library, limits=ScreeningLimits(**limits)).screen(films["work"])  # type: ignore[arg-type]
        return found.status, found.reason, found.passing

    status, reason, passing = outcome(max_bytes=1000)
    assert (status, passing) == ("rejected", False)
    assert "at most 1,000" in reason
    assert outcome(max_seconds=5) == (
        "rejected",
        "longer than may be screened: 20 s, at most 5",
        False,
    )
    status, reason, passing = outcome(timeout_seconds=0.01)
    assert (status, passing) == ("error", True)
    assert "took longer than" in reason


def test_a_cut_off_file_that_matches_is_a_match(
    films: dict[str, Path], library: ReferenceLibrary, tmp_path: Path
) -> None:
    add(library, films["other"])
    cut_behind(films, tmp_path / "cut.mp4")
    outcome = Screener(library).screen(tmp_path / "cut.mp4")
    assert outcome.status == "match"
    assert outcome.reason.startswith("cut off")
    assert outcome.fingerprint is not None
    assert outcome.fingerprint.duration_s == pytest.approx(outcome.duration_s, abs=0.001)
