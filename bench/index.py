"""Search 20 million hashes of made-up films, hold a part against brute force, and say what it took.

Uploads are searched in batches of consecutive stills, as screening does: half of them re-encoded
stretches of references, half of other films.

    python -m bench.index [--millions 20] [--radius 31 48 60] [--threads 1 2] [--docs FILE]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import faiss
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
USUAL_RADIUS = "48"
LARGE_HOURS = 10_000
HEAD_BYTES = 42
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

    def row(self, radius: int, threads: int) -> tuple[str, ...]:
        values = [
            np.median(self.cpu),
            np.percentile(self.cpu, 99),
            np.median(self.wall),
            np.percentile(self.wall, 99),
        ]
        return (
            str(radius),
            str(threads),
            *(f"{value:.2f}" for value in values),
            f"{self.hits:.1f}",
        )


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


def fill(millions: float, folder: IndexFolder) -> Filled:
    """Write so many hashes into a folder, then load them as a worker does; CPU seconds of each."""
    rows = number = 0
    made_s = 0.0
    while rows < millions * 1e6:
        # A mask that is flipped in all of a film makes another one, with shots as they were.
        mask = np.random.default_rng((number // FILMS, 9)).integers(0, 256, 32, dtype=np.uint8)
        film = film_hashes(number % FILMS, FILM_FRAMES)
        film = film if number < FILMS else film ^ mask
        began = time.process_time()
        folder.keep(name_of(number), STATE, prepare(film))
        made_s += time.process_time() - began
        rows, number = rows + len(film), number + 1
    index = HashIndex()
    began = time.process_time()
    for at in range(0, number, ADDED_AT_ONCE):
        ready = {
            name_of(one): found
            for one in range(at, min(number, at + ADDED_AT_ONCE))
            if (found := folder.find(name_of(one), STATE)) is not None
        }
        index.add_all(ready)
    loaded_s = time.process_time() - began
    return Filled(index=index, films=number, folder=folder, made_s=made_s, loaded_s=loaded_s)


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


def adding(index: HashIndex, hashes: NDArray[np.uint8]) -> float:
    """CPU seconds until a new reference is searched for."""
    began = time.process_time()
    index.add(ReferenceId("new"), hashes)
    taken_s = time.process_time() - began
    index.remove(ReferenceId("new"))
    return taken_s


def needs(filled: Filled, ms_a_hash: float) -> str:
    """What 10,000 hours of references need, in proportion to what was measured."""
    times = LARGE_HOURS / 2 / filled.films
    hashes, heads = len(filled.index) * times, filled.index.heads * times
    frames = LARGE_HOURS * 3_600 * FRAMES_PER_SECOND
    mapped_gib, own_gib = hashes * PDQ_BYTES / 2**30, heads * HEAD_BYTES / 2**30
    return (
        f"{LARGE_HOURS:,} hours of references are {frames / 1e6:.0f} M frames, of which"
        f" {hashes / 1e6:.0f} M hashes are searched ({mapped_gib:.1f} GiB on each machine's disk,"
        f" mapped) by {heads / 1e6:.0f} M heads ({own_gib:.1f} GiB of each worker's own). SQL keeps"
        f" {frames * FRAME_BYTES / 2**30:.0f} GiB of fingerprints. A hash takes"
        f" {ms_a_hash * times:.0f} ms of CPU in proportion."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--millions", type=float, default=20)
    parser.add_argument("--batches", type=int, default=24)
    parser.add_argument("--batch", type=int, default=128, help="stills searched together")
    parser.add_argument("--radius", type=int, nargs="+", default=[31, 48, 60])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--docs", type=Path, help="Markdown file to write the figures to")
    arguments = parser.parse_args()

    note = Note("The index", command="python -m bench.index")
    with tempfile.TemporaryDirectory() as name:
        filled = fill(arguments.millions, IndexFolder(Path(name)))
        measure(filled, note, arguments)
    note.write(arguments.docs)
    return 0


def measure(filled: Filled, note: Note, arguments: argparse.Namespace) -> None:
    index = filled.index
    rows, heads = len(index), index.heads
    memory = psutil.Process().memory_info()
    private_mib = (memory.rss - memory.shared) / 2**20
    note.say(
        f"{rows / 1e6:.1f} M hashes of {filled.films} made-up films of 2 h"
        f" ({rows / filled.films / FILM_FRAMES:.0%} of the frames: stills), {heads / 1e6:.2f} M"
        f" heads of runs. A worker has {private_mib:,.0f} MiB of its own; the"
        f" {rows * 32 / 2**20:,.0f} MiB of hashes are mapped, once for all workers. Files made in"
        f" {filled.made_s:.1f} s of CPU, loaded in {filled.loaded_s:.1f} s."
    )
    queries = batches(filled, arguments.batches, arguments.batch, seed=3)
    table = []
    for radius in arguments.radius:
        for threads in arguments.threads:
            faiss.omp_set_num_threads(threads)
            table.append(timed(index, queries, radius).row(radius, threads))
            print(*table[-1], sep="\t", flush=True)
    headings = ("radius", "threads", "CPU, median", "CPU, p99", "wall, median", "wall, p99", "hits")
    note.say(f"Milliseconds a hash, in batches of {arguments.batch}:")
    note.table(headings, table)
    usual = next((row for row in table if row[0] == USUAL_RADIUS), table[0])
    note.say(needs(filled, float(usual[2])))
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
        f" {adding(index, film):.2f} s of CPU; with {VARIANTS} variants of each"
        f" ({len(variants):,} hashes) after {adding(index, variants):.2f} s."
    )


if __name__ == "__main__":
    raise SystemExit(main())
