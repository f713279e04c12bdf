"""Find ten seconds of a reference inside an upload of a minute, and nothing anywhere else.

Each video that is long enough becomes a reference. Ten seconds of it are spliced into fifty of
other footage, and the whole is encoded anew at a third of the bit rate and half the size.
`doorstaff media screen` must name the stretch within a second at both ends, and must find nothing
in the videos that hold none of it.

    python -m bench.media_screening --videos DIR [--seed N]
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine

from contracts.ids import ReferenceId
from contracts.screening import Match
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.frame import FrameLimits, Sampling, read_frames
from media_screening.decoding.probe import probe
from media_screening.reading import ScreeningLimits, read_reference
from media_screening.reference import ReferenceLibrary, sha256_of
from media_screening.screening import Screener
from store.reference import ReferenceStore
from store.schema import metadata

STRETCH_S = 10.0
UPLOAD_S = 60.0
TOLERANCE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Case:
    reference: Path
    start_s: float
    stretch_s: float
    insert_s: float
    upload: Path


def run_ffmpeg(*arguments: object) -> None:
    subprocess.run(
        [ffmpeg_path(), "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True
    )


def last_frame_s(path: Path) -> float:
    frames = read_frames(
        path, probe=probe(path), sampling=Sampling(frames_per_second=8), limits=FrameLimits()
    )
    return max(float(batch.times_s[-1]) for batch in frames)


def splice(case: Case, others: list[tuple[Path, float]], size: str, kbps: int, fps: float) -> None:
    """Other footage, the stretch, other footage; scaled, re-timed and encoded in one go."""
    filler_s = UPLOAD_S - case.stretch_s
    parts: list[tuple[Path, float, float]] = []
    for path, length_s in others * 60:
        used_s = sum(part[2] for part in parts)
        if used_s >= filler_s:
            break
        parts.append((path, 0.0, min(length_s, filler_s - used_s)))
    before: list[tuple[Path, float, float]] = []
    after: list[tuple[Path, float, float]] = []
    at_s = 0.0
    for path, start_s, length_s in parts:
        room_s = case.insert_s - at_s
        if room_s >= length_s:
            before.append((path, start_s, length_s))
        elif room_s > 0:
            before.append((path, start_s, room_s))
            after.append((path, start_s + room_s, length_s - room_s))
        else:
            after.append((path, start_s, length_s))
        at_s += length_s
    pieces = [*before, (case.reference, case.start_s, case.stretch_s), *after]
    width, height = size.split("x")
    inputs: list[object] = []
    graph = ""
    for number, (path, start_s, length_s) in enumerate(pieces):
        inputs += ["-i", path]
        graph += (
            f"[{number}:v:0]trim=start={start_s}:duration={length_s},setpts=PTS-STARTPTS,"
            f"scale={width}:{height},setsar=1,fps={fps},format=yuv420p[p{number}];"
        )
    graph += "".join(f"[p{number}]" for number in range(len(pieces)))
    graph += f"concat=n={len(pieces)}:v=1:a=0[out]"
    # At -r and -b:v as an ordinary re-encode has them.
    run_ffmpeg(
        *inputs, "-filter_complex", graph, "-map", "[out]", "-c:v", "libx264", "-preset",
        "veryfast", "-b:v", f"{kbps}k", "-maxrate", f"{kbps * 2}k", "-bufsize", f"{kbps * 4}k",
        case.upload,
    )  # fmt: skip


def verdict(matches: tuple[Match, ...], case: Case) -> tuple[bool, str]:
    if len(matches) != 1:
        return False, f"{len(matches)} matches"
    match = matches[0]
    errors = (
        match.upload_start_s - case.insert_s,
        match.upload_end_s - case.insert_s - case.stretch_s,
        match.reference_start_s - case.start_s,
        match.reference_end_s - case.start_s - case.stretch_s,
    )
    told = " ".join(f"{error:+.2f}" for error in errors)
    return max(map(abs, errors)) <= TOLERANCE_S, f"{told}  score {match.score:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of source videos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stretches", type=int, default=2, help="tries a reference")
    parser.add_argument("--stretch-seconds", type=float, default=STRETCH_S)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    stretch_s = arguments.stretch_seconds
    videos = sorted(path for path in arguments.videos.iterdir() if path.is_file())
    lengths = {path: last_frame_s(path) for path in videos}
    references = [path for path in videos if lengths[path] >= stretch_s + 1]

    table = Table(
        "reference", "from s", "put at s", "kbit/s", "errors at the ends, s", "found", "x real time"
    )
    failures = false_matches = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for reference in references:
            engine = create_engine(f"sqlite:///{folder / reference.stem}.db")
            metadata.create_all(engine)
            library = ReferenceLibrary(ReferenceStore(engine))
            reading = read_reference(reference, limits=ScreeningLimits())
            library.add(
                reading.fingerprint,
                sketches=reading.sketches,
                title=reference.stem,
                sha256=sha256_of(reference),
                reference_id=ReferenceId(reference.stem),
            )
            screener = Screener(library)
            others = [(path, lengths[path]) for path in videos if path != reference]
            source = probe(reference).video
            size = f"{source.width // 4 * 2}x{source.height // 4 * 2}"
            kbps = max(8, round(reference.stat().st_size * 8 / lengths[reference] / 3_000))
            for _ in range(arguments.stretches):
                chance.shuffle(others)
                case = Case(
                    reference=reference,
                    start_s=round(chance.uniform(0, lengths[reference] - stretch_s), 2),
                    stretch_s=stretch_s,
                    insert_s=round(chance.uniform(5, UPLOAD_S - stretch_s - 5), 2),
                    upload=folder / "upload.mp4",
                )
                splice(case, others, size, kbps, 25.0)
                began = time.perf_counter()
                outcome = screener.screen(case.upload)
                speed = UPLOAD_S / (time.perf_counter() - began)
                good, told = verdict(outcome.matches, case)
                failures += not good
                table.add_row(
                    reference.name, f"{case.start_s:.2f}", f"{case.insert_s:.2f}", str(kbps), told,
                    "yes" if good else "NO", f"{speed:.0f}",
                )  # fmt: skip
            for path, _ in others:
                outcome = screener.screen(path)
                if outcome.status != "clean":
                    false_matches += 1
                    table.add_row(
                        reference.name, "", "", "", f"{path.name}: {outcome}", "FALSE", ""
                    )
    console = Console(width=120)
    console.print(table)
    tries = len(references) * arguments.stretches
    console.print(f"found {tries - failures} of {tries}; false matches: {false_matches}")
    return 1 if failures or false_matches else 0


if __name__ == "__main__":
    raise SystemExit(main())
