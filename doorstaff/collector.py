"""Python's garbage collector, for a process that keeps millions of small values.

A full collection walks all that is kept. By default one comes whenever what is new has grown by a
quarter; with a million facets in memory that stalls the event loop by half a second (464 ms against
76 ms without, ``bench.recovery``). Nearly nothing here is a cycle: counting references frees it.
"""

from __future__ import annotations

import gc

THRESHOLDS = (100_000, 50, 1_000)
"""New containers, and younger collections, before the next of each generation."""


def calm_collector() -> None:
    """Leave out what is there already, and look through the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
