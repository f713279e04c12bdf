"""What the windows cost, and nothing else: ``python -m bench.velocity_core [--signups N]``.

Gives prepared sightings of the bench's signups (``bench.traffic``) to ``detectors.velocity`` alone,
by several rulesets. CPU time of this process, the best of a few rounds: a shared machine only ever
adds. Sightings are decoded chunk by chunk with the clock stopped, so that a facet's hash is worked
out anew for each, as in a worker. ``--profile`` shows where the time of one ruleset goes.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import msgpack
from msgspec.structs import replace

from bench.ruleset import bench_ruleset
from bench.traffic import Traffic
from contracts.event import Decision, parse_event
from contracts.ruleset import Ruleset, default_ruleset
from detectors.reader import Reader
from detectors.scorer import sighting
from detectors.sighting import Sightings
from detectors.velocity import Velocity

SIGNUPS = 100_000
ROUNDS = 3
CHUNK = 400
START = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)

RULESETS = {
    "bench-2": lambda: bench_ruleset(2),
    "bench-6": bench_ruleset,
    "bench-8": lambda: bench_ruleset(8),
    "bench-12": lambda: bench_ruleset(12),
    "default": default_ruleset,
}


def prepared(ruleset: Ruleset, signups: int) -> list[bytes]:
    """The sightings of so many signups, in chunks as a topic has them."""
    reader = Reader(ruleset)
    chunks = [Sightings() for _ in range(0, signups, CHUNK)]
    for number, raw in enumerate(Traffic(start=START).messages(signups)):
        event = parse_event(raw)
        assert not isinstance(event, Decision)
        reading = reader.read(event)
        chunks[number // CHUNK].add(sighting(reading, reading.facets))
    return [msgpack.encode(replace(chunk, shown=[])) for chunk in chunks]


def counted(ruleset: Ruleset, chunks: Iterable[bytes]) -> tuple[float, int, Velocity]:
    """Seconds of CPU and signals of one round, and what came of it."""
    velocity = Velocity(ruleset)
    busy, signals = 0.0, 0
    for chunk in chunks:
        seen = msgpack.decode(chunk, type=Sightings)
        begun = time.process_time()
        signals += len(velocity.observe_all(seen))
        busy += time.process_time() - begun
    return busy, signals, velocity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signups", type=int, default=SIGNUPS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rulesets", nargs="+", choices=RULESETS, default=list(RULESETS))
    parser.add_argument("--profile", choices=RULESETS)
    given = parser.parse_args()
    if given.profile:
        _profile(RULESETS[given.profile](), given.signups)
        return
    print(f"{'ruleset':<10}{'facets':>8}{'kept':>10}{'signals':>9}{'µs a signup':>13}")
    for name in given.rulesets:
        ruleset = RULESETS[name]()
        chunks = prepared(ruleset, given.signups)
        best = float("inf")
        for _ in range(given.rounds):
            gc.collect()
            busy, signals, velocity = counted(ruleset, chunks)
            best = min(best, busy)
        facets = sum(len(msgpack.decode(chunk, type=Sightings).facets) for chunk in chunks)
        print(
            f"{name:<10}{facets / given.signups:>8.2f}{len(velocity):>10,}"
            f"{signals / given.signups:>9.3f}{best / given.signups * 1e6:>13.2f}",
            flush=True,
        )


def _profile(ruleset: Ruleset, signups: int) -> None:
    chunks = prepared(ruleset, signups)
    with cProfile.Profile() as profile:
        counted(ruleset, chunks)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
