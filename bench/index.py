"""Search 20 million hashes of made-up films, hold a part against brute force, and say what it took.

Uploads are searched in batches of consecutive stills, as screening does: half of them re-encoded
stretches of references, half of other films. 10,000 hours of references are 232 million hashes:
they take 11 GiB of disk and some minutes to make.

    python -m bench.index [--millions 20 232] [--radius 31 48 60] [--docs FILE]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.film import FRAMES_PER_SECOND, edited, film_hashes
from bench.note import Note
from contracts.ids import ReferenceId
from media_screening.fingerprinting.hamming import pairs_within
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.index.folder import IndexFolder
from media_screening.index.hash_index import HashIndex, prepare

FILM_FRAMES = 2 * 3_600 * FRAMES_PER_SECOND
FILMS = 800
STATE = ("0" * 64, 0)
ADDED_AT_ONCE = 256
FILM_STILLS = 46_500
"""Of a film, on average."""
FRAME_BYTES = 49
"""Of one frame in a packed fingerprint."""
VARIANTS = 10
OTHERS = 1_000_000
"""Seeds from here on are films that are no references."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds a hash, batch by batch."""

    cpu: list[float]
    wall: list[float]
    hits: float

    def row(self, radius: int) -> tuple[str, ...]:
        values = [
            np.median(self.cpu),
            np.percentile(self.cpu, 99),
            np.median(self.wall),
            np.percentile(self.wall, 99),
        ]
        return (str(radius), *(f"{value:.2f}" for value in values), f"{self.hits:.1f}")


@dataclass(frozen=True, kw_only=True)
class Filled:
    """An index of films, whose hashes lie in files."""

    index: HashIndex
    films: int
    folder: IndexFolder
    made_s: float
    loaded_s: float


def name_of(number: int) -> ReferenceId:
    return ReferenceId(f"film-{number}")


def disguise(number: int) -> NDArray[np.uint8]:
    """Flipped in all hashes of a film, this makes another film of it, with shots as they were."""
    if number == 0:
        return np.zeros(PDQ_BYTES, np.uint8)
    return np.random.default_rng((number, 9)).integers(0, 256, PDQ_BYTES, dtype=np.uint8)


def fill(millions: float, folder: IndexFolder) -> Filled:
    """Write so many hashes into a folder, then load them as a worker does; CPU seconds of each."""
    films = max(1, round(millions * 1e6 / FILM_STILLS))
    made_s = 0.0
    for seed in range(min(FILMS, films)):
        film = film_hashes(seed, FILM_FRAMES)
        for number in range(seed, films, FILMS):
            disguised = film ^ disguise(number // FILMS)
            began = time.process_time()
            folder.keep(name_of(number), STATE, prepare(disguised))
            made_s += time.process_time() - began
    index = HashIndex()
    began = time.process_time()
    for at in range(0, films, ADDED_AT_ONCE):
        ready = {
            name_of(one): found
            for one in range(at, min(films, at + ADDED_AT_ONCE))
            if (found := folder.find(name_of(one), STATE)) is not None
        }
        index.add_all(ready)
    loaded_s = time.process_time() - began
    return Filled(index=index, films=films, folder=folder, made_s=made_s, loaded_s=loaded_s)


def hashes_of(filled: Filled, number: int) -> NDArray[np.uint8]:
    found = filled.folder.find(name_of(number), STATE)
    assert found is not None
    return found.hashes


def batches(filled: Filled, count: int, size: int, seed: int) -> list[NDArray[np.uint8]]:
    """Uploads, sampled half as densely as references."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        source = (
            hashes_of(filled, int(rng.integers(filled.films)))
            if number % 2
            else film_hashes(OTHERS + number, 8 * size)
        )
        at = rng.integers(0, len(source) - 2 * size)
        stretch = source[at : at + 2 * size : 2]
        made.append(edited(number, stretch, bits=12))
    return made


def timed(index: HashIndex, queries: list[NDArray[np.uint8]], radius: int) -> Timing:
    cpu, wall, hits = [], [], 0
    for batch in queries:
        cpu_began, wall_began = time.process_time(), time.perf_counter()
        found = index.search(batch, max_hamming_bits=radius)
        cpu.append((time.process_time() - cpu_began) * 1e3 / len(batch))
        wall.append((time.perf_counter() - wall_began) * 1e3 / len(batch))
        hits += sum(map(len, found.values()))
    return Timing(cpu=cpu, wall=wall, hits=hits / sum(map(len, queries)))


def differences(filled: Filled, queries: NDArray[np.uint8], radius: int) -> tuple[int, int]:
    """Pairs by brute force over all hashes, and how many of those and the index's differ."""
    found = {
        (reference_id, int(query), int(row))
        for reference_id, hits in filled.index.search(queries, max_hamming_bits=radius).items()
        for query, row in zip(hits.query, hits.row, strict=True)
    }
    brute = {
        (name_of(number), int(query), int(row))
        for number in range(filled.films)
        for query_rows, rows in pairs_within(
            queries, hashes_of(filled, number), max_hamming_bits=radius
        )
        for query, row in zip(query_rows, rows, strict=True)
    }
    return len(brute), len(brute ^ found)


def adding(filled: Filled, hashes: NDArray[np.uint8]) -> float:
    """CPU seconds until a new reference is kept and searched for."""
    name = ReferenceId("new")
    began = time.process_time()
    indexed = prepare(hashes)
    filled.folder.keep(name, STATE, indexed)
    filled.index.add_all({name: indexed})
    taken_s = time.process_time() - began
    filled.index.remove(name)
    filled.folder.forget(name, STATE)
    return taken_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[20])
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--batch", type=int, default=128, help="stills searched together")
    parser.add_argument("--radius", type=int, nargs="+", default=[31, 48, 60])
    parser.add_argument("--folder", type=Path, help="keep the files below this folder meanwhile")
    parser.add_argument("--docs", type=Path, help="Markdown file to write the figures to")
    arguments = parser.parse_args()

    sizes = " ".join(f"{one:g}" for one in arguments.millions)
    note = Note("The index", command=f"python -m bench.index --millions {sizes}")
    for millions in arguments.millions:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            measure(fill(millions, IndexFolder(Path(name))), note, arguments)
    note.write(arguments.docs)
    return 0


