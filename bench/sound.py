"""Find ten seconds of a work's sound, edited, inside a minute of other sound; and what it costs.

The works are the videos that have sound, made-up music, and speech where espeak-ng is installed
(`pip install espeakng-loader`). Each edit is done to stretches of some of them, which are put into
music that no reference has, encoded, and heard as an upload is. Sounds that no reference has must
match nothing.

    python -m bench.sound --videos DIR [DIR...] [--works N] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from sqlalchemy import create_engine

from bench.sound_source import music, speech, write_wave
from contracts.ids import ReferenceId
from contracts.screening import Match
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.probe import probe
from media_screening.errors import NotAVideo
from media_screening.fingerprinting.fingerprint import make_fingerprint
from media_screening.reference import ReferenceLibrary
from media_screening.sound.library import SoundLibrary
from media_screening.sound.listening import Listener
from media_screening.sound.reading import SPEEDS, read_sound
from media_screening.sound.screening import SoundScreener
from store.reference import ReferenceStore
from store.schema import metadata

STRETCH_S = 10.0
UPLOAD_S = 60.0
WORK_S = 90.0
TOLERANCE_S = 1.0
LONG_S = 600.0
HEADING = f"{'edit':28} tried found ends within 1 s largest error, s false"


@dataclass(frozen=True, kw_only=True)
class Edit:
    name: str
    audio: str = "anull"
    speed: float = 1.0
    codec: tuple[str, ...] = ("pcm_s16le",)
    under_speech: bool = False


def sped_up(speed: float) -> Edit:
    audio = f"aresample=44100,asetrate={round(44_100 * speed)}"
    return Edit(name=f"speed {speed:.0%}", audio=audio, speed=speed)


EDITS = (
    Edit(name="mp3 32 kbit/s", codec=("libmp3lame", "-b:a", "32k")),
    Edit(name="aac 32 kbit/s", codec=("aac", "-b:a", "32k")),
    Edit(name="opus 32 kbit/s", codec=("libopus", "-b:a", "32k")),
    *map(sped_up, (0.80, 0.90, 0.95, 1.05, 1.10, 1.20)),
    Edit(name="tempo 80%", audio="atempo=0.8", speed=0.8),
    Edit(name="tempo 120%", audio="atempo=1.2", speed=1.2),
    Edit(name="pitch 90%", audio="asetrate=39690,aresample=44100,atempo=1.1111"),
    Edit(name="pitch 110%", audio="asetrate=48510,aresample=44100,atempo=0.90909"),
    Edit(name="noise, -30 dB", audio="aeval=val(0)+0.05*(random(0)*2-1):c=same"),
    Edit(name="noise, -24 dB", audio="aeval=val(0)+0.1*(random(0)*2-1):c=same"),
    Edit(name="bass +10, treble -10 dB", audio="bass=g=10,treble=g=-10"),
    Edit(name="300 to 3,400 Hz", audio="highpass=300,lowpass=3400"),
    Edit(name="volume 5 %", audio="volume=0.05"),
    Edit(name="volume 800 %, clipped", audio="volume=8"),
    Edit(name="under speech, -6 dB", audio="volume=0.5", under_speech=True),
    Edit(name="under speech, equal", under_speech=True),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    work: Path
    edit: Edit
    start_s: float
    at_s: float


@dataclass(kw_only=True)
class Tally:
    tries: int = 0
    found: int = 0
    exact: int = 0
    false: int = 0
    worst_s: float = 0.0

    def add(self, matches: tuple[Match, ...], case: Case) -> None:
        self.tries += 1
        for match in matches:
            errors = (
                abs(match.upload_start_s - case.at_s),
                abs(match.upload_end_s - case.at_s - STRETCH_S),
                abs(match.reference_start_s - case.start_s),
                abs(match.reference_end_s - case.start_s - STRETCH_S * case.edit.speed),
            )
            if match.reference_id != case.work.stem or errors[0] > STRETCH_S:
                self.false += 1
                continue
            self.found += 1
            self.exact += max(errors) <= TOLERANCE_S
            self.worst_s = max(self.worst_s, *errors)


def run_ffmpeg(*arguments: object) -> None:
    subprocess.run(
        [ffmpeg_path(), "-nostdin", "-v", "error", "-y", "-threads", "1", *map(str, arguments)],
        check=True,
    )


def wrapped(path: Path, inside: Path) -> Path:
    """The sound alone, in a container that is screened, all of one kind."""
    kind = ("-vn", "-t", WORK_S, "-ar", 44_100, "-ac", 1, "-c:a", "pcm_s16le")
    run_ffmpeg("-i", path, *kind, inside)
    return inside


def works_of(videos: list[Path], folder: Path) -> Iterator[Path]:
    for path in sorted(path for one in videos for path in one.iterdir() if path.is_file()):
        try:
            has_sound = probe(path).has_sound
        except NotAVideo as error:
            has_sound = "only sound" in error.reason
        if has_sound:
            yield wrapped(path, folder / f"{path.stem}.mka")
    yield from made_up(folder, "music", range(6))
    yield from made_up(folder, "speech", range(4))


def made_up(folder: Path, kind: str, seeds: range) -> Iterator[Path]:
    for seed in seeds:
        path = folder / f"{kind}-{seed}.wav"
        if kind == "music":
            write_wave(path, music(seed=seed, seconds=WORK_S))
        elif not speech(path, seed=seed, sentences=24):
            return
        yield wrapped(path, path.with_suffix(".mka"))


def upload_of(case: Case, around: Path, to: Path) -> None:
    """Sound that nobody knows, the edited stretch, and more of what nobody knows."""
    taken_s = STRETCH_S * case.edit.speed
    same = "aresample=44100,aformat=channel_layouts=mono"
    from_s, at_s = case.start_s, case.at_s
    graph = (
        f"[1:a]atrim=0:{at_s},asetpts=PTS-STARTPTS,{same}[before];"
        f"[0:a]atrim={from_s}:{from_s + taken_s},asetpts=PTS-STARTPTS,{case.edit.audio},"
        f"{same}[work];"
        f"[1:a]atrim={at_s}:{UPLOAD_S - STRETCH_S},asetpts=PTS-STARTPTS,{same}[after];"
    )
    inputs = ["-i", case.work, "-i", around]
    stretch = "[work]"
    if case.edit.under_speech:
        inputs += ["-i", around.with_name("over.mka")]
        graph += (
            f"[2:a]atrim=5:{5 + taken_s},asetpts=PTS-STARTPTS,{same}[over];"
            "[work][over]amix=inputs=2:duration=first:normalize=0[mixed];"
        )
        stretch = "[mixed]"
    graph += f"[before]{stretch}[after]concat=n=3:v=0:a=1[out]"
    run_ffmpeg(*inputs, "-filter_complex", graph, "-map", "[out]", "-c:a", *case.edit.codec, to)


def cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def try_edits(
    works: dict[Path, float], listener: Listener, arguments: argparse.Namespace, folder: Path
) -> Iterator[tuple[Edit, Tally]]:
    """Each edit of some works, between sounds that no reference has."""
    chance = random.Random(arguments.seed)
    (around,) = made_up(folder, "music", range(100, 101))
    over = next(made_up(folder, "speech", range(104, 105)), None)
    if over is not None:
        over.rename(folder / "over.mka")
    fitting = [path for path, length_s in works.items() if length_s >= 1.25 * STRETCH_S + 1]
    for edit in EDITS:
        if edit.under_speech and over is None:
            continue
        tally = Tally()
        for work in chance.sample(fitting, min(arguments.works, len(fitting))):
            case = Case(
                work=work,
                edit=edit,
                start_s=chance.uniform(0, works[work] - STRETCH_S * edit.speed),
                at_s=chance.uniform(5, UPLOAD_S - STRETCH_S - 5),
            )
            upload_of(case, around, folder / "upload.mka")
            heard = listener.listen(
                folder / "upload.mka", max_seconds=UPLOAD_S * 2, timeout_seconds=900
            )
            tally.add(heard.matches, case)
        yield edit, tally


def cost_of(sounds: SoundLibrary, folder: Path) -> Iterator[str]:
    """How many times faster than it is played ten minutes of AAC are listened to."""
    upload = folder / "long.mka"
    (unknown,) = made_up(folder, "music", range(300, 301))
    run_ffmpeg("-stream_loop", 99, "-i", unknown, "-t", LONG_S, "-c:a", "aac", upload)
    for told, speeds in (("at its own speed", ()), ("at all speeds", SPEEDS)):
        began = cpu_s()
        Listener(SoundScreener(sounds), speeds=speeds).listen(
            upload, max_seconds=LONG_S, timeout_seconds=3_600
        )
        yield f"{told}, decoding included: {LONG_S / (cpu_s() - began):.0f} times real time"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, nargs="+", required=True, help="folders of sources")
    parser.add_argument("--works", type=int, default=6, help="works that each edit is done to")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    console = Console(width=100, highlight=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = create_engine(f"sqlite:///{folder / 'bench.db'}")
        metadata.create_all(engine)
        store = ReferenceStore(engine)
        works: dict[Path, float] = {}
        for path in works_of(arguments.videos, folder):
            sound = read_sound(path, max_seconds=WORK_S, timeout_seconds=900)
            if sound is None or sound.fingerprint.audible.mean() < 0.5:
                continue
            works[path] = sound.fingerprint.duration_s
            ReferenceLibrary(store).add(
                make_fingerprint(duration_s=1.0, times_s=[], pdq=[], phash=[], quality=[]),
                title=path.stem,
                sha256=path.stem,
                reference_id=ReferenceId(path.stem),
                sound=sound.fingerprint,
            )
        sounds = SoundLibrary(store)
        sounds.refresh()
        listener = Listener(SoundScreener(sounds))
        console.print(f"{len(works)} works: {', '.join(path.stem for path in works)}")
        console.print(HEADING)
        tried, found, exact, false = 0, 0, 0, 0
        for edit, tally in try_edits(works, listener, arguments, folder):
            console.print(
                f"{edit.name:28} {tally.tries:5} {tally.found:5} {tally.exact:15}"
                f" {tally.worst_s:16.2f} {tally.false:5}"
            )
            tried, found = tried + tally.tries, found + tally.found
            exact, false = exact + tally.exact, false + tally.false
        console.print(f"found {found} of {tried}, {exact} with all four ends within 1 s")
        console.print(f"false matches in these: {false}")
        unrelated = [
            *made_up(folder, "music", range(200, 206)),
            *made_up(folder, "speech", range(204, 208)),
        ]
        for path in unrelated:
            false += len(listener.listen(path, max_seconds=600, timeout_seconds=900).matches)
        console.print(f"false matches with {len(unrelated)} unrelated sounds too: {false}")
        for line in cost_of(sounds, folder):
            console.print(line)
    return 1 if false else 0


if __name__ == "__main__":
    raise SystemExit(main())
