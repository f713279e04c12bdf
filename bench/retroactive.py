"""Hold a new reference of 2 hours against 10,000 hours of past uploads, in SQLite.

The uploads are two minutes each, of made-up films; in some of them lie stretches of the reference,
encoded anew. A first run tells which uploads are looked at whole; their fingerprints are kept too,
and the second run is the one that counts.

    python -m bench.retroactive [--hours 10000] [--docs FILE]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from sqlalchemy import Engine, insert

from bench.film import FRAMES_PER_SECOND, edited, film_hashes
from bench.note import Note
from contracts.ids import AccountId, EventId, ReferenceId, UploadId
from media_screening.fingerprinting.fingerprint import ALGORITHM, Fingerprint
from media_screening.index.word_join import WordJoin
from media_screening.reference import ReferenceLibrary
from media_screening.retroactive import RetroactiveSearch, RetroactiveStep
from store.database import open_database
from store.migration import migrate
from store.reference import ReferenceStore
from store.schema import upload_stills
from store.upload import UploadFingerprintRecord, UploadStore

FILM_FRAMES = 2 * 3_600 * FRAMES_PER_SECOND
UPLOAD_HASHES = 240
"""Two minutes, a hash every half second."""
FILMS = 400
REFERENCE_SEED = 2_000_000
STILL_S = 0.125
PLANTED = 40
PLANTED_STILLS = 200


@dataclass(frozen=True, kw_only=True)
class Past:
    """What was kept: uploads by number, and those that show the reference."""

    uploads: int
    shown: dict[int, int]


def disguise(number: int) -> NDArray[np.uint8]:
    """Flipped in all hashes of a film, this makes another film of it, with shots as they were."""
    if number == 0:
        return np.zeros(32, np.uint8)
    return np.random.default_rng((number, 9)).integers(0, 256, 32, dtype=np.uint8)


def past_uploads(hours: float) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Number and sketch of each."""
    wanted = round(hours * 30)
    films = min(FILMS, -(-wanted // 60))
    number = 0
    for seed in range(films):
        film = film_hashes(seed, FILM_FRAMES)[::4]
        for again in range(-(-wanted // (films * (len(film) // UPLOAD_HASHES)))):
            other = film ^ disguise(again)
            for at in range(0, len(film) - UPLOAD_HASHES, UPLOAD_HASHES):
                if number >= wanted:
                    return
                yield number, other[at : at + UPLOAD_HASHES]
                number += 1


def planted(reference: NDArray[np.uint8], number: int, bits: float) -> NDArray[np.uint8]:
    """So many stills of the reference, at half its rate."""
    at = np.random.default_rng(number).integers(0, len(reference) - 2 * PLANTED_STILLS)
    return edited(number, reference[at : at + 2 * PLANTED_STILLS : 2], bits=bits)


def keep(engine: Engine, reference: NDArray[np.uint8], hours: float) -> Past:
    """Write the sketches of all uploads, and whole fingerprints of those that show the work."""
    chance = np.random.default_rng(4)
    shown: dict[int, int] = {}
    rows: list[dict[str, object]] = []
    store = UploadStore(engine)
    number = 0
    every = max(1, round(hours * 30) // PLANTED)
    for number, sketch in past_uploads(hours):
        hashes = sketch
        if number % every == every // 2:
            shown[number] = int(chance.choice([8, 16, 24, 32]))
            whole = planted(reference, number, shown[number])
            store.keep(record(number, whole, step_s=2 * STILL_S))
            hashes = np.concatenate([sketch[: UPLOAD_HASHES // 2], whole[::2]])
        rows.append(
            {
                "upload_id": f"upload-{number:07d}",
                "occurred_at_ms": number + 1,
                "rows": len(hashes),
                "hashes": hashes.tobytes(),
            }
        )
        if len(rows) == 20_000:
            with engine.begin() as connection:
                connection.execute(insert(upload_stills), rows)
            rows.clear()
    if rows:
        with engine.begin() as connection:
            connection.execute(insert(upload_stills), rows)
    return Past(uploads=number + 1, shown=shown)


def record(number: int, pdq: NDArray[np.uint8], *, step_s: float) -> UploadFingerprintRecord:
    fingerprint = fingerprint_of(pdq, step_s=step_s)
    return UploadFingerprintRecord(
        upload_id=UploadId(f"upload-{number:07d}"),
        account_id=AccountId("account"),
        event_id=EventId(f"event-{number}"),
        occurred_at_ms=number + 1,
        duration_s=fingerprint.duration_s,
        algorithm=ALGORITHM,
        frames=fingerprint.pack(),
    )


def fingerprint_of(pdq: NDArray[np.uint8], *, step_s: float) -> Fingerprint:
    count = len(pdq)
    return Fingerprint(
        duration_s=count * step_s,
        times_s=np.arange(count, dtype=np.float64) * step_s,
        pdq=pdq,
        phash=np.zeros((count, 8), np.uint8),
        quality=np.full(count, 100, np.uint8),
    )


def run(
    library: ReferenceLibrary, uploads: UploadStore, reference_id: ReferenceId, past: Past
) -> tuple[list[RetroactiveStep], float, float]:
    """The steps, and CPU and wall-clock seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    search = RetroactiveSearch(library, uploads)
    steps = list(search.run(reference_id, from_ms=0, to_ms=past.uploads + 2))
    return steps, time.process_time() - cpu, time.perf_counter() - wall


def caught(join: WordJoin, reference: NDArray[np.uint8], bits: int) -> float:
    """Share of single frames, so many bits away, that the sieve lets through."""
    frames = np.ascontiguousarray(reference[:: max(1, len(reference) // 2_000)])
    noise = np.zeros((len(frames), 256), np.uint8)
    chance = np.random.default_rng(bits)
    for row in noise:
        row[chance.choice(256, bits, replace=False)] = 1
    found, _ = join.pairs(frames ^ np.packbits(noise, axis=1), max_hamming_bits=48)
    return len(np.unique(found)) / len(frames)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=10_000)
    parser.add_argument("--docs", type=Path, help="Markdown file to write the figures to")
    arguments = parser.parse_args()
    note = Note("A new reference over past uploads", command="python -m bench.retroactive")
    reference = film_hashes(REFERENCE_SEED, FILM_FRAMES)
    with tempfile.TemporaryDirectory() as name:
        engine = open_database(f"sqlite:///{name}/bench.db")
        migrate(engine)
        library = ReferenceLibrary(ReferenceStore(engine))
        added = library.add(
            fingerprint_of(reference, step_s=STILL_S), title="The work", sha256="0" * 64
        )
        past = keep(engine, reference, arguments.hours)
        uploads = UploadStore(engine)
        size_mib = sum(one.stat().st_size for one in Path(name).iterdir()) / 2**20
        note.say(
            f"{past.uploads:,} uploads of two minutes, {past.uploads / 30:,.0f} hours;"
            f" {size_mib:,.0f} MiB of sketches in SQLite, {len(reference):,} stills of the"
            f" reference. {len(past.shown)} uploads show"
            f" {PLANTED_STILLS * 2 * STILL_S:.0f} s of it."
        )
        steps, _, _ = run(library, uploads, added.reference_id, past)
        wanted = {one for step in steps for one in step.looked_at}
        for number, sketch in past_uploads(arguments.hours):
            if f"upload-{number:07d}" in wanted and number not in past.shown:
                uploads.keep(record(number, np.repeat(sketch, 2, axis=0), step_s=0.25))
        steps, cpu_s, wall_s = run(library, uploads, added.reference_id, past)
        engine.dispose()
    found = {hit.upload.upload_id for step in steps for hit in step.hits}
    known = {f"upload-{number:07d}" for number in past.shown}
    looked_at = sum(len(step.looked_at) for step in steps)
    memory_mib = psutil.Process().memory_info().rss / 2**20
    note.say(
        f"{cpu_s:.1f} s of CPU, {wall_s:.1f} s by the clock, {memory_mib:,.0f} MiB of memory;"
        f" {looked_at} uploads were looked at whole. Found {len(found & known)} of {len(known)},"
        f" and {len(found - known)} that do not show it."
    )
    note.say("Single frames that the sieve lets through, by their distance:")
    join = WordJoin(reference)
    note.table(
        ("bits", "share"),
        [(str(bits), f"{caught(join, reference, bits):.0%}") for bits in range(0, 49, 8)],
    )
    note.write(arguments.docs)
    return 0 if found == known else 1


if __name__ == "__main__":
    raise SystemExit(main())
