"""What every sink keeps to, against the real thing at its other end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sinks.errors import DeliveryError
from sinks.sink import Backoff
from tests.alerts import MEDIA, alert_like
from tests.integration.sinks.harness import HARNESSES, Harness


@pytest.fixture(params=list(HARNESSES))
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    async with HARNESSES[request.param](request) as harness:
        assert harness.sink.name == request.param
        yield harness
        for sink in (harness.sink, harness.broken):
            await sink.aclose()
            await sink.aclose()


async def test_every_alert_arrives(harness: Harness) -> None:
    for number in range(5):
        await harness.sink.deliver(alert_like(alert_id=f"alert-{number}", title=f"title {number}"))
    assert sorted(await harness.arrived()) == [f"title {number}" for number in range(5)]


async def test_the_newest_revision_arrives_last(harness: Harness) -> None:
    for number in range(1, 6):
        await harness.sink.deliver(alert_like(revision=number, title=f"revision {number}"))
    arrived = await harness.arrived()
    assert arrived == sorted(arrived)
    assert arrived[-1] == "revision 5"


async def test_what_has_arrived_is_there_when_deliver_returns(harness: Harness) -> None:
    await harness.sink.deliver(MEDIA)
    assert await harness.arrived() == [MEDIA.title]


async def test_a_repeat_is_no_error(harness: Harness) -> None:
    await harness.sink.deliver(MEDIA)
    await harness.sink.deliver(MEDIA)
    assert set(await harness.arrived()) == {MEDIA.title}


async def test_a_failure_is_a_delivery_error_that_may_be_tried_again(harness: Harness) -> None:
    with pytest.raises(DeliveryError) as raised:
        await harness.broken.deliver(MEDIA)
    error = raised.value
    assert error.sink == harness.sink.name
    assert error.retryable
    assert "secret" not in str(error)
    assert MEDIA.title not in str(error)
    assert "127.0.0.1" not in str(error)
    assert error.__cause__ is None


async def test_its_patience_is_bounded(harness: Harness) -> None:
    assert 0 < harness.sink.timeout_seconds <= 60
    assert harness.sink.max_attempts >= 1
    waits = [harness.sink.backoff.seconds_after(number) for number in range(1, 100)]
    assert waits == sorted(waits)
    assert waits[-1] <= 3_600


def test_backoff_doubles_up_to_its_bound() -> None:
    backoff = Backoff(initial_seconds=1, factor=2, max_seconds=10)
    assert [backoff.seconds_after(number) for number in (1, 2, 3, 4, 5, 5_000)] == [
        1, 2, 4, 8, 10, 10,
    ]  # fmt: skip
