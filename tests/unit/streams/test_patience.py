from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy.exc import IntegrityError, OperationalError

from sinks.errors import AlertsNotAccepted
from streams import patience
from streams.errors import ServiceAway, StageFailed
from streams.patience import ATTEMPTS, patiently

FULL = OperationalError("INSERT …", {}, Exception("database or disk is full"))
REFUSED = RedisAway("Error 111 connecting to 127.0.0.1:6379. Connection refused.")


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT_SECONDS", 0.0)


def failing(error: Exception, times: int) -> Callable[[], Awaitable[str]]:
    left = [error] * times

    async def call() -> str:
        if left:
            raise left.pop()
        return "done"

    return call


async def test_what_passes_is_waited_for() -> None:
    assert await patiently("alerts in SQL", failing(FULL, ATTEMPTS - 1)) == "done"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(
            REFUSED, ["Redis (DOORSTAFF_REDIS_URL)", "Connection refused"], id="Redis is away"
        ),
        pytest.param(
            FULL, ["the SQL database (DATABASE_URL)", "database or disk is full"], id="full disk"
        ),
        pytest.param(
            AlertsNotAccepted(count=3, cause="OperationalError: disk I/O error"),
            ["the SQL database (DATABASE_URL)", "3 alerts", "disk I/O error"],
            id="alerts",
        ),
    ],
)
async def test_what_does_not_pass_is_told_with_the_service_and_its_setting(
    error: Exception, told: list[str]
) -> None:
    with pytest.raises(ServiceAway) as raised:
        await patiently("alerts in SQL", failing(error, ATTEMPTS))
    message = str(StageFailed("alerts", raised.value))
    assert message.startswith("alerts: alerts in SQL: ")
    for words in told:
        assert words in message


async def test_a_refused_value_is_not_quoted() -> None:
    error = IntegrityError("INSERT …", {}, Exception("Key (email)=(ada@example.com) exists"))
    with pytest.raises(ServiceAway) as raised:
        await patiently("alerts in SQL", failing(error, ATTEMPTS))
    assert "ada@example.com" not in str(raised.value)


async def test_a_fault_of_our_own_is_not_waited_for() -> None:
    with pytest.raises(KeyError):
        await patiently("alerts in SQL", failing(KeyError("x"), 1))
