"""Every topic: its key, its partitions, how long it keeps, and what travels on it."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
)

from streams.errors import BrokerUnavailable, TopicMismatch

HOUR_MS = 3_600_000
INTERNAL_RETENTION_HOURS = 48
"""How long all workers may be away without a gap in the state that they make of what passes between
agents. State that is older lies in snapshots."""

MAX_MESSAGE_BYTES = 1_048_588
"""Kafka's own default."""

MAX_DEAD_LETTER_BYTES = 3 * 1024**2
"""A dead letter holds a message of up to 1 MiB, which Kafka takes, in base64."""

ATTEMPTS = 20
WAIT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSpec:
    """One topic as it is made."""

    name: str
    key: str
    carries: str
    partitions: int
    retention_ms: int
    max_message_bytes: int

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings as Kafka names them."""
        return {
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """The names of all topics, and how they are made.

    A platform may make the topics it writes to with any number of partitions, and key them as it
    likes, so long as an event that it sends twice lands on one partition: that is where repeats are
    known. Facets are repartitioned by facet, readings by account.
    """

    prefix: str = "doorstaff."
    partitions: int = 8
    retention_hours: int = 168

    @property
    def signups(self) -> str:
        """From the platform."""
        return f"{self.prefix}signups"

    @property
    def posts(self) -> str:
        """From the platform."""
        return f"{self.prefix}posts"

    @property
    def uploads(self) -> str:
        """From the platform."""
        return f"{self.prefix}uploads"

    @property
    def decisions(self) -> str:
        """From the console or the platform."""
        return f"{self.prefix}decisions"

    @property
    def facets(self) -> str:
        """From intake to velocity."""
        return f"{self.prefix}facets"

    @property
    def signals(self) -> str:
        """From intake, velocity and screenings to the ledger."""
        return f"{self.prefix}signals"

    @property
    def cases(self) -> str:
        """From the ledger to the alert desk."""
        return f"{self.prefix}cases"

    @property
    def screenings(self) -> str:
        """From the media workers."""
        return f"{self.prefix}screenings"

    @property
    def verdicts(self) -> str:
        """To the platform."""
        return f"{self.prefix}verdicts"

    @property
    def alerts(self) -> str:
        """To the sinks, and to whoever else listens."""
        return f"{self.prefix}alerts"

    @property
    def alerts_out(self) -> str:
        """From the Kafka sink: the alerts that are routed to it, each revision once."""
        return f"{self.prefix}alerts.out"

    @property
    def late(self) -> str:
        """Events that came too late to be counted, as they came."""
        return f"{self.prefix}late"

    @property
    def dead_letters(self) -> str:
        """What could not be handled."""
        return f"{self.prefix}dead-letters"

    def specs(self) -> tuple[TopicSpec, ...]:
        """All topics as they are made."""
        public, internal = self.retention_hours, INTERNAL_RETENTION_HOURS
        rows = (
            (self.signups, "account_id", "signup", self.partitions, public),
            (self.posts, "account_id", "post", self.partitions, public),
            (self.uploads, "account_id", "upload", self.partitions, public),
            (self.decisions, "decision_id", "decision", 1, public),
            (self.facets, "hash of the facet", "FacetPack", self.partitions, internal),
            (
                self.signals,
                "hash of the account_id",
                "ReadingPack, AnswerPack",
                self.partitions,
                internal,
            ),
            (self.cases, "none", "CasePack", 1, internal),
            (self.screenings, "account_id", "Screening", self.partitions, public),
            (self.verdicts, "account_id", "Verdict", self.partitions, public),
            (self.alerts, "alert_id", "Alert", 1, public),
            (self.alerts_out, "alert_id", "Alert", 1, public),
            (self.late, "account_id", "signup, post or upload", 1, public),
            (self.dead_letters, "none", "DeadLetter", 1, public),
        )
        return tuple(
            TopicSpec(
                name=name,
                key=key,
                carries=carries,
                partitions=partitions,
                retention_ms=hours * HOUR_MS,
                max_message_bytes=MAX_DEAD_LETTER_BYTES
                if name == self.dead_letters
                else MAX_MESSAGE_BYTES,
            )
            for name, key, carries, partitions, hours in rows
        )

    def between_agents(self) -> tuple[TopicSpec, ...]:
        """Those whose partitions must be what the settings say."""
        names = {self.facets, self.signals, self.cases, self.verdicts}
        return tuple(spec for spec in self.specs() if spec.name in names)

    def for_event(self, event_type: str) -> str:
        """Where an event of a type is sent."""
        return f"{self.prefix}{event_type}s"


def _check(topics: Topics, name: str, partitions: int) -> None:
    wanted = next(spec.partitions for spec in topics.specs() if spec.name == name)
    if partitions != wanted:
        raise TopicMismatch(name, has=partitions, wanted=wanted)


def partition_of(key: str, partitions: int) -> int:
    """The partition of a facet or an account: CRC-32, the same in every process."""
    return zlib.crc32(key.encode()) % partitions


async def create_topics(bootstrap: str, topics: Topics, *, replication: int = 1) -> None:
    """Make the topics that are not there yet.

    Where some broker answers, one that is away for a moment, or a controller that is just being
    elected, is waited for, ``ATTEMPTS`` times a second long.

    Raises:
        BrokerUnavailable: With what the broker said.
        TopicMismatch: A topic of ours has other partitions than the settings say.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        for attempt in range(ATTEMPTS):
            try:
                await _create_missing(admin, bootstrap, topics, replication)
            except KafkaError as error:
                if not error.retriable or attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(WAIT_SECONDS)
            else:
                break
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(bootstrap, str(error) or type(error).__name__) from error
    finally:
        await admin.close()


async def _create_missing(
    admin: AIOKafkaAdminClient, bootstrap: str, topics: Topics, replication: int
) -> None:
    present = set(await admin.list_topics())
    missing = [
        NewTopic(
            name=spec.name,
            num_partitions=spec.partitions,
            replication_factor=replication,
            topic_configs=spec.config,
        )
        for spec in topics.specs()
        if spec.name not in present
    ]
    kept = [spec.name for spec in topics.between_agents() if spec.name in present]
    for found in await admin.describe_topics(kept) if kept else ():
        has = {partition["partition"] for partition in found["partitions"]}
        _check(topics, str(found["topic"]), len(has))
    if missing:
        response = await admin.create_topics(missing)
        for name, code, *_ in response.topic_errors:
            if code == InvalidReplicationFactorError.errno:
                reason = (
                    f"topic {name} not made: fewer brokers answer than DOORSTAFF_REPLICATION"
                    f" ({replication})"
                )
                raise BrokerUnavailable(bootstrap, reason)
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise BrokerUnavailable(bootstrap, f"topic {name} not made (error {code})")
