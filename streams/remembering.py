"""What a stage does so that its state outlives the worker."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

from contracts.screening import ScreeningJob
from streams.message import Outgoing, Record


class Remembering(Protocol):
    """What has a state to be restored.

    Attributes:
        lookback: How many records before the next one its state depends on; None for all.
        basis: What its state depends on besides the records, and the version of its snapshots'
            layout: a snapshot made on another basis is not loaded. Empty for no snapshots.
    """

    @property
    def lookback(self) -> int | None:
        """How many records back its state reaches; None for as far as the topic does."""

    @property
    def basis(self) -> str:
        """What a snapshot must have been made on to be of use; empty for no snapshots."""

    def forget(self, topic: str, partition: int) -> None:
        """Drop the state of a partition."""

    def restore(self, records: list[Record]) -> None:
        """Fold records in that were handled before."""

    def snapshot(self, topic: str, partition: int) -> Generator[bytes, None, None]:
        """The state of a partition, in pieces that each take a few milliseconds to make.

        It is the state as of the first piece: what must not change meanwhile is copied before that
        one is given out. Records are handled between one piece and the next.
        """

    def load(self, topic: str, partition: int, piece: bytes) -> None:
        """Take in the next piece of a snapshot, of a partition that was forgotten before.

        Raises:
            Exception: It cannot be read; the partition is forgotten, and made anew from the topic.
        """


class Stage(Remembering, Protocol):
    """A step of the stream with state of its own for each partition."""

    def handle(self, records: list[Record]) -> Iterable[Outgoing | ScreeningJob]:
        """What a run of successive records of one partition leads to."""


class NoSnapshots:
    """For a stage whose state is always made anew from its topic."""

    basis = ""

    def snapshot(self, _topic: str, _partition: int) -> Generator[bytes, None, None]:
        """Nothing."""
        yield from ()

    def load(self, _topic: str, _partition: int, _piece: bytes) -> None:
        """Nothing."""
