"""How Python itself is set for a process that keeps millions of small values and must be prompt."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any

THRESHOLDS = (100_000, 50, 1_000)
"""New containers, and younger collections, before the next of each generation."""

SWITCH_SECONDS = 0.001
"""How long a thread may keep the interpreter while another waits for it; Python's own is 5 ms. On
its way an event passes from the consumer's thread to the stages' and back five times."""


def calm_collector() -> None:
    """Leave out what is there already, and look through the rest seldom.

    A full collection walks all that is kept. By default one comes whenever what is new has grown by
    a quarter; with a million facets in memory that stalls the event loop by half a second (464 ms
    against 76 ms without, ``bench.recovery``). Nearly nothing here is a cycle: counting references
    frees it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def run_promptly(main: Coroutine[Any, Any, None]) -> None:
    """Run a process's main coroutine on the quickest event loop there is, threads in short turns.

    At 1,500 signups/s an alert came after 166 ms at the median and 263 ms at 99 %, with Python's
    own loop and turns after 235 and 347 (``docs/decisions/0067``).
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    if sys.platform != "win32":  # it has no wheel there
        import uvloop  # noqa: PLC0415

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main)