def measure(filled: Filled, note: Note, arguments: argparse.Namespace) -> None:
    index = filled.index
    rows, heads = len(index), index.heads
    queries = batches(filled, arguments.batches, arguments.batch, seed=3)
    timings = {radius: timed(index, queries, radius) for radius in arguments.radius}
    memory = psutil.Process().memory_info()
    private_mib, mapped_mib = (memory.rss - memory.shared) / 2**20, memory.shared / 2**20
    files = [one.stat().st_size for one in filled.folder.path.iterdir()]
    frames = filled.films * FILM_FRAMES
    note.say(
        f"**{rows / 1e6:.1f} M hashes** of {filled.films:,} made-up films of 2 h"
        f" ({filled.films * 2:,} hours; {rows / frames:.0%} of the frames: stills),"
        f" {heads / 1e6:.2f} M heads of runs. The files take {sum(files) / 2**20:,.0f} MiB"
        f" and are mapped, once for all workers of a machine; of them {heads * 38 / 2**20:,.0f} MiB"
        f" are heads, which every search reads and which should stay in memory. After these"
        f" searches a worker had {private_mib:,.0f} MiB of its own and {mapped_mib:,.0f} MiB"
        f" mapped. SQL keeps {frames * FRAME_BYTES / 2**30:.1f} GiB of fingerprints. Files made in"
        f" {filled.made_s:.1f} s of CPU, loaded in {filled.loaded_s:.1f} s."
    )
    note.say(f"Milliseconds a hash, on one thread, in batches of {arguments.batch}:")
    note.table(
        ("radius", "CPU, median", "CPU, p99", "wall, median", "wall, p99", "hits a hash"),
        [timing.row(radius) for radius, timing in timings.items()],
    )
    some = np.concatenate([batch[:8] for batch in queries[:8]])
    for radius in arguments.radius:
        pairs, different = differences(filled, some, radius)
        note.say(
            f"Radius {radius}: brute force over all hashes finds {pairs} pairs of {len(some)}"
            f" queries; {different} differ from the index's."
        )
        if different:
            raise SystemExit(1)
    film = film_hashes(OTHERS - 1, FILM_FRAMES)
    variants = np.concatenate([edited(n, film, bits=8 * n) for n in range(VARIANTS)])
    note.say(
        f"A new reference of 2 h ({len(film):,} stills) is searched for after"
        f" {adding(filled, film):.2f} s of CPU, its file on disk; with {VARIANTS} variants of each"
        f" ({len(variants):,} hashes) after {adding(filled, variants):.2f} s."
    )


if __name__ == "__main__":
    raise SystemExit(main())
