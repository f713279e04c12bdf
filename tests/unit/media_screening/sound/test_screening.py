from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.decoding.pcm import read_pcm
from media_screening.reference import ReferenceLibrary
from media_screening.sound.library import SoundLibrary
from media_screening.sound.listening import Listener
from media_screening.sound.reading import Sampling, read_sound
from media_screening.sound.screening import MAX_COMMON_REFERENCES, SoundScreener
from media_screening.sound.sound_fingerprint import PERIOD_S, SoundFingerprint
from store.reference import ReferenceStore
from tests.unit.media_screening.footage import random_fingerprint
from tests.unit.media_screening.noise import RATE_HZ, random_sound, sounding, tune

WORK_S = 40.0

Keep = Callable[[str, SoundFingerprint], None]


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> SoundFingerprint:
    path = sounding(tmp_path_factory.mktemp("sounds") / "work.mp4", tune(1, WORK_S))
    return heard(path)


@pytest.fixture
def keep(library: ReferenceLibrary) -> Keep:
    """Keeps a sound as a reference; its pictures are of no account here."""

    def add(reference_id: str, sound: SoundFingerprint) -> None:
        library.add(
            random_fingerprint(len(reference_id), count=8, period_s=0.125),
            title=f"The {reference_id}",
            sha256=reference_id,
            reference_id=ReferenceId(reference_id),
            sound=sound,
        )

    return add


@pytest.fixture
def sounds(store: ReferenceStore) -> SoundLibrary:
    return SoundLibrary(store)


def heard(path: Path) -> SoundFingerprint:
    sound = read_sound(path, max_seconds=600, timeout_seconds=60)
    assert sound is not None
    return sound.fingerprint


def between(sound: NDArray[np.float64], start_s: float, end_s: float) -> NDArray[np.float64]:
    return sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]


@pytest.mark.parametrize(
    ("edit", "speed"),
    [
        ("volume=0.1,highpass=200", 1.0),
        ("asetrate=12127,aresample=11025", 1.1),
        ("atempo=0.9", 0.9),
        ("asetrate=10363,aresample=11025,atempo=1.0639", 1.0),
    ],
    ids=["quiet and thin", "sped up", "slowed down, pitch kept", "pitch shifted"],
)
def test_an_edited_stretch_is_found_with_the_seconds_of_both_sides(  # noqa: PLR0917 -- fixtures
    work: SoundFingerprint,
    keep: Keep,
    sounds: SoundLibrary,
    tmp_path: Path,
    edit: str,
    speed: float,
) -> None:
    keep("work", work)
    keep("other", heard(sounding(tmp_path / "other.mp4", tune(2, WORK_S))))
    sounds.refresh()
    # Edited by itself, then put between sounds that nobody knows.
    piece = sounding(tmp_path / "piece.mp4", between(tune(1, WORK_S), 9, 31), edit=edit)
    pcm = np.concatenate([tune(7, 8), decoded(piece), tune(8, 6)])
    listener = Listener(SoundScreener(sounds), speeds=(0.94, 1.10))
    found = listener.listen(
        sounding(tmp_path / "upload.mp4", pcm), max_seconds=600, timeout_seconds=60
    )
    (match,) = found.matches
    assert (match.reference_id, match.title, match.by) == ("work", "The work", "sound")
    assert match.upload_start_s == pytest.approx(8, abs=1)
    assert match.upload_end_s == pytest.approx(8 + 22 / speed, abs=1)
    assert match.reference_start_s == pytest.approx(9, abs=1)
    assert match.reference_end_s == pytest.approx(31, abs=1)
    assert match.score > 0.9
    assert found.fingerprint is not None
    assert found.fingerprint.duration_s == pytest.approx(14 + 22 / speed, abs=0.3)


def of_values(*parts: NDArray[np.uint32]) -> SoundFingerprint:
    values = np.concatenate(parts)
    return SoundFingerprint(
        duration_s=len(values) * PERIOD_S, values=values, audible=np.ones(len(values), bool)
    )


def decoded(path: Path) -> NDArray[np.float64]:
    raw = b"".join(read_pcm(path, max_seconds=600, timeout_seconds=60))
    return np.frombuffer(raw, "<i2") / 32_768


