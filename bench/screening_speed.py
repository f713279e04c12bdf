"""How fast uploads that hold no match are screened, beside ffmpeg decoding the same files.

The uploads are ordinary ones in 1080p (`bench/full_hd.py`). Picture and sound are screened, against
drawn videos of other content, made-up films (`bench/film.py`) that make the index as large as a
library's, and pieces of music. ffmpeg decodes picture and sound of the same files to nothing. Both
run on the same cores, in turns; what counts is CPU time, of all processes and threads, and the
ratio: what else runs on the machine changes either little.

    python -m bench.screening_speed --videos DIR --cache DIR [--files N] [--docs FILE]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from bench.edited import duration_s, ffmpeg, strangers
from bench.film import FRAMES_PER_SECOND, film_hashes
from bench.full_hd import Recipe, repeated, uploads
from bench.note import Note
from bench.sound_source import music, write_wave
from contracts.ids import ReferenceId
from doorstaff.library import add_reference
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.fingerprinting.fingerprint import make_fingerprint
from media_screening.index.hash_index import prepare
from media_screening.reading import ScreeningLimits
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome, Screener
from media_screening.sound.library import SoundLibrary
from media_screening.sound.listening import Listener
from media_screening.sound.reading import read_sound
from media_screening.sound.screening import SoundScreener
from store.reference import ReferenceStore
from store.schema import metadata

FILM_S = 7_200
SONGS = 8
SONG_S = 90.0
ASKED_TIMES_DECODE = 8.0
ASKED_TIMES_REAL = 60.0


_HOW = """\
The uploads are real footage scaled up to 1080p with a camera's grain, cut together to a minute,
with an AAC sound track; none holds a work that is known. They differ in what encoders differ in:
x264's own key frames (every 250 frames, and where the picture changes), those of a stream (every
2 s), bit rate, frame rate. One is shown several times over in a longer upload: what is spent once
a file, and the sound at other speeds, of which a sample is taken after two minutes, weighs less
there. ffmpeg decodes picture and sound of the same file to nothing, in turns with screening."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one run."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One upload: what ffmpeg and screening took, as medians of the rounds."""

    recipe: Recipe
    length_s: float
    mbit: float
    outcome: Outcome
    theirs: Cost
    ours: Cost

    def row(self) -> tuple[str, ...]:
        recipe, ours, theirs = self.recipe, self.ours, self.theirs
        pictures = next(stage.pictures for stage in self.outcome.stages if stage.name == "sparse")
        gap_s = recipe.key_frames / recipe.frames_per_second
        return (
            f"{recipe.name}: {self.mbit:.1f} Mbit/s, {recipe.frames_per_second}/s, a key frame"
            f" every {gap_s:.1f} s at least ({pictures} in {self.length_s:.0f} s)",
            self.outcome.status,
            f"{theirs.cpu_s:.2f} ({theirs.wall_s:.2f})",
            f"{ours.cpu_s:.2f} ({ours.wall_s:.2f})",
            f"**{self.times_decode:.1f}** ({theirs.wall_s / ours.wall_s:.1f})",
            f"**{self.times_real:.0f}** ({self.length_s / ours.wall_s:.0f})",
        )

    @property
    def times_decode(self) -> float:
        return self.theirs.cpu_s / self.ours.cpu_s

    @property
    def times_real(self) -> float:
        return self.length_s / self.ours.cpu_s


def cpu_s() -> float:
    """CPU time of this process and of those it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(work: Callable[[], object]) -> Cost:
    began, began_cpu_s = time.perf_counter(), cpu_s()
    work()
    return Cost(wall_s=time.perf_counter() - began, cpu_s=cpu_s() - began_cpu_s)


def median(costs: list[Cost]) -> Cost:
    return Cost(
        wall_s=statistics.median(cost.wall_s for cost in costs),
        cpu_s=statistics.median(cost.cpu_s for cost in costs),
    )


def decode(path: Path, threads: int) -> None:
    """Picture and sound, to nothing."""
    subprocess.run(
        [ffmpeg_path(), "-nostdin", "-v", "error", "-threads", str(threads), "-i", str(path),
         "-f", "null", "-"],
        check=True,
    )  # fmt: skip


def add_songs(library: ReferenceLibrary) -> None:
    """Works that are known by their sound."""
    with tempfile.TemporaryDirectory() as name:
        for seed in range(SONGS):
            wave, path = Path(name) / "song.wav", Path(name) / "song.mka"
            write_wave(wave, music(seed=1_000 + seed, seconds=SONG_S))
            ffmpeg("-i", wave, "-c:a", "pcm_s16le", path)
            sound = read_sound(path, max_seconds=SONG_S, timeout_seconds=900)
            library.add(
                make_fingerprint(duration_s=SONG_S, times_s=[], pdq=[], phash=[], quality=[]),
                title=f"song {seed}",
                sha256=f"song {seed}",
                sound=sound.fingerprint if sound else None,
            )


