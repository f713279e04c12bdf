"""How fast uploads that hold no match are screened, beside ffmpeg decoding the same files.

The videos are scaled up to 1080p and encoded as platforms get them (x264, a key frame at least
every 250 frames, a few Mbit/s), joined to a minute or more each. References are other videos.
Both run on the same cores, one after the other, in turns; what is told is the CPU time of each, and
the ratio: what else runs on the machine changes neither.

    python -m bench.screening_speed --videos DIR --cache DIR [--rounds N] [--threads N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from pathlib import Path

import cv2
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine

from bench.edited import duration_s, ffmpeg, strangers
from doorstaff.library import add_reference
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.probe import probe
from media_screening.reading import ScreeningLimits
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome, Screener
from store.reference import ReferenceStore
from store.schema import metadata


def cpu_s() -> float:
    """CPU time of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def full_hd(source: Path, folder: Path, seconds: float) -> Path:
    path = folder / f"1080p {seconds:g} s {source.stem}.mp4"
    if not path.exists():
        part = path.with_suffix(".part.mp4")
        ffmpeg(
            "-stream_loop", -1, "-i", source, "-map", f"0:{probe(source).video.index}",
            "-t", seconds, "-vf", "scale=1920:1080:flags=bicubic,setsar=1,noise=alls=4:allf=t",
            "-r", 30, "-c:v", "libx264", "-preset", "superfast", "-b:v", "4500k",
            "-maxrate", "9000k", "-bufsize", "18000k", "-g", 250, "-pix_fmt", "yuv420p",
            "-threads", 2, part,
        )  # fmt: skip
        part.rename(path)
    return path


def decode(path: Path, threads: int) -> None:
    subprocess.run(
        [ffmpeg_path(), "-nostdin", "-v", "error", "-threads", str(threads), "-i", str(path),
         "-map", f"0:{probe(path).video.index}", "-f", "null", "-"],
        check=True,
    )  # fmt: skip


def timed(work: object) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), cpu_s()
    assert callable(work)
    work()
    return time.perf_counter() - began, cpu_s() - began_cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of source videos")
    parser.add_argument("--cache", type=Path, required=True, help="where made videos are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of ffmpeg, on both sides")
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each upload")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    library = ReferenceLibrary(ReferenceStore(engine))
    for work in strangers(arguments.cache)[::2]:
        add_reference(library, work.path, title=work.name, reference_id=work.name, listen=False)
    screener = Screener(library, limits=ScreeningLimits(decode_threads=arguments.threads))
    sources = sorted(
        (path for path in arguments.videos.iterdir() if path.is_file()),
        key=duration_s,
        reverse=True,
    )  # the longest repeat themselves least
    uploads = [
        full_hd(path, arguments.cache, arguments.seconds) for path in sources[: arguments.files]
    ]

    table = Table(
        "file", "seconds", "screened", "x real time (CPU)", "ffmpeg, CPU s", "ours", "ratio"
    )
    ratios, speeds = [], []
    for path in uploads:
        outcomes: list[Outcome] = []
        theirs, ours = [], []
        for _ in range(arguments.rounds):
            theirs.append(timed(lambda path=path: decode(path, arguments.threads)))
            ours.append(timed(lambda path=path, out=outcomes: out.append(screener.screen(path))))
        their_cpu_s = statistics.median(cpu for _, cpu in theirs)
        our_cpu_s = statistics.median(cpu for _, cpu in ours)
        length_s = duration_s(path)
        ratios.append(their_cpu_s / our_cpu_s)
        speeds.append(length_s / our_cpu_s)
        table.add_row(
            path.stem, f"{length_s:.0f}", outcomes[-1].status, f"{speeds[-1]:.0f}",
            f"{their_cpu_s:.2f}", f"{our_cpu_s:.2f}", f"{ratios[-1]:.1f}",
        )  # fmt: skip
        for stage in outcomes[-1].stages:
            table.add_row("", "", f"{stage.name}: {stage.decided}", f"{stage.elapsed_s:.3f} s")
    console = Console(width=130)
    console.print(table)
    console.print(
        f"median: {statistics.median(ratios):.1f} times as fast as decoding to nothing,"
        f" {statistics.median(speeds):.0f} times real time on one core"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
