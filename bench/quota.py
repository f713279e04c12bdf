"""Holds processes to a share of a core each, by the quota of the kernel's scheduler (cgroups).

So a machine of two cores can tell what one of four would: two processes that may use three fifths
of a core each leave the rest to the broker, and do not wait for each other's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 10_000
"""In each of these a process runs for its share and then stands still: at most 10 ms a wait."""

_numbers = count(1)


def is_available() -> bool:
    """Whether this process may set quotas: it takes root, and cgroups that may be written."""
    try:
        with held_to((), 1.0):
            return True
    except OSError:
        return False


@contextmanager
def held_to(pids: Iterable[int], cores: float) -> Iterator[None]:
    """Let processes, with all their threads, have so many cores together.

    Raises:
        OSError: The kernel does not let this process.
    """
    is_old = (ROOT / "cpu").is_dir()
    parent = _own_group("cpu" if is_old else "")
    group = parent / f"doorstaff-bench-{os.getpid()}-{next(_numbers)}"
    group.mkdir()
    try:
        quota_us = int(cores * PERIOD_US)
        if is_old:
            (group / "cpu.cfs_period_us").write_text(f"{PERIOD_US}")
            (group / "cpu.cfs_quota_us").write_text(f"{quota_us}")
        else:
            (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
        for pid in pids:
            (group / "cgroup.procs").write_text(f"{pid}")
        yield
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (parent / "cgroup.procs").write_text(left)
        group.rmdir()


def _own_group(controller: str) -> Path:
    """The group of this process and its children: its limits go on holding for them."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return ROOT / controller / path.lstrip("/")
    return ROOT / controller