def make_screener(folder: Path, *, hours: float, threads: int) -> tuple[Screener, str]:
    """What screens, and what it knows."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    store = ReferenceStore(engine)
    library, sounds = ReferenceLibrary(store), SoundLibrary(store)
    drawn = strangers(folder)[::2]
    for work in drawn:
        add_reference(library, work.path, title=work.name, reference_id=work.name, listen=False)
    add_songs(library)
    for number in range(round(hours * 3_600 / FILM_S)):
        film = prepare(film_hashes(number, FILM_S * FRAMES_PER_SECOND))
        library.index.add_all({ReferenceId(f"film {number}"): film})
    sounds.refresh()
    knows = (
        f"{len(drawn)} drawn videos of 16 s with sketches and features, the hashes of {hours:g} h"
        f" of made-up films ({len(library.index) / 1e6:.1f} M), {SONGS} pieces of music of"
        f" {SONG_S:g} s ({len(sounds.index):,} values)"
    )
    limits = ScreeningLimits(decode_threads=threads)
    return Screener(library, limits=limits, listener=Listener(SoundScreener(sounds))), knows


def measure(
    recipe: Recipe, path: Path, screener: Screener, *, rounds: int, threads: int
) -> Measured:
    outcomes: list[Outcome] = []
    theirs: list[Cost] = []
    ours: list[Cost] = []
    for _ in range(rounds):
        theirs.append(timed(lambda: decode(path, threads)))
        ours.append(timed(lambda: outcomes.append(screener.screen(path))))
    length_s = duration_s(path)
    return Measured(
        recipe=recipe,
        length_s=length_s,
        mbit=path.stat().st_size * 8 / length_s / 1e6,
        outcome=outcomes[-1],
        theirs=median(theirs),
        ours=median(ours),
    )


def tell(note: Note, measured: list[Measured], *, threads: int, knows: str) -> None:
    note.say(
        f"Seconds of CPU, those on the clock in brackets, with {threads} threads for ffmpeg on both"
        f" sides. Known are {knows}."
    )
    note.table(
        (
            "upload",
            "screened",
            "ffmpeg, to nothing",
            "screening",
            "times as fast",
            "times real time",
        ),
        (one.row() for one in measured),
    )
    note.say("Where the CPU seconds of the last round went:")
    names = list(dict.fromkeys(stage.name for one in measured for stage in one.outcome.stages))
    rows = []
    for one in measured:
        stages = {stage.name: stage for stage in one.outcome.stages}
        spent = (f"{stages[name].cpu_s:.3f}" if name in stages else "" for name in names)
        decided = f"{stages['leads'].decided}; {stages['sound'].decided}"
        rows.append((f"{one.recipe.name}, {one.length_s:.0f} s", *spent, decided))
    note.table(("upload", *names, "decided"), rows)
    figures = (
        (
            f"{ASKED_TIMES_DECODE:g} times as fast as decoding to nothing, by CPU",
            ASKED_TIMES_DECODE,
            [one.times_decode for one in measured],
        ),
        (
            f"{ASKED_TIMES_REAL:g} times real time, by the clock",
            ASKED_TIMES_REAL,
            [one.length_s / one.ours.wall_s for one in measured],
        ),
        (
            "the same by CPU: what one core does",
            ASKED_TIMES_REAL,
            [one.times_real for one in measured],
        ),
    )
    note.table(
        ("asked for", "median", "lowest", ""),
        [
            (
                name,
                f"{statistics.median(values):.1f}",
                f"{min(values):.1f}",
                "reached" if min(values) >= asked else "**not reached**",
            )
            for name, asked, values in figures
        ],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of source videos")
    parser.add_argument("--cache", type=Path, required=True, help="where made videos are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of ffmpeg, on both sides")
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each upload")
    parser.add_argument(
        "--times", type=int, default=5, help="how often the first is shown in one longer upload"
    )
    parser.add_argument("--hours", type=float, default=100.0, help="of made-up films in the index")
    parser.add_argument("--docs", type=Path, help="Markdown file to write the figures to")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    note = Note("Screening speed", command="python -m bench.screening_speed")
    note.say(_HOW)
    made = uploads(
        arguments.videos, arguments.cache, count=arguments.files, seconds=arguments.seconds
    )
    if arguments.times > 1:
        recipe, path = made[0]
        made.append((recipe, repeated(path, arguments.times)))
    threads = arguments.threads
    screener, knows = make_screener(arguments.cache, hours=arguments.hours, threads=threads)
    measured = [
        measure(recipe, path, screener, rounds=arguments.rounds, threads=threads)
        for recipe, path in made
    ]
    tell(note, measured, threads=threads, knows=knows)
    note.write(arguments.docs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
