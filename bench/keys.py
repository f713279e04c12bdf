"""What counting costs with so many keys, in a process of its own: ``python -m bench.keys KEYS``.

Drives ``detectors.velocity`` alone, with sightings of as many distinct facets of the bench's six
kinds, three windows each; every fourth sighting is of a facet that was seen before. All are within
the longest window, so all are live, unless the budget has let go of some. Prints one line of JSON.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections.abc import Iterator

import psutil

from bench.ruleset import COUNTED, FACETS, bench_ruleset
from contracts.ids import AccountId, EventId, Facet
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import Velocity

SEEN_BEFORE_EVERY = 3
START_MS = 1_750_000_000_000
SPREAD_MS = 3_600_000
"""Event time from the first to the last sighting."""


def main() -> None:
    keys = int(sys.argv[1])
    velocity = Velocity(bench_ruleset())
    process = psutil.Process()
    gc.collect()
    before = peak = process.memory_info().rss
    signals = count = 0
    busy = 0.0
    for batch in _batches(keys):
        count += len(batch)
        started = time.perf_counter()
        for sighting in batch:
            signals += len(velocity.observe(sighting))
        busy += time.perf_counter() - started
        peak = max(peak, process.memory_info().rss)
    gc.collect()
    print(
        json.dumps(
            {
                "keys": keys,
                "sightings": count,
                "signals": signals,
                "kept": len(velocity),
                "seconds": busy,
                "rss_bytes": process.memory_info().rss - before,
                "grown_bytes": peak - before,
                "peak_rss_bytes": peak,
            }
        )
    )


def _batches(keys: int, size: int = 10_000) -> Iterator[list[Sighting]]:
    """Sightings of so many distinct keys."""
    pick = random.Random(1)
    total = keys + keys // SEEN_BEFORE_EVERY
    fresh = 0
    for begin in range(0, total, size):
        batch = []
        for number in range(begin, min(begin + size, total)):
            if fresh == keys or number % (SEEN_BEFORE_EVERY + 1) == SEEN_BEFORE_EVERY:
                key = pick.randrange(fresh)
            else:
                key, fresh = fresh, fresh + 1
            at_ms = START_MS + number * SPREAD_MS // total
            account, event = AccountId(f"account-{number:012d}"), EventId(f"signup-{number:012d}")
            facet = Facet(f"{FACETS[key % COUNTED]}:{key:020x}")
            batch.append(Sighting(at_ms, sighting_text(at_ms, account, event), (facet,)))
        yield batch


if __name__ == "__main__":
    main()
