"""A broker in memory: topics of partitions, and the stages that read them, in any order."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.event import EventModel
from contracts.ids import AlertId, EventId
from contracts.ruleset import Ruleset
from contracts.screening import Screening, ScreeningJob
from contracts.verdict import Verdict
from contracts.wire import decode, encode
from detectors.reader import Reader
from streams.desk import DeskStage, ScreeningStage
from streams.intake import Intake
from streams.ledger import LedgerStage
from streams.message import Outgoing, Record
from streams.pack import joined
from streams.topic import Topics, partition_of
from streams.velocity import VelocityStage

if TYPE_CHECKING:
    from streams.remembering import Stage

SENT_AT_MS = 1_795_374_000_000


@dataclass
class Bus:
    """Every stage of the stream; each may be given fresh, as after a crash."""

    ruleset: Ruleset
    partitions: int = 4
    topics: Topics = field(init=False)
    logs: dict[tuple[str, int], list[Record]] = field(init=False)
    read_to: dict[tuple[str, int], int] = field(init=False)
    jobs: list[ScreeningJob] = field(init=False, default_factory=list)
    readers: dict[str, Stage] = field(init=False)

    def __post_init__(self) -> None:
        self.topics = Topics(partitions=self.partitions)
        self.logs = defaultdict(list)
        self.read_to = defaultdict(int)
        names = ("signups", "posts", "uploads", "facets", "screenings", "signals", "cases")
        self.readers = {}
        for name in names:
            topic: str = getattr(self.topics, name)
            self.readers[topic] = self.fresh(topic)
        # one agent reads both, as in the worker
        self.readers[self.topics.posts] = self.readers[self.topics.signups]

    def fresh(self, topic: str) -> Stage:
        """The stage that reads a topic, without any state."""
        topics, rules = self.topics, self.ruleset
        make: dict[str, Callable[[], Stage]] = {
            topics.facets: lambda: VelocityStage(rules, topics),
            topics.screenings: lambda: ScreeningStage(Reader(rules), topics),
            topics.signals: lambda: LedgerStage(rules, topics),
            topics.cases: lambda: DeskStage(rules, topics),
        }
        return make.get(
            topic, lambda: Intake(Reader(rules), topics, lateness_ms=rules.lateness * 1_000)
        )()

    def restart(self, topic: str) -> None:
        """Drop the state of all partitions of a topic, and restore it from what was read."""
        stage = self.readers[topic]
        for (name, partition), log in self.logs.items():
            if name == topic:
                stage.forget(topic, partition)
                if read := log[: self.read_to[name, partition]]:
                    stage.restore(read)

    def send(
        self,
        event: EventModel | Screening | bytes,
        *,
        topic: str = "",
        partition: int | None = None,
        is_retry: bool = False,
    ) -> None:
        """Put an event, or any bytes, on a topic."""
        if isinstance(event, bytes):
            value, key = event, "raw"
        elif isinstance(event, Screening):
            value, key = encode(event), event.account_id
            topic = topic or self.topics.screenings
        else:
            value, key = event.model_dump_json().encode(), event.account_id
            topic = topic or self.topics.for_event(event.type)
        where = partition_of(key, self.partitions) if partition is None else partition
        self._append(topic, where, value, key.encode(), is_retry=is_retry)

    def run(self, order: random.Random | None = None, *, most: int = 1_000) -> None:
        """Let the stages read until nothing is left.

        Args:
            order: Picks, at each step, the partition that is read next and how many messages of
                it; without one the oldest topic is drained first.
            most: Messages a chunk.
        """
        while waiting := self.waiting():
            if order is None:
                origin, count = waiting[0], most
            else:
                origin = order.choice(waiting)
                count = order.randint(1, most)
            self.step(origin, count)

    def step(self, origin: tuple[str, int], count: int, *, acknowledge: bool = True) -> None:
        """Let one stage read a chunk of one partition, and send on what it leads to."""
        begin = self.read_to[origin]
        chunk = self.logs[origin][begin : begin + count]
        by_partition: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for message in self.readers[origin[0]].handle(chunk):
            if isinstance(message, ScreeningJob):
                self.jobs.append(message)
            else:
                key = (message.key or b"").decode()
                where = message.partition
                if where is None:
                    where = partition_of(key, self.partitions) if key else 0
                by_partition[message.topic, where].append(message)
        for (topic, where), messages in by_partition.items():
            for message in joined(messages):
                self._append(topic, where, message.value, message.key)
        if acknowledge:
            self.read_to[origin] = begin + len(chunk)

    def break_off(self, origin: tuple[str, int], count: int, pick: random.Random) -> None:
        """Let a stage die while it sends; of each partition, the beginning is durable.

        It is begun anew, and knows again what it read before.
        """
        before = {where: len(log) for where, log in self.logs.items()}
        self.step(origin, count, acknowledge=False)
        for where, log in self.logs.items():
            del log[pick.randint(before.get(where, 0), len(log)) :]
        self.restart(origin[0])

    def of(self, topic: str) -> list[Record]:
        """All messages of a topic."""
        return [record for (name, _), log in self.logs.items() if name == topic for record in log]

    def verdicts(self) -> dict[EventId, Verdict]:
        """The newest verdict of each event."""
        found = (decode(record.value, Verdict) for record in self.of(self.topics.verdicts))
        return {verdict.event_id: verdict for verdict in found}

    def alerts(self) -> list[Alert]:
        """All revisions of all alerts."""
        return [decode(record.value, Alert) for record in self.of(self.topics.alerts)]

    def newest_alerts(self) -> dict[AlertId, Alert]:
        """The newest revision of each alert."""
        return {alert.alert_id: alert for alert in self.alerts()}

    def dead_letters(self) -> list[DeadLetter]:
        """All that was put aside."""
        return [decode(record.value, DeadLetter) for record in self.of(self.topics.dead_letters)]

    def waiting(self) -> list[tuple[str, int]]:
        """The partitions of which there is something to read."""
        return [
            origin
            for origin, log in self.logs.items()
            if origin[0] in self.readers and self.read_to[origin] < len(log)
        ]

    def _append(
        self, topic: str, partition: int, value: bytes, key: bytes | None, *, is_retry: bool = False
    ) -> None:
        log = self.logs[topic, partition]
        log.append(
            Record(
                topic=topic,
                partition=partition,
                offset=len(log),
                timestamp_ms=SENT_AT_MS + len(log),
                key=key,
                value=value,
                is_retry=is_retry,
            )
        )


def fields(event: Any, change: Callable[[dict[str, Any]], None]) -> bytes:
    """An event's JSON with a change made to it."""
    loaded = json.loads(event.model_dump_json())
    change(loaded)
    return json.dumps(loaded).encode()
