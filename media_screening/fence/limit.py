"""Limits of the process itself, which every Unix has: memory, processor time, files."""

from __future__ import annotations

import resource

from media_screening.fence.system import linux

MAX_OPEN_FILES = 64
MAX_THREADS = 256
ADDRESS_SLACK_BYTES = 4 << 30
"""Address space beyond the memory: the program itself, and what an allocator reserves a thread
without using it."""


def limit(*, memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process and all that it becomes.

    Memory is what it may write to (RLIMIT_DATA), on Linux only: elsewhere the kernel does not hold
    it. It can write to no file, and leaves no core. Processes are counted a user and a user
    namespace, so that limit holds only in a namespace of its own, and never for root.
    """
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    # The kernel sends SIGXCPU at the first, which says what happened, and SIGKILL at the second.
    _set(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5)
    if linux():
        _set(resource.RLIMIT_DATA, memory_bytes)
        _set(resource.RLIMIT_AS, memory_bytes + ADDRESS_SLACK_BYTES)


def limit_threads() -> None:
    """Limit how many threads there may be; call it in a user namespace of its own."""
    _set(resource.RLIMIT_NPROC, MAX_THREADS)


def _set(what: int, soft: int, hard: int | None = None) -> None:
    _, allowed = resource.getrlimit(what)
    wanted = soft if hard is None else hard
    if allowed != resource.RLIM_INFINITY:
        wanted = min(wanted, allowed)
    resource.setrlimit(what, (min(soft, wanted), wanted))
