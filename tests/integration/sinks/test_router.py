"""Alerts reach their sinks: once, in order, after a crash, and past a sink that hangs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, func, select

from contracts import wire
from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.event import from_epoch_ms
from contracts.ids import AccountId, EventId, UploadId
from sinks.errors import AlertsNotAccepted, DeliveryError, Refused, Throttled, Unreachable
from sinks.jsonl import JsonlSink
from sinks.lane import BATCH_SECONDS, MAX_AT_A_TIME
from sinks.memory import MemorySink
from sinks.route import Route
from sinks.router import KeepTimes, Router
from sinks.sink import Backoff, Sink
from store.acceptance import accept_alert
from store.alert import get_alert
from store.clock import ManualClock, SystemClock
from store.database import open_database
from store.dead_letter import count_dead_letters, save_dead_letter
from store.delivery import claim_due, list_failed, requeue_failed
from store.schema import upload_fingerprints
from store.upload import UploadFingerprintRecord, UploadStore
from tests.alerts import CAMPAIGN, MEDIA, alert_like, grown_to

SOON = Backoff(initial_seconds=0.01, max_seconds=0.02)


@dataclass(kw_only=True)
class FlakySink(MemorySink):
    """Raises what ``failures`` holds, first one first, before it works."""

    name: str = "flaky"
    backoff: Backoff = SOON
    failures: list[Exception] = field(default_factory=list)
    attempts: int = 0

    async def deliver(self, alert: Alert) -> None:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        await super().deliver(alert)


@dataclass(kw_only=True)
class HungSink(MemorySink):
    """Takes an alert and says no more, until ``mended``."""

    name: str = "hung"
    backoff: Backoff = SOON
    mended: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, alert: Alert) -> None:
        self.begun.set()
        await self.mended.wait()
        await super().deliver(alert)


def router(
    engine: Engine, *sinks: Sink, routes: tuple[Route, ...] = (), **options: object
) -> Router:
    return Router(
        engine=engine,
        sinks=sinks,
        routes=routes,
        clock=SystemClock(),
        poll_seconds=0.05,
        stop_seconds=0.5,
        **options,  # type: ignore[arg-type]
    )


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


async def test_an_alert_goes_where_its_routes_lead_and_into_sql(engine: Engine) -> None:
    every, media = MemorySink(name="every"), MemorySink(name="media")
    routes = (Route(sink="media", kind="media"),)
    async with router(engine, every, media, routes=routes) as running:
        await running.accept([CAMPAIGN, MEDIA])
        assert await running.drained(10)
    assert {alert.alert_id for alert in every.alerts} == {CAMPAIGN.alert_id, MEDIA.alert_id}
    assert media.alerts == [MEDIA]
    with engine.connect() as connection:
        assert get_alert(connection, CAMPAIGN.alert_id) == CAMPAIGN


async def test_each_revision_arrives_once_however_often_it_is_accepted(engine: Engine) -> None:
    sink = MemorySink()
    async with router(engine, sink) as running:
        for revision in (1, 1, 2, 1, 2, 3):
            await running.accept([grown_to(revision)])
            assert await running.drained(10)
    assert [alert.revision for alert in sink.alerts] == [1, 2, 3]


async def test_a_sink_that_hangs_delays_no_other(engine: Engine) -> None:
    quick, hung = MemorySink(name="quick"), HungSink(timeout_seconds=30)
    async with router(engine, hung, quick) as running:
        await running.accept([MEDIA])
        await asyncio.wait_for(hung.begun.wait(), 10)
        begin = time.perf_counter()
        for number in range(50):
            await running.accept([alert_like(alert_id=f"alert-{number}")])
        await until(lambda: len(quick.alerts) == 51)
        assert time.perf_counter() - begin < 5, "and a hung attempt takes 30 s"
    assert hung.alerts == []


async def test_a_hung_attempt_ends_at_the_sinks_timeout_and_is_made_again(engine: Engine) -> None:
    hung = HungSink(timeout_seconds=0.05)
    async with router(engine, hung) as running:
        await running.accept([CAMPAIGN])
        await hung.begun.wait()
        await asyncio.sleep(0.1)
        hung.mended.set()
        assert await running.drained(10)
    assert hung.alerts == [CAMPAIGN]


async def test_what_changes_while_a_sink_is_slow_arrives_as_its_newest_revision(
    engine: Engine,
) -> None:
    hung = HungSink(timeout_seconds=30)
    async with router(engine, hung) as running:
        await running.accept([CAMPAIGN])
        await hung.begun.wait()
        for revision in (2, 3, 4):
            await running.accept([grown_to(revision)])
        hung.mended.set()
        assert await running.drained(10)
    assert [alert.revision for alert in hung.alerts] == [1, 4]


@pytest.mark.parametrize(
    "failure",
    [
        Unreachable(sink="flaky", reason="no answer"),
        TimeoutError(),
        RuntimeError("https://hooks.example/secret-path refused mara@example.org"),
    ],
)
async def test_a_failed_attempt_is_made_again(engine: Engine, failure: Exception) -> None:
    sink, registry = FlakySink(failures=[failure] * 3), CollectorRegistry()
    with structlog.testing.capture_logs() as logs:
        async with router(engine, sink, registry=registry) as running:
            await running.accept([CAMPAIGN])
            assert await running.drained(10)
    assert sink.alerts == [CAMPAIGN]
    assert "secret" not in str(logs)
    assert "mara" not in str(logs)

    def count(outcome: str) -> float | None:
        labels = {"sink": "flaky", "outcome": outcome}
        return registry.get_sample_value("doorstaff_sink_deliveries_total", labels)

    assert (count("retried"), count("delivered"), count("failed")) == (3, 1, None)


async def test_a_pause_that_a_destination_asks_for_is_kept(engine: Engine) -> None:
    throttled = Throttled(sink="flaky", reason="HTTP 429", retry_after_seconds=0.6)
    sink = FlakySink(failures=[throttled])
    async with router(engine, sink) as running:
        begin = time.perf_counter()
        await running.accept([CAMPAIGN])
        await until(lambda: sink.attempts == 1)
        await running.accept([MEDIA])  # which must not break the pause
        assert await running.drained(10)
        assert time.perf_counter() - begin >= 0.6
    assert len(sink.alerts) == 2


@pytest.mark.parametrize(
    ("failures", "attempts"),
    [
        ([Refused(sink="flaky", reason="HTTP 410", retryable=False)], 1),
        ([Refused(sink="flaky", reason="HTTP 500")] * 3, 3),
    ],
)
async def test_what_fails_for_good_is_kept_with_its_reason_and_can_be_requeued(
    engine: Engine, failures: list[Exception], attempts: int
) -> None:
    sink = FlakySink(failures=list(failures), max_attempts=3)
    async with router(engine, sink) as running:
        await running.accept([CAMPAIGN])
        assert await running.drained(10)
        assert sink.attempts == attempts
        with engine.begin() as connection:
            (failed,) = list_failed(connection)
            assert failed.error.startswith("HTTP")
            requeue_failed(connection, now_ms=SystemClock().now_ms())
        assert await running.drained(10)
    assert sink.alerts == [CAMPAIGN]


async def test_a_stop_gives_back_what_was_under_way(engine: Engine) -> None:
    hung, after = HungSink(timeout_seconds=30), MemorySink(name="hung")
    async with router(engine, hung) as running:
        await running.accept([CAMPAIGN])
        await hung.begun.wait()
    async with router(engine, after) as running:
        await until(lambda: after.alerts == [CAMPAIGN], seconds=5)


async def test_a_stop_lets_what_is_under_way_end(engine: Engine) -> None:
    hung = HungSink(timeout_seconds=30)
    async with router(engine, hung) as running:
        await running.accept([CAMPAIGN])
        await hung.begun.wait()
        asyncio.get_running_loop().call_later(0.1, hung.mended.set)
    assert hung.alerts == [CAMPAIGN]


async def test_a_sink_that_is_slow_is_given_no_more_than_it_gets_to(engine: Engine) -> None:
    """What waits its turn stays free: for another worker, and for a newer revision."""

    @dataclass(kw_only=True)
    class Slow(MemorySink):
        slow: bool = False
        begun: asyncio.Event = field(default_factory=asyncio.Event)
        mended: asyncio.Event = field(default_factory=asyncio.Event)

        async def deliver(self, alert: Alert) -> None:
            if self.slow:
                await asyncio.sleep(BATCH_SECONDS)
                self.begun.set()
                await self.mended.wait()
            await super().deliver(alert)

    sink = Slow(name="s", timeout_seconds=30)
    async with router(engine, sink) as running:
        await running.accept([alert_like(alert_id=f"alert-{number}") for number in range(40)])
        assert await running.drained(10)
        sink.slow = True
        again = [alert_like(alert_id=f"alert-{n}", revision=2, account_count=90) for n in range(40)]
        await running.accept(again)
        await sink.begun.wait()
        sink.begun.clear()
        sink.mended.set()
        await sink.begun.wait()
        sink.mended.clear()
        with engine.begin() as connection:
            now_ms = SystemClock().now_ms()
            free = claim_due(connection, "s", now_ms=now_ms, lease_seconds=0, limit=99)
        assert len(free) > 40 - MAX_AT_A_TIME
        assert {delivery.attempt for delivery in free} == {1}
        sink.slow = False
        sink.mended.set()
        assert await running.drained(10)
    assert len(sink.alerts) == 80


async def test_what_a_dead_worker_had_leased_goes_out_when_the_lease_ends(engine: Engine) -> None:
    clock, sink = ManualClock(1_000), MemorySink(name="s")
    with engine.begin() as connection:
        accept_alert(connection, CAMPAIGN, sinks=["s"], now_ms=1_000)
        assert claim_due(connection, "s", now_ms=1_000, lease_seconds=40)
    async with Router(engine=engine, sinks=[sink], clock=clock, poll_seconds=0.02):
        await asyncio.sleep(0.2)
        assert sink.alerts == []
        clock.advance(seconds=40)
        await until(lambda: sink.alerts == [CAMPAIGN])


async def test_what_was_kept_for_long_enough_is_forgotten_once_an_hour(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.router.GAUGE_SECONDS", 0.02)
    day_ms = 86_400_000
    clock, uploads = ManualClock(40 * day_ms), UploadStore(engine)

    def keep(number: int, at_ms: int) -> None:
        letter = DeadLetter(
            reason="not JSON",
            topic="signups",
            partition=0,
            offset=number,
            value=b"{",
            failed_at=from_epoch_ms(at_ms),
        )
        with engine.begin() as connection:
            save_dead_letter(connection, letter)
        uploads.keep(
            UploadFingerprintRecord(
                upload_id=UploadId(f"u{number}"),
                account_id=AccountId("a1"),
                event_id=EventId(f"e{number}"),
                occurred_at_ms=at_ms,
                duration_s=1.0,
                algorithm="pdq",
                frames=b"",
            )
        )

    def kept() -> tuple[int, int]:
        with engine.connect() as connection:
            fingerprints = connection.scalar(select(func.count()).select_from(upload_fingerprints))
            return count_dead_letters(connection), fingerprints or 0

    times = KeepTimes(dead_letters_days=30, uploads_days=35)
    keep(1, 0)
    keep(2, 9 * day_ms)
    keep(3, 11 * day_ms)
    async with Router(engine=engine, sinks=[], clock=clock, keep=times):
        await until(lambda: kept() == (1, 2))
        keep(4, 0)
        clock.advance(seconds=3_599)
        await asyncio.sleep(0.2)
        assert kept() == (2, 3)
        clock.advance(seconds=1)
        await until(lambda: kept() == (1, 2))


async def test_two_routers_on_one_database_deliver_each_alert_once(engine: Engine) -> None:
    sinks = [MemorySink(name="s"), MemorySink(name="s")]
    async with router(engine, sinks[0]) as one, router(engine, sinks[1]) as two:
        alerts = [alert_like(alert_id=f"alert-{number}") for number in range(40)]
        await asyncio.gather(
            one.accept(alerts[:30]), two.accept(alerts[10:]), two.accept(alerts[:20])
        )
        assert await one.drained(10)
    arrived = [alert.alert_id for sink in sinks for alert in sink.alerts]
    assert sorted(arrived) == sorted(alert.alert_id for alert in alerts)


async def test_without_sql_nothing_is_accepted(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'no-such-folder' / 'doorstaff.db'}")
    async with router(engine, MemorySink()) as running:
        with pytest.raises(AlertsNotAccepted, match="2 alerts were not accepted") as raised:
            await running.accept([CAMPAIGN, MEDIA])
    assert raised.value.count == 2
    assert CAMPAIGN.title not in str(raised.value)
    engine.dispose()


async def test_a_sink_that_does_not_close_keeps_no_other_from_it(engine: Engine) -> None:
    class Stuck(MemorySink):
        async def aclose(self) -> None:
            raise DeliveryError(sink=self.name, reason="stuck")

    class Closing(MemorySink):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    closing = Closing(name="closing")
    async with router(engine, Stuck(name="stuck"), closing):
        pass
    assert closing.closed


CRASH = """
import asyncio, os, sys
from sinks.memory import MemorySink
from sinks.router import KeepTimes, Router
from store.clock import SystemClock
from store.database import open_database
from tests.alerts import CAMPAIGN, MEDIA

