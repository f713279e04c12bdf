"""The job that every peer does: six facets a signup, three windows each, an alert at a level.

The peers count signups. Doorstaff besides reads texts and links, counts distinct accounts, gives
every signup a verdict, flags the earlier accounts and makes campaigns.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

WINDOWS_SECONDS = (600, 3_600, 86_400)
HOPS = 6
"""A hopping window is stepped by a sixth of its length."""

LEVELS = {"device": 4, "payment": 4, "email_stem": 4, "link_domain": 5, "ip": 20, "subnet": 50}
FACETS = len(LEVELS)

BROKER = os.environ.get("BENCH_BROKER", "")
SIGNUPS = os.environ.get("BENCH_SIGNUPS", "")
"""Topic of the signups."""
ALERTS = os.environ.get("BENCH_ALERTS", "")
"""Topic where a facet and its count go when a level is reached."""
GROUP = os.environ.get("BENCH_GROUP", "bench")
FOLDER = os.environ.get("BENCH_FOLDER", "")
"""Where state may lie."""
FETCH_WAIT_MS = 20
"""How long a fetch may wait for more. The embedded broker always waits the whole time, which with
a library's own default of 500 ms would be a large part of its time."""
PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", "8"))


def facets(signup: dict[str, Any]) -> list[str]:
    """The six facets of a signup, as ``kind:value``, found in the shortest way."""
    local, _, domain = signup["email"].partition("@")
    ip = signup["ip"]
    return [
        f"device:{signup['device_id']}",
        f"payment:{signup['payment_fingerprint']}",
        f"email_stem:{local.rstrip('0123456789._+-')}@{domain}",
        f"link_domain:{signup['website'].split('/', 3)[2]}",
        f"ip:{ip}",
        f"subnet:{ip.rpartition('.')[0]}.0/24",
    ]


def level(facet: str) -> int:
    """From which count on a facet is worth an alert."""
    return LEVELS[facet.partition(":")[0]]


class Meter:
    """Tells the bench on standard output how many signups are done, and when.

    It looks at the clock every few signups only, so that it costs next to nothing.
    """

    every_signups = 20
    every_seconds = 0.25

    def __init__(self, *, steps: int = 1) -> None:
        """With how many calls of ``add`` one signup is done."""
        self._steps = steps
        self._done = 0
        self._told_at = 0.0
        self._marks = [int(mark) * steps for mark in os.environ.get("BENCH_MARKS", "").split()]
        self._look_at = 1

    def add(self, steps: int = 1) -> None:
        """Some more is done. Each mark that is reached is told at once."""
        self._done += steps
        if self._done >= self._look_at:
            self._look()

    def _look(self) -> None:
        now, done = time.time(), self._done
        reached = [mark for mark in self._marks if mark <= done]
        if reached or now - self._told_at > self.every_seconds:
            self._told_at = now
            line = json.dumps({"done": done / self._steps, "at": now})
            os.write(1, f"{line}\n".encode())  # past Faust, which logs what is printed
        self._marks = [mark for mark in self._marks if mark > done]
        self._look_at = min([*self._marks, done + self.every_signups * self._steps])
