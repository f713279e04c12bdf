"""Picture and sound of whole files, as a media worker screens them."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.ids import ReferenceId
from media_screening import metrics
from media_screening.errors import DecoderFailed, TimeLimit
from media_screening.judgement import judged
from media_screening.reading import (
    REFERENCE_FRAMES_PER_SECOND,
    ScreeningLimits,
    fingerprint_file,
)
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Screener
from media_screening.sound.library import SoundLibrary
from media_screening.sound.listening import Listener
from media_screening.sound.reading import read_sound
from media_screening.sound.screening import SoundScreener
from store.reference import ReferenceStore
from tests.unit.media_screening.noise import RATE_HZ, sounding, tune


@pytest.fixture(scope="module")
def work(films: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounding") / "work.mp4"
    return sounding(path, tune(1, 20), picture=films["work"])


@pytest.fixture
def listener(work: Path, library: ReferenceLibrary, store: ReferenceStore) -> Listener:
    picture, _ = fingerprint_file(
        work, frames_per_second=REFERENCE_FRAMES_PER_SECOND, limits=ScreeningLimits()
    )
    sound = read_sound(work, max_seconds=60, timeout_seconds=60)
    assert sound is not None
    library.add(
        picture,
        title="The work",
        sha256="w",
        reference_id=ReferenceId("w"),
        sound=sound.fingerprint,
    )
    sounds = SoundLibrary(store)
    sounds.refresh()
    return Listener(SoundScreener(sounds), speeds=())


def test_a_copy_is_found_by_both(work: Path, library: ReferenceLibrary, listener: Listener) -> None:
    outcome = Screener(library, listener=listener).screen(work)
    (match,) = outcome.matches
    assert match.by == "both"
    assert match.score == pytest.approx(1, abs=0.01)
    assert (match.upload_start_s, match.upload_end_s) == pytest.approx((0, 20), abs=0.5)
    assert judged(outcome, library).action == "hold"
    assert outcome.sound is not None
    assert outcome.sound.duration_s == pytest.approx(20, abs=0.3)


def test_a_works_sound_under_another_picture_is_for_review(
    films: dict[str, Path], library: ReferenceLibrary, listener: Listener, tmp_path: Path
) -> None:
    heard = tune(1, 20)[: 15 * RATE_HZ]
    upload = sounding(tmp_path / "upload.mp4", heard, picture=films["third"])
    outcome = judged(Screener(library, listener=listener).screen(upload), library)
    (match,) = outcome.matches
    assert (outcome.status, match.by, outcome.action) == ("match", "sound", "review")
    assert match.upload_end_s == pytest.approx(15, abs=1)


def test_a_works_picture_with_other_sound_is_found_as_before(
    films: dict[str, Path], library: ReferenceLibrary, listener: Listener, tmp_path: Path
) -> None:
    upload = sounding(tmp_path / "upload.mp4", tune(9, 20), picture=films["work"])
    (match,) = Screener(library, listener=listener).screen(upload).matches
    assert match.by == "picture"
    (silent,) = Screener(library, listener=listener).screen(films["work"]).matches
    assert silent.by == "picture"


def test_sound_that_cannot_be_decoded_costs_the_sound_alone(
    work: Path, library: ReferenceLibrary, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise DecoderFailed

    failures = metrics.SOUND_FAILURES._value.get()
    monkeypatch.setattr("media_screening.sound.listening.read_sound", broken)
    outcome = Screener(library, listener=listener).screen(work)
    assert [match.by for match in outcome.matches] == ["picture"]
    assert metrics.SOUND_FAILURES._value.get() == failures + 1


def test_who_does_not_wait_any_more_ends_the_listening(work: Path, listener: Listener) -> None:
    def given_up() -> None:
        raise TimeLimit

    with pytest.raises(TimeLimit):
        listener.listen(work, max_seconds=60, timeout_seconds=60, wanted=given_up)
    with pytest.raises(TimeLimit):
        listener.listen(work, max_seconds=60, timeout_seconds=0)


@pytest.mark.parametrize("speed", [0.9, 1.05])
def test_ten_seconds_at_another_speed_are_found(
    library: ReferenceLibrary, listener: Listener, store: ReferenceStore, tmp_path: Path,
    speed: float,
) -> None:  # fmt: skip
    """Short stretches tell their speed by their pitch, not by their length."""
    cut = tune(1, 20)[4 * RATE_HZ : round((4 + 10 * speed) * RATE_HZ)]
    edit = f"asetrate={round(RATE_HZ * speed)},aresample={RATE_HZ}"
    upload = sounding(tmp_path / "upload.mp4", cut, edit=edit)
    sounds = SoundLibrary(store)
    sounds.refresh()
    found = Listener(SoundScreener(sounds)).listen(upload, max_seconds=60, timeout_seconds=60)
    (match,) = found.matches
    assert (match.upload_start_s, match.upload_end_s) == pytest.approx((0, 10), abs=0.6)
    assert match.reference_start_s == pytest.approx(4, abs=0.6)
    assert match.reference_end_s == pytest.approx(4 + 10 * speed, abs=0.6)
    assert match.score > 0.9
