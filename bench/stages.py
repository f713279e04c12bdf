"""What each part costs from signals to alerts: ``python -m bench.stages [--signups N]``.

Readings and signals of the bench's traffic are prepared; then each part goes over all of it by
itself, measured in CPU time of this process and its threads. Twice: by the bench's ruleset, and by
the default one.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.ruleset import bench_ruleset
from bench.traffic import Traffic
from contracts.alert import Alert
from contracts.event import Decision, Event, parse_event
from contracts.ids import AccountId, Code, EventId, Facet
from contracts.ruleset import Ruleset, default_ruleset
from contracts.signal import Signal
from contracts.verdict import Reason, Tie, Verdict
from contracts.wire import encode
from detectors.alert_desk import AlertDesk
from detectors.ledger import Ledger, campaign_of
from detectors.reader import Reader, Reading
from detectors.scorer import TELL_TIME_EVERY_MS, is_case, sighting
from detectors.velocity import Velocity
from doorstaff.interpreter import calm_collector
from sinks.memory import MemorySink
from sinks.router import Router
from store.clock import SystemClock
from store.database import open_database
from store.migration import migrate

START = datetime(2026, 5, 4, 18, tzinfo=UTC)
CHUNK = 250
"""Readings that are settled, and alerts that are accepted, at a time."""

ATTACKERS = 100_000

Raised = list[tuple[Reading, list[Signal]]]


class Clocked:
    """Prints what each part cost, by the signup and by what went through it."""

    def __init__(self, signups: int) -> None:
        self._signups = signups

    @contextmanager
    def part(self, name: str, count: Callable[[], int], what: str) -> Iterator[None]:
        """Time the body."""
        started = time.process_time()
        yield
        spent_us = (time.process_time() - started) * 1e6
        through = count()
        print(
            f"  {name:<9} {spent_us / self._signups:8.2f} µs a signup"
            f" {spent_us / max(1, through):9.2f} µs each of {through} {what}"
        )


def main() -> None:
    """Measure both rulesets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signups", type=int, default=50_000)
    signups = parser.parse_args().signups
    events = [parse_event(raw) for raw in Traffic(start=START).messages(signups)]
    for ruleset in (bench_ruleset(), default_ruleset()):
        print(f"{ruleset.version}, {signups} signups")
        measure(ruleset, [event for event in events if not isinstance(event, Decision)])
    attack(ATTACKERS)


def measure(ruleset: Ruleset, events: list[Event]) -> None:
    """Take events through all parts by one ruleset."""
    clocked = Clocked(len(events))
    raised = _raised(ruleset, events)
    calm_collector()
    plain = [reading for reading, signals in raised if not signals and not reading.signals]
    alone = Ledger(ruleset)
    with clocked.part("plain", lambda: len(plain), "plain verdicts, settled and encoded"):
        for begin in range(0, len(plain), CHUNK):
            for verdict in alone.settle_all(plain[begin : begin + CHUNK], ()):
                encode(verdict)
    chunks = [
        ([reading for reading, _ in part], [one for _, signals in part for one in signals])
        for begin in range(0, len(raised), CHUNK)
        for part in [raised[begin : begin + CHUNK]]
    ]
    ledger, verdicts = Ledger(ruleset), list[Verdict]()
    with clocked.part("settle", lambda: len(verdicts), "verdicts"):
        for readings, signals in chunks:
            verdicts += ledger.settle_all(readings, signals)
    with clocked.part("encode", lambda: len(verdicts), "verdicts"):
        for verdict in verdicts:
            encode(verdict)
    cases = [verdict for verdict in verdicts if is_case(verdict)]
    alerts = list[Alert]()
    with clocked.part("desk", lambda: len(cases), "cases"):
        _told(AlertDesk(ruleset, console_url="http://console"), cases, alerts)
    with clocked.part("write", lambda: len(alerts), "alerts"):
        for alert in alerts:
            encode(alert)
    asyncio.run(_accept("accept", alerts, CHUNK, clocked))
    asyncio.run(_accept("by ones", alerts, 1, clocked))
    asyncio.run(_deliver(alerts, clocked))


def attack(accounts: int) -> None:
    """One campaign, each account with an address of its own: what they cost, the longest step."""
    since = Tie(facet=Facet("device:d"), since=START, accounts=10)
    desk, longest = AlertDesk(default_ruleset()), 0.0
    started = time.process_time()
    for number in range(accounts):
        address = {"facet": f"ip:2001:db8::{number:x}", "accounts": 5}
        verdict = Verdict(
            event_id=EventId(f"e-{number}"),
            account_id=AccountId(f"a-{number}"),
            occurred_at=START + timedelta(milliseconds=10 * number),
            risk=85,
            action="hold",
            reasons=(
                Reason(code=Code("velocity.device.24h"), points=85),
                Reason(code=Code("velocity.ip.1h"), points=10, evidence=address),
            ),
            ruleset_version="bench",
            campaign_id=campaign_of((since,)),
            ties=(since,),
        )
        before = time.process_time()
        desk.observe(verdict)
        longest = max(longest, time.process_time() - before)
    spent_us = (time.process_time() - started) / accounts * 1e6
    print(
        f"one attack of {accounts} accounts: {spent_us:.1f} µs each, {longest * 1e3:.0f} ms at most"
    )


def _raised(ruleset: Ruleset, events: list[Event]) -> Raised:
    reader, velocity = Reader(ruleset), Velocity(ruleset)
    return [
        (reading, velocity.observe(sighting(reading, reading.facets)))
        for reading in map(reader.read, events)
    ]


def _told(desk: AlertDesk, cases: list[Verdict], alerts: list[Alert]) -> None:
    told_ms = 0
    for case in cases:
        alerts += desk.observe(case)
        at_ms = round(case.occurred_at.timestamp() * 1_000)
        if at_ms >= told_ms:
            told_ms = at_ms + TELL_TIME_EVERY_MS
            alerts += desk.tick(at_ms)


@contextmanager
def _router(sink: MemorySink) -> Iterator[Router]:
    """A router with a sink, on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="doorstaff-bench-") as folder:
        engine = open_database(f"sqlite:///{Path(folder) / 'alerts.sqlite'}")
        migrate(engine)
        yield Router(engine=engine, sinks=[sink], clock=SystemClock())
        engine.dispose()


async def _accept(name: str, alerts: list[Alert], chunk: int, clocked: Clocked) -> None:
    """Accept alerts, so many at a time; the sink is not served meanwhile."""
    with _router(MemorySink()) as router, clocked.part(name, lambda: len(alerts), "alerts"):
        for begin in range(0, len(alerts), chunk):
            await router.accept(alerts[begin : begin + chunk])


async def _deliver(alerts: list[Alert], clocked: Clocked) -> None:
    """Deliver all that was accepted."""
    sink = MemorySink()
    with _router(sink) as router:
        await router.accept(alerts)
        with clocked.part("deliver", lambda: len(sink.alerts), "alerts"):
            async with router:
                await router.drained(60)


if __name__ == "__main__":
    main()
