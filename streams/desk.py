"""The alert desk and the media workers' findings, as stages."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

import msgspec

from contracts.alert import Alert
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.wire import decode, encode
from detectors.alert_desk import AlertDesk
from detectors.reader import Reader
from detectors.velocity import basis_of
from streams import metrics
from streams.dead_letter import foreign
from streams.message import Outgoing, Record
from streams.pack import BatchId, CasePack, ReadingPack, encode_pack, packs_in
from streams.remembering import NoSnapshots
from streams.topic import Topics, partition_of


class DeskStage:
    """Raises the alerts. There is one in all."""

    lookback = None

    def __init__(self, ruleset: Ruleset, topics: Topics, *, console_url: str = "") -> None:
        self._ruleset = ruleset
        self._topics = topics
        self._console_url = console_url
        self._desk = self._new_desk()
        self.basis = f"desk 1 {topics.partitions} {console_url} {basis_of(ruleset)}"

    def handle(self, records: list[Record]) -> Iterator[Outgoing]:
        """Take in settled cases."""
        for record in records:
            try:
                packs = packs_in(record.value, CasePack)
            except msgspec.MsgspecError as error:
                yield foreign(self._topics, "desk", record, CasePack, error)
                continue
            for pack in packs:
                yield from self._messages(self._alerts(pack), pack)

    def forget(self, _topic: str, _partition: int) -> None:
        """Begin with an empty desk: its topic has one partition."""
        self._desk = self._new_desk()

    def restore(self, records: list[Record]) -> None:
        """Take cases in again."""
        for _ in self.handle(records):
            pass

    def snapshot(self, _topic: str, _partition: int) -> Generator[bytes, None, None]:
        """All that the desk knows."""
        return self._desk.snapshot()

    def load(self, _topic: str, _partition: int, piece: bytes) -> None:
        """Know it again."""
        self._desk.load(piece)

    def _alerts(self, pack: CasePack) -> Iterator[Alert]:
        for verdict in pack.verdicts:
            yield from self._desk.observe(verdict)
        for screening in pack.screenings:
            yield from self._desk.screened(screening)
        for ruled in pack.decisions:
            yield from self._desk.decide(ruled)
        if pack.source >= 0:
            yield from self._desk.tick(pack.watermark_ms, pack.source)

    def _messages(self, alerts: Iterable[Alert], pack: CasePack) -> Iterator[Outgoing]:
        for alert in alerts:
            yield Outgoing(
                topic=self._topics.alerts,
                key=alert.alert_id.encode(),
                value=encode(alert),
                ingested_at_ms=pack.ingested_at_ms,
                counted=((metrics.ALERTS.labels(alert.kind, alert.status), 1),),
            )

    def _new_desk(self) -> AlertDesk:
        return AlertDesk(self._ruleset, console_url=self._console_url)


class ScreeningStage(NoSnapshots):
    """Turns what the media workers found into readings for the ledger and cases for the desk."""

    lookback = 0

    def __init__(self, reader: Reader, topics: Topics) -> None:
        self._reader = reader
        self._topics = topics

    def handle(self, records: list[Record]) -> Iterator[Outgoing]:
        """Take in screenings."""
        for record in records:
            try:
                screening = decode(record.value, Screening)
            except msgspec.MsgspecError as error:
                yield foreign(self._topics, "screenings", record, Screening, error)
                continue
            metrics.EVENTS.labels("screening", screening.status).inc()
            if screening.status != "match":
                continue
            readings = ReadingPack(
                batch=BatchId(
                    origin=f"{record.topic}:{record.partition}",
                    first=record.offset,
                    last=record.offset,
                ),
                ingested_at_ms=record.timestamp_ms,
                awaits=(),
                readings=(self._reader.read_screening(screening),),
            )
            partition = partition_of(screening.account_id, self._topics.partitions)
            yield Outgoing(
                topic=self._topics.signals,
                partition=partition,
                value=encode_pack(readings),
                joins=True,
            )
            case = CasePack(ingested_at_ms=record.timestamp_ms, screenings=(screening,))
            yield Outgoing(
                topic=self._topics.cases, partition=0, value=encode_pack(case), joins=True
            )

    def forget(self, _topic: str, _partition: int) -> None:
        """Nothing is kept from one screening to the next."""

    def restore(self, _records: list[Record]) -> None:
        """Nothing is kept from one screening to the next."""
