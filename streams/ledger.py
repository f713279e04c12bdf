"""Bring a batch's readings and the answers of velocity together, and give the verdicts."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import msgspec

from contracts.ruleset import Ruleset
from contracts.signal import Signal
from contracts.verdict import Verdict
from contracts.wire import encode
from detectors.ledger import MAX_ACCOUNTS, Ledger
from detectors.scorer import TELL_TIME_EVERY_MS, is_case
from streams import metrics
from streams.dead_letter import foreign
from streams.message import Outgoing, Record
from streams.pack import Answer, AnswerPack, BatchId, CasePack, ReadingPack, encode_pack, packs_in
from streams.topic import Topics

MAX_CASES = 100
"""Verdicts in one pack for the desk: well below what Kafka takes in one message."""


@dataclass(slots=True)
class _Answers:
    sources: set[int] = field(default_factory=set)
    """The facet partitions of which all has come."""
    signals: list[Signal] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    readings: ReadingPack
    answers: _Answers


@dataclass(slots=True)
class _Partition:
    ledger: Ledger
    batches: dict[BatchId, _Batch] = field(default_factory=dict)
    """Those that await answers."""
    unread: dict[BatchId, _Answers] = field(default_factory=dict)
    """Those of which only answers have come, as yet or because a crash broke them off."""
    read_to: dict[str, int] = field(default_factory=dict)
    """The last message of each origin of which readings came."""
    watermark_ms: int = 0
    told_ms: int = 0
    """The watermark that the desk was told of."""


class _Piece(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Of a partition's snapshot.

    Attributes:
        times: How far event time is, and how far the desk was told.
        read_to: The last message of each origin of which readings came.
        batches: Name, readings, partitions that answered, and their signals.
    """

    times: tuple[int, int]
    read_to: dict[str, int] = {}
    batches: list[tuple[BatchId, ReadingPack | None, tuple[int, ...], tuple[Signal, ...]]] = []
    of_ledger: bytes | None = None


LedgerPack = ReadingPack | AnswerPack
"""What comes by the signals topic."""


