"""A stream worker that is killed in the middle of an evening: nothing is lost, nothing is torn."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from contracts.alert import Alert
from contracts.ids import AccountId
from contracts.wire import decode
from doorstaff.demo.evening import EVENING, Evening
from doorstaff.demo.tally import LEAST_CAUGHT
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.services import Services
from doorstaff.settings import load_settings
from streams.topic import Topics, create_topics
from tests.outlet import Outlet, read_until, send_events
from tests.process import COMMAND, is_well, settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

PARTITIONS = 4
ANSWERED_BEFORE_THE_KILL = 1_000
AMID_THE_FARM = timedelta(minutes=95)
"""After the evening's beginning: the farm signs up from minute 80 to 107."""


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    for name in [name for name in os.environ if name.startswith(("DOORSTAFF_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    with Services(load_settings(home=tmp_path / "home", partitions=PARTITIONS)) as services:
        yield services


def test_a_worker_that_is_killed_costs_no_verdict_and_splits_no_campaign(
    services: Services,
) -> None:
    kafka, topics = services.settings.kafka_url, Topics(partitions=PARTITIONS)
    asyncio.run(create_topics(kafka, topics))
    begins_at = datetime.now(UTC).replace(microsecond=0) - EVENING
    events, planted = Evening(begins_at=begins_at).events()
    first = [event for event in events if event.occurred_at < begins_at + AMID_THE_FARM]
    with ExitStack() as stack:
        workers = [started(services, f"worker-{number}", stack) for number in (1, 2)]
        for worker, address in workers:
            worker.wait_until(partial(is_well, address), seconds=60)
        send_events(kafka, topics, first)
        read_until(
            kafka,
            topics,
            lambda outlet: len(outlet.verdicts) >= ANSWERED_BEFORE_THE_KILL,
            "the evening is under way",
        )
        os.kill(workers[0][0].pid, signal.SIGKILL)
        send_events(kafka, topics, events[len(first) :])
        outlet = read_until(
            kafka,
            topics,
            lambda outlet: len(outlet.verdicts) >= len(events),
            "the other worker answers all that is left",
            seconds=60,
            quiet_seconds=3,
        )
        assert workers[1][0].exit_code is None, workers[1][0].last_words()
    assert outlet.verdicts.keys() == {event.event_id for event in events}
    for attack in (planted.farm, planted.enumerated, planted.link_builders):
        found_as_one(outlet, attack)
    assert outlet.dead_letters == []
    actions = outlet.heard.actions()
    assert not [account for account in planted.office if actions[account] == "hold"]

    lines = (services.settings.home / "alerts.jsonl").read_bytes().splitlines()
    delivered = Counter((one.alert_id, one.revision) for one in map(alert_of, lines))
    # What was delivered but not yet noted as delivered when the worker died comes once more.
    assert delivered.total() - len(delivered) <= 1


def started(services: Services, name: str, stack: ExitStack) -> tuple[Child, str]:
    port = free_port()
    environment = settings(**services.environment(), sinks="jsonl", metrics_port=port)
    log_file = services.settings.home / "logs" / f"{name}.log"
    child = Child(name, [*COMMAND, "worker"], log_file=log_file, environment=environment)
    stack.callback(child.stop)
    return child, f"http://127.0.0.1:{port}"


def found_as_one(outlet: Outlet, accounts: frozenset[AccountId]) -> None:
    """All of an attack is flagged, and one open alert is about it."""
    (alert,) = [
        alert
        for alert in outlet.heard.alerts.values()
        if alert.kind == "campaign"
        and alert.status != "closed"
        and accounts & set(alert.account_ids)
    ]
    actions = outlet.heard.actions()
    flagged = {account for account in accounts if actions[account] != "allow"}
    tied = {
        verdict.account_id
        for verdict in outlet.heard.verdicts.values()
        if verdict.campaign_id in alert.campaign_ids
    }
    assert len(accounts & flagged & tied) >= LEAST_CAUGHT * len(accounts), alert.title


def alert_of(line: bytes) -> Alert:
    return decode(line, Alert)
