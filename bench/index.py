"""Search 20 million hashes of made-up films, hold a part against brute force, and say what it took.

Uploads are searched in batches of consecutive stills, as screening does: half of them re-encoded
stretches of references, half of other films.

    python -m bench.index [--millions 20] [--radius 31 48 60] [--threads 1 2] [--docs FILE]
"""

from __future__ import annotations

import argparse
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
from media_screening.hamming import pairs_within
from media_screening.index import HashIndex, IndexedHashes, prepare

FILM_FRAMES = 2 * 3_600 * FRAMES_PER_SECOND
BATCH_STILLS = 512
VARIANTS = 10
OTHERS = 1_000_000
"""Seeds from here on are films that are no references."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds a hash, batch by batch."""

    cpu: list[float]
    wall: list[float]
    hits: int

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
            f"{self.hits / len(self.cpu) / BATCH_STILLS:.1f}",
        )


def fill(millions: float) -> tuple[HashIndex, list[NDArray[np.uint8]], float]:
    """An index of so many hashes, its films, and the CPU seconds that it took."""
    films: list[NDArray[np.uint8]] = []
    index = HashIndex()
    taken_s = 0.0
    while len(index) < millions * 1e6:
        batch: dict[ReferenceId, IndexedHashes] = {}
        for _ in range(16):
            films.append(film_hashes(len(films), FILM_FRAMES))
            began = time.process_time()
            batch[ReferenceId(f"film-{len(films) - 1}")] = prepare(films[-1])
            taken_s += time.process_time() - began
        began = time.process_time()
        index.add_all(batch)
        taken_s += time.process_time() - began
    return index, films, taken_s


def batches(films: list[NDArray[np.uint8]], count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Uploads, sampled half as densely as references."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        source = (
            films[rng.integers(len(films))]
            if number % 2
            else film_hashes(OTHERS + number, 8 * BATCH_STILLS)
        )
        at = rng.integers(0, len(source) - 2 * BATCH_STILLS)
        stretch = source[at : at + 2 * BATCH_STILLS : 2]
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
    return Timing(cpu=cpu, wall=wall, hits=hits)


def differences(
    index: HashIndex, films: list[NDArray[np.uint8]], queries: NDArray[np.uint8], radius: int
) -> tuple[int, int]:
    """Pairs by brute force over all hashes, and how many of those and the index's differ."""
    found = {
        (reference_id, int(query), int(row))
        for reference_id, hits in index.search(queries, max_hamming_bits=radius).items()
        for query, row in zip(hits.query, hits.row, strict=True)
    }
    brute = {
        (f"film-{number}", int(query), int(row))
        for number, film in enumerate(films)
        for query_rows, rows in pairs_within(queries, film, max_hamming_bits=radius)
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--millions", type=float, default=20)
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--radius", type=int, nargs="+", default=[31, 48, 60])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--docs", type=Path, help="Markdown file to write the figures to")
    arguments = parser.parse_args()

    rss_before = psutil.Process().memory_info().rss
    index, films, taken_s = fill(arguments.millions)
    rows, heads = len(index), index.heads
    hashes_mib = sum(film.nbytes for film in films) / 2**20
    used_mib = (psutil.Process().memory_info().rss - rss_before) / 2**20
    note = Note("The index", command="python -m bench.index")
    note.say(
        f"{rows / 1e6:.1f} M hashes of {len(films)} made-up films of 2 h"
        f" ({rows / len(films) / FILM_FRAMES:.0%} of the frames: stills), {heads / 1e6:.2f} M"
        f" heads of runs. Memory: {used_mib:,.0f} MiB in all, of which {hashes_mib:,.0f} MiB are"
        f" the hashes, which a worker maps from disk. Made in {taken_s:.1f} s of CPU."
    )
    queries = batches(films, arguments.batches, seed=3)
    table = []
    for radius in arguments.radius:
        for threads in arguments.threads:
            faiss.omp_set_num_threads(threads)
            table.append(timed(index, queries, radius).row(radius, threads))
            print(*table[-1], sep="\t", flush=True)
    headings = ("radius", "threads", "CPU, median", "CPU, p99", "wall, median", "wall, p99", "hits")
    note.say(f"Milliseconds a hash, in batches of {BATCH_STILLS}:")
    note.table(headings, table)
    some = np.concatenate([batch[:8] for batch in queries[:8]])
    wrong = 0
    for radius in arguments.radius:
        pairs, different = differences(index, films, some, radius)
        wrong += different
        note.say(
            f"Radius {radius}: brute force over all hashes finds {pairs} pairs of {len(some)}"
            f" queries; {different} differ from the index's."
        )
    film = film_hashes(OTHERS - 1, FILM_FRAMES)
    variants = np.concatenate([edited(n, film, bits=8 * n) for n in range(VARIANTS)])
    note.say(
        f"A new reference of 2 h ({len(film):,} stills) is searched for after"
        f" {adding(index, film):.2f} s of CPU; with {VARIANTS} variants of each"
        f" ({len(variants):,} hashes) after {adding(index, variants):.2f} s."
    )
    note.write(arguments.docs)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
