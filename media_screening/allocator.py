"""What the C library holds back of the memory that was let go."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def trim() -> None:
    """Give unused memory back to the system, where the C library can (glibc).

    Each screening runs in a thread of its own, and glibc keeps an arena for each of several threads
    at the size of the largest screening it has seen: over 1,000 uploads that came to 60 MiB.
    """
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    try:
        function: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return lambda _: None
    return function
