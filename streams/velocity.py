"""Count facets, a partition at a time; answer the ledger with signals."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import msgspec

from contracts.ruleset import Ruleset
from contracts.signal import Signal
from contracts.wire import decode, encode
from detectors.velocity import BUDGET_BYTES, Velocity, basis_of
from streams import metrics
from streams.dead_letter import foreign
from streams.message import FacetPack, Outgoing, Record, SignalPack
from streams.topic import Topics, partition_of

MAX_SIGNALS = 250
"""Signals in one pack: about half of what Kafka takes in one message."""


class VelocityStage:
    """Keeps the windows of each partition of facets that this worker has."""

    lookback = None

    def __init__(
        self, ruleset: Ruleset, topics: Topics, *, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self._ruleset = ruleset
        self._topics = topics
        self._share_bytes = budget_bytes // topics.partitions
        self._velocity: dict[int, Velocity] = {}
        self.basis = f"windows 4 {topics.partitions} {basis_of(ruleset)}"

    def handle(self, records: list[Record]) -> Iterator[Outgoing]:
        """Count the packs of a chunk and answer each."""
        for record in records:
            try:
                pack = decode(record.value, FacetPack)
            except msgspec.MsgspecError as error:
                yield foreign(self._topics, "velocity", record, FacetPack, error)
                continue
            yield from self._answers(pack, record.partition, self._of(record.partition))

    def forget(self, _topic: str, partition: int) -> None:
        """Drop the state of a partition."""
        self._velocity.pop(partition, None)

    def restore(self, records: list[Record]) -> None:
        """Fold packs in again."""
        for _ in self.handle(records):
            pass

    def snapshot(self, _topic: str, partition: int) -> Generator[bytes, None, None]:
        """The windows of a partition."""
        return self._of(partition).snapshot()

    def load(self, _topic: str, partition: int, piece: bytes) -> None:
        """Know windows again."""
        self._of(partition).load(piece)

    def _of(self, partition: int) -> Velocity:
        velocity = self._velocity.get(partition)
        if velocity is None:
            velocity = Velocity(self._ruleset, budget_bytes=self._share_bytes)
            self._velocity[partition] = velocity
        return velocity

    def _answers(self, pack: FacetPack, partition: int, velocity: Velocity) -> Iterator[Outgoing]:
        """One answer to each partition of accounts that awaits one or has signals."""
        count = self._topics.partitions
        asked = frozenset(pack.asks)
        awaiting: dict[int, list[Signal]] = {account: [] for account in pack.asks}
        for seen in pack.sightings:
            for signal in velocity.observe(seen):
                awaiting.setdefault(partition_of(signal.account_id, count), []).append(signal)
        for account, signals in awaiting.items():
            parts = list(batched(signals, MAX_SIGNALS)) or [[]]
            for number, part in enumerate(parts, 1):
                answer = SignalPack(
                    batch=pack.batch if account in asked else None,
                    ingested_at_ms=pack.ingested_at_ms,
                    answers=partition,
                    is_last=number == len(parts),
                    signals=tuple(part),
                )
                yield Outgoing(
                    topic=self._topics.signals,
                    partition=account,
                    value=encode(answer),
                    counted=metrics.counted(part),
                )


def batched(signals: list[Signal], most: int) -> Iterator[list[Signal]]:
    """Split a list into lists of at most so many."""
    return (signals[begin : begin + most] for begin in range(0, len(signals), most))
