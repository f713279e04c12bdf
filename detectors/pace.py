"""How far event time has come where several sources run at different paces."""

from __future__ import annotations

HEARD_WITHIN = 512
"""A source that has said nothing while the others said so much is idle, and holds nobody back."""


class Pace:
    """The least of the sources' own watermarks, never going back.

    A source far ahead of the others, as a partition is that is caught up with first, moves nothing
    until they follow. The idea, and the idle timeout, are those of Flink's watermark generators:
    https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/event-time/generating_watermarks/
    The timeout here is in messages, not in wall time: detectors have no clock.

    Attributes:
        at_ms: How far all of them have come that are not idle, epoch milliseconds.
        newest_ms: How far the foremost has come.
    """

    def __init__(self) -> None:
        self.at_ms = 0
        self.newest_ms = 0
        self._heard: dict[int, tuple[int, int]] = {}
        self._count = 0

    def observe(self, source: int, at_ms: int) -> None:
        """Take in how far a source has come."""
        self._count += 1
        before, _ = self._heard.get(source, (0, 0))
        self._heard[source] = max(before, at_ms), self._count
        idle_before = self._count - HEARD_WITHIN
        if len(self._heard) > 1 and self._count % HEARD_WITHIN == 0:
            self._heard = {one: said for one, said in self._heard.items() if said[1] > idle_before}
        self.at_ms = max(self.at_ms, min(at for at, _ in self._heard.values()))
        self.newest_ms = max(self.newest_ms, at_ms)

    def dump(self) -> tuple[int, int, int, list[tuple[int, int, int]]]:
        """All of it, as plain values."""
        heard = [(source, *said) for source, said in self._heard.items()]
        return self.at_ms, self.newest_ms, self._count, heard

    def load(self, dumped: tuple[int, int, int, list[tuple[int, int, int]]]) -> None:
        """Go on from what ``dump`` gave."""
        self.at_ms, self.newest_ms, self._count, heard = dumped
        self._heard = {source: (at_ms, count) for source, at_ms, count in heard}
