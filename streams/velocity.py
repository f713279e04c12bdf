"""Count facets, a partition at a time; answer the ledger with signals."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import msgspec

from contracts.ruleset import Ruleset
from contracts.signal import Signal
from detectors.velocity import BUDGET_BYTES, Velocity, basis_of
from streams import metrics
from streams.dead_letter import foreign
from streams.message import Outgoing, Record
from streams.pack import Answer, AnswerPack, BatchId, FacetPack, encode_pack, packs_in
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
        self.basis = f"windows 5 {topics.partitions} {basis_of(ruleset)}"

    def handle(self, records: list[Record]) -> Iterator[Outgoing]:
        """Count the packs of a run, and answer those who ask and those who are concerned."""
        packs: list[FacetPack] = []
        for record in records:
            try:
                packs += packs_in(record.value, FacetPack)
            except msgspec.MsgspecError as error:
                yield foreign(self._topics, "velocity", record, FacetPack, error)
        yield from self._answers(packs, records[0].partition)

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

    def _answers(self, packs: list[FacetPack], partition: int) -> Iterator[Outgoing]:
        """One answer to each partition of accounts that awaits one or has signals."""
        velocity, count = self._of(partition), self._topics.partitions
        answers: dict[int, list[Answer]] = {}
        raised: list[Signal] = []
        for pack in packs:
            awaiting: dict[int, list[Signal]] = {account: [] for account in pack.asks}
            signals = velocity.observe_all(pack.sightings)
            raised += signals
            for signal in signals:
                awaiting.setdefault(partition_of(signal.account_id, count), []).append(signal)
            for account, own in awaiting.items():
                batch = pack.batch if account in pack.asks else None
                answers.setdefault(account, []).extend(_in_parts(batch, own))
        ingested_at_ms = min((pack.ingested_at_ms for pack in packs), default=0)
        counted = metrics.counted(raised)
        for account, answered in answers.items():
            for some in _bounded(answered):
                answer = AnswerPack(source=partition, ingested_at_ms=ingested_at_ms, answers=some)
                yield Outgoing(
                    topic=self._topics.signals,
                    partition=account,
                    value=encode_pack(answer),
                    joins=True,
                    counted=counted,
                )
                counted = ()


def _in_parts(batch: BatchId | None, signals: list[Signal]) -> Iterator[Answer]:
    """The answer to a batch, in parts of at most so many signals."""
    for begin in range(0, len(signals) or 1, MAX_SIGNALS):
        end = begin + MAX_SIGNALS
        yield Answer(batch=batch, is_last=end >= len(signals), signals=tuple(signals[begin:end]))


def _bounded(answers: list[Answer]) -> Iterator[tuple[Answer, ...]]:
    """Answers in the same order, no more signals together than one pack takes."""
    some: list[Answer] = []
    signals = 0
    for answer in answers:
        signals += len(answer.signals)
        if some and signals > MAX_SIGNALS:
            yield tuple(some)
            some, signals = [], len(answer.signals)
        some.append(answer)
    if some:
        yield tuple(some)