class LedgerStage:
    """Keeps the accounts of each partition that this worker has."""

    lookback = None
    basis = "accounts 2"
    """What signals are worth is told by whoever sends them."""

    def __init__(self, ruleset: Ruleset, topics: Topics) -> None:
        self._ruleset = ruleset
        self._topics = topics
        self._partitions: dict[int, _Partition] = {}

    def handle(self, records: list[Record]) -> Iterator[Outgoing]:
        """Take in readings and answers; give the verdicts of what they complete."""
        for record in records:
            part = self._of(record.partition)
            try:
                packs: list[LedgerPack] = packs_in(record.value, LedgerPack)
            except msgspec.MsgspecError as error:
                yield foreign(self._topics, "ledger", record, LedgerPack, error)
                continue
            verdicts = [verdict for pack in packs for verdict in self._verdicts(pack, part)]
            ingested_at_ms = min((pack.ingested_at_ms for pack in packs), default=0)
            yield from self._emit(ingested_at_ms, part, record.partition, verdicts)

    def forget(self, _topic: str, partition: int) -> None:
        """Drop the state of a partition."""
        self._partitions.pop(partition, None)

    def restore(self, records: list[Record]) -> None:
        """Fold packs in again."""
        for _ in self.handle(records):
            pass

    def snapshot(self, _topic: str, partition: int) -> Generator[bytes, None, None]:
        """The accounts of a partition, and the batches that are not complete."""
        part = self._of(partition)
        times, read_to = (part.watermark_ms, part.told_ms), dict(part.read_to)
        held = [(name, batch.readings, batch.answers) for name, batch in part.batches.items()]
        unread = [(name, None, answers) for name, answers in part.unread.items()]
        batches = [
            (name, readings, tuple(answers.sources), tuple(answers.signals))
            for name, readings, answers in (*held, *unread)
        ]
        of_ledger = part.ledger.snapshot()
        first = next(of_ledger, None)  # as of now
        yield msgspec.msgpack.encode(_Piece(times=times, read_to=read_to, of_ledger=first))
        for batch in batches:
            yield msgspec.msgpack.encode(_Piece(times=times, batches=[batch]))
        for piece in of_ledger:
            yield msgspec.msgpack.encode(_Piece(times=times, of_ledger=piece))

    def load(self, _topic: str, partition: int, piece: bytes) -> None:
        """Know accounts and batches again."""
        part, taken = self._of(partition), msgspec.msgpack.decode(piece, type=_Piece)
        part.watermark_ms, part.told_ms = taken.times
        part.read_to.update(taken.read_to)
        for name, readings, sources, signals in taken.batches:
            answers = _Answers(set(sources), list(signals))
            if readings is None:
                part.unread[name] = answers
            else:
                part.batches[name] = _Batch(readings, answers)
        if taken.of_ledger is not None:
            part.ledger.load(taken.of_ledger)

    def _of(self, partition: int) -> _Partition:
        part = self._partitions.get(partition)
        if part is None:
            most = max(1, MAX_ACCOUNTS // self._topics.partitions)
            part = _Partition(Ledger(self._ruleset, max_accounts=most))
            self._partitions[partition] = part
        return part

    def _verdicts(self, pack: LedgerPack, part: _Partition) -> Iterator[Verdict]:
        if isinstance(pack, ReadingPack):
            yield from _let_go_before(pack.batch, part)
            if pack.batch not in part.batches:  # else cut alike when it was read again
                answers = part.unread.pop(pack.batch, _Answers())
                part.batches[pack.batch] = _Batch(pack, answers)
            yield from _settle_if_complete(pack.batch, part)
            return
        for answer in pack.answers:
            name = answer.batch
            if name is None:
                yield from part.ledger.amend(answer.signals)
            elif (awaiting := part.batches.get(name)) is not None:
                _take(answer, pack.source, awaiting.answers)
                yield from _settle_if_complete(name, part)
            else:
                unread = part.unread.setdefault(name, _Answers())
                _take(answer, pack.source, unread)
                if _may_be_broken_off(name, part):
                    yield from _amend_by(unread, part)

    def _emit(
        self, ingested_at_ms: int, part: _Partition, partition: int, verdicts: list[Verdict]
    ) -> Iterator[Outgoing]:
        """Verdicts go out; what is not plainly ``allow`` is a case for the alert desk too."""
        topic = self._topics.verdicts
        counted = metrics.counted_verdicts(verdicts)
        cases = []
        for verdict in verdicts:
            yield Outgoing(
                topic=topic,
                partition=partition,
                key=verdict.account_id.encode(),
                value=encode(verdict),
                counted=counted,
            )
            counted = ()
            if is_case(verdict):
                cases.append(verdict)
        if not cases and part.watermark_ms < part.told_ms + TELL_TIME_EVERY_MS:
            return
        part.told_ms = part.watermark_ms
        for begin in range(0, max(1, len(cases)), MAX_CASES):
            pack = CasePack(
                source=partition,
                watermark_ms=part.watermark_ms,
                ingested_at_ms=ingested_at_ms,
                verdicts=tuple(cases[begin : begin + MAX_CASES]),
            )
            yield Outgoing(
                topic=self._topics.cases, partition=0, value=encode_pack(pack), joins=True
            )


def _take(answer: Answer, source: int, answers: _Answers) -> None:
    answers.signals.extend(answer.signals)
    if answer.is_last:
        answers.sources.add(source)


def _may_be_broken_off(batch: BatchId, part: _Partition) -> bool:
    """Whether a batch that has no readings yet might get none: a crash came between.

    Batches of one origin are sent in the order of their offsets. So where readings of the same or
    later messages have come, either these were broken off or the batch was, and its messages were
    read again. What is said in answer to it is counted by now and is not said again of all that
    it concerns: it must not wait.
    """
    return batch.first <= part.read_to.get(batch.origin, -1)


def _amend_by(answers: _Answers, part: _Partition) -> list[Verdict]:
    """Take in what was answered to a batch that may never be settled."""
    signals, answers.signals = answers.signals, []
    return part.ledger.amend(signals)


def _let_go_before(batch: BatchId, part: _Partition) -> Iterator[Verdict]:
    """Wait no longer for what a crash may have broken off, now that readings of a batch come."""
    read_to = part.read_to.get(batch.origin, -1)
    part.read_to[batch.origin] = max(read_to, batch.last)
    if batch.first <= read_to:  # read again, or a half of what came before
        for early in [early for early in part.batches if early.overlaps(batch)]:
            yield from _settle(early, part)
    unread = part.unread
    for early in [early for early in unread if early.origin == batch.origin and early != batch]:
        if _may_be_broken_off(early, part):
            yield from _amend_by(unread[early], part)
            if early.last < batch.first:
                del unread[early]


def _settle_if_complete(name: BatchId, part: _Partition) -> list[Verdict]:
    batch = part.batches[name]
    is_complete = batch.answers.sources.issuperset(batch.readings.awaits)
    return _settle(name, part) if is_complete else []


def _settle(name: BatchId, part: _Partition) -> list[Verdict]:
    """Give the verdicts on a batch, by the answers that there are."""
    batch = part.batches.pop(name)
    readings = batch.readings.readings
    newest_ms = max((reading.occurred_at_ms for reading in readings), default=0)
    part.watermark_ms = max(part.watermark_ms, newest_ms)
    return part.ledger.settle_all(readings, batch.answers.signals)