class Deadly(MemorySink):
    async def deliver(self, alert):
        await asyncio.sleep(60)

async def main():
    engine = open_database(sys.argv[1])
    async with Router(engine=engine, sinks=[Deadly(name="jsonl")], clock=SystemClock()) as router:
        await router.accept([CAMPAIGN, MEDIA])
        await asyncio.sleep(float(sys.argv[2]))
        os._exit(9)  # as by kill -9: nothing is told, nothing released

asyncio.run(main())
"""


@pytest.mark.parametrize("seconds", [0.0, 0.5], ids=["before delivery", "during delivery"])
async def test_what_was_accepted_before_a_crash_is_delivered_after_it(
    engine: Engine, database_url: str, tmp_path: Path, seconds: float
) -> None:
    process = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", CRASH, database_url, str(seconds)], check=False
    )
    assert process.returncode == 9
    path, clock = tmp_path / "alerts.jsonl", ManualClock(SystemClock().now_ms() + 60_000)
    async with Router(engine=engine, sinks=[JsonlSink(path)], clock=clock) as running:
        assert await running.drained(10)
    arrived = [wire.decode(line, Alert) for line in path.read_bytes().splitlines()]
    assert sorted(arrived, key=lambda alert: alert.kind) == [CAMPAIGN, MEDIA]