def test_unrelated_sound_silence_and_a_tone_match_nothing(
    work: SoundFingerprint, keep: Keep, sounds: SoundLibrary, tmp_path: Path
) -> None:
    hum = 0.5 * np.sin(2 * np.pi * 100 * np.arange(20 * RATE_HZ) / RATE_HZ)
    still = np.concatenate([np.zeros(20 * RATE_HZ), hum])
    keep("work", work)
    keep("still", heard(sounding(tmp_path / "still.mp4", still)))
    sounds.refresh()
    assert len(sounds) == 2
    for number, sound in enumerate((tune(3, 30), still)):
        upload = sounding(tmp_path / f"{number}.mp4", sound)
        found = Listener(SoundScreener(sounds)).listen(upload, max_seconds=600, timeout_seconds=60)
        assert found.matches == ()


def test_several_segments_of_several_works_each_have_their_own_seconds(
    keep: Keep, sounds: SoundLibrary
) -> None:
    one, two = random_sound(1, count=800), random_sound(2, count=800)
    keep("one", one)
    keep("two", two)
    sounds.refresh()
    other = random_sound(3, count=900).values
    upload = np.concatenate(
        [
            other[:100], one.values[200:400], other[100:200], two.values[50:200],
            one.values[500:620], other[200:300],
        ]
    )  # fmt: skip
    found = SoundScreener(sounds).match([of_values(upload).hearing()])
    told = [
        (
            match.reference_id,
            match.segment.upload_start_s / PERIOD_S,
            match.segment.reference_start_s / PERIOD_S,
            match.segment.reference_end_s / PERIOD_S,
        )
        for match in found
    ]
    assert [reference_id for reference_id, *_ in told] == ["one", "two", "one"]
    # A segment's ends are those of the sound, some values beyond the first and last that agree.
    for (_, *at), wanted in zip(
        told, ((100, 200, 400), (400, 50, 200), (550, 500, 620)), strict=True
    ):
        assert at == pytest.approx(wanted, abs=12)


def test_sound_that_many_references_share_counts_for_none(keep: Keep, sounds: SoundLibrary) -> None:
    bed = random_sound(9, count=160).values
    own = [random_sound(10 + number, count=360).values for number in range(4)]
    assert len(own) > MAX_COMMON_REFERENCES
    for number, values in enumerate(own):
        keep(f"w{number}", of_values(values[:200], bed, values[200:]))
    sounds.refresh()

    def found(*parts: NDArray[np.uint32]) -> list[str]:
        matches = SoundScreener(sounds).match([of_values(*parts).hearing()])
        return [match.reference_id for match in matches]

    assert found(bed) == []
    assert found(own[2][:200], bed) == ["w2"]


def test_changes_are_followed_and_bad_rows_left_out(
    work: SoundFingerprint, keep: Keep, sounds: SoundLibrary, store: ReferenceStore
) -> None:
    screener = SoundScreener(sounds)

    def is_found() -> bool:
        sounds.refresh()
        return bool(screener.match([work.hearing()]))

    assert not is_found()
    keep("work", work)
    assert is_found()
    assert not sounds.refresh()
    store.set_enabled(ReferenceId("work"), enabled=False, at_ms=1)
    assert not is_found()
    store.set_enabled(ReferenceId("work"), enabled=True, at_ms=2)
    assert is_found()
    store.remove(ReferenceId("work"))
    assert not is_found()
    assert len(sounds.index) == 0


def test_a_silent_film_has_no_sound(films: dict[str, Path]) -> None:
    assert read_sound(films["work"], max_seconds=60, timeout_seconds=60) is None


def test_long_sound_is_heard_at_other_speeds_now_and_then(tmp_path: Path) -> None:
    plan = Sampling(whole_until_s=10, round_s=15, stretch_s=5)
    path = sounding(tmp_path / "long.mp4", tune(5, 42))
    sound = read_sound(path, max_seconds=60, timeout_seconds=60, speeds=(1.25,), sampling=plan)
    assert sound is not None
    (hearing,) = sound.hearings
    at = hearing.times_s
    assert np.all(np.diff(at) > 0)
    # Whole windows of 2.2 s only, in the stretches that are listened to.
    for start_s, end_s in ((0, 10), (20, 25), (35, 40)):
        inside = at[(at > start_s) & (at < end_s)]
        assert len(inside) > 20
    assert not np.any((at > 10.5) & (at < 20))
    assert not np.any((at > 25.5) & (at < 35))
