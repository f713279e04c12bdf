"""How far event time has come, and which events are too late for their windows."""

from __future__ import annotations


class Watermark:
    """The newest event time of a partition, less the allowed lateness.

    Args:
        lateness_ms: By how much an event may be older than a newer one and still be counted.
    """

    __slots__ = ("_lateness_ms", "newest_ms")

    def __init__(self, lateness_ms: int) -> None:
        self._lateness_ms = lateness_ms
        self.newest_ms = 0
        """The newest event time seen, epoch milliseconds."""

    def late_by(self, at_ms: int) -> int:
        """By how many milliseconds an event lies before the watermark; 0 for one in time."""
        if at_ms > self.newest_ms:
            self.newest_ms = at_ms
            return 0
        return max(0, self.newest_ms - self._lateness_ms - at_ms)
