"""Topics: their names, and where a key lies, which must never change under a running platform."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.topic import HOUR_MS, INTERNAL_RETENTION_HOURS, Topics, partition_of


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
