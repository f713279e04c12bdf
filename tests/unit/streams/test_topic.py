"""Topics: their names, and where a key lies, which must never change under a running platform."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import InvalidReplicationFactorError, NodeNotReadyError
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BrokerUnavailable
from streams.topic import (
    ATTEMPTS,
    HOUR_MS,
    INTERNAL_RETENTION_HOURS,
    Topics,
    create_topics,
    partition_of,
)


def test_every_topic_is_made_once_and_carries_the_prefix() -> None:
    topics = Topics(prefix="acme.", partitions=6, retention_hours=48)
    specs = {spec.name: spec for spec in topics.specs()}
    assert list(specs) == [
        "acme.signups",
        "acme.posts",
        "acme.uploads",
        "acme.decisions",
        "acme.facets",
        "acme.signals",
        "acme.cases",
        "acme.screenings",
        "acme.verdicts",
        "acme.alerts",
        "acme.alerts.out",
        "acme.late",
        "acme.dead-letters",
    ]
    assert len(specs) == len(topics.specs())
    assert specs[topics.cases].partitions == specs[topics.alerts].partitions == 1  # one desk
    assert specs[topics.facets].partitions == specs[topics.signals].partitions == 6
    assert specs[topics.signups].retention_ms == 48 * HOUR_MS
    assert specs[topics.facets].retention_ms == INTERNAL_RETENTION_HOURS * HOUR_MS


@pytest.mark.parametrize("kind", ["signup", "post", "upload", "decision"])
def test_an_event_has_the_topic_of_its_type(kind: str) -> None:
    topics = Topics()
    assert topics.for_event(kind) == getattr(topics, f"{kind}s")


@pytest.mark.parametrize(
    ("key", "partition"),
    [("", 0), ("a1", 3), ("device:ab12", 1), ("ip:203.0.113.7", 5), ("Bjørk", 4)],
)
def test_a_key_lies_where_it_always_lay(key: str, partition: int) -> None:
    assert partition_of(key, 8) == partition


@given(st.text(), st.integers(1, 1_024))
def test_every_key_has_a_partition(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


def test_keys_spread() -> None:
    spread = Counter(partition_of(f"account-{number}", 8) for number in range(8_000))
    assert min(spread.values()) > 800


class Brokers:
    """Three brokers of which one is away: some requests go to that one."""

    def __init__(self, failures: list[Exception | int]) -> None:
        self._failures = failures
        self.made: list[str] = []

    async def start(self) -> None:
        """Some broker answers."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def list_topics(self) -> list[str]:
        match self._failures:
            case [Exception() as failure, *rest]:
                self._failures = rest
                raise failure
        return self.made

    async def describe_topics(self, _names: list[str]) -> list[Any]:
        return []

    async def create_topics(self, wanted: list[Any]) -> Any:
        code = self._failures.pop(0) if self._failures else 0
        self.made += [topic.name for topic in wanted] if code == 0 else []
        return SimpleNamespace(topic_errors=[(topic.name, code) for topic in wanted])


def brokers(monkeypatch: pytest.MonkeyPatch, *failures: Exception | int) -> Brokers:
    cluster = Brokers(list(failures))
    monkeypatch.setattr("streams.topic.AIOKafkaAdminClient", lambda **_: cluster)
    monkeypatch.setattr("streams.topic.WAIT_SECONDS", 0.0)
    return cluster


async def test_one_broker_of_three_may_be_away_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = brokers(monkeypatch, NodeNotReadyError("node id 2"), NodeNotReadyError("node id 2"))
    await create_topics("a:1,b:2,c:3", Topics())
    assert cluster.made == [spec.name for spec in Topics().specs()]


async def test_all_that_is_waited_for_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers(monkeypatch, *[NodeNotReadyError("node id 2")] * ATTEMPTS)
    with pytest.raises(BrokerUnavailable, match="node id 2"):
        await create_topics("a:1,b:2,c:3", Topics())


async def test_too_few_brokers_for_the_replicas_are_told_with_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brokers(monkeypatch, InvalidReplicationFactorError.errno)
    with pytest.raises(BrokerUnavailable, match=r"fewer brokers .* DOORSTAFF_REPLICATION \(3\)"):
        await create_topics("a:1,b:2,c:3", Topics(), replication=3)
