"""Waiting out a service that is away for a moment, rather than stopping at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from sinks.errors import AlertsNotAccepted
from store.errors import failure_text
from streams.errors import ServiceAway

T = TypeVar("T")

PASSING = (RedisError, SQLAlchemyError, AlertsNotAccepted, ConnectionError, TimeoutError)
"""Failures that may pass by themselves."""

ATTEMPTS = 10
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0

log = structlog.get_logger(__name__)


async def patiently(what: str, call: Callable[[], Awaitable[T]]) -> T:
    """Call until it succeeds; for calls that may be repeated without harm.

    Meanwhile nothing is acknowledged, and only the agent that calls waits. The waits double from
    half a second to ten, a minute or so in all.

    Raises:
        ServiceAway: After ``ATTEMPTS``; with the service, its setting, and the last failure.
    """
    begin, attempt = time.monotonic(), 0
    while True:
        attempt += 1
        try:
            return await call()
        except PASSING as error:
            service, setting = _service(error)
            if attempt >= ATTEMPTS:
                raise ServiceAway(
                    what,
                    service=service,
                    setting=setting,
                    seconds=time.monotonic() - begin,
                    reason=_reason(error),
                ) from error
            wait = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
            log.warning(
                "waiting for a service",
                what=what,
                service=service,
                error=type(error).__name__,
                wait_s=wait,
            )
            await asyncio.sleep(wait)


def _service(error: Exception) -> tuple[str, str]:
    """Who failed, and the setting that says where it is."""
    if isinstance(error, RedisError):
        return "Redis", "DOORSTAFF_REDIS_URL"
    if isinstance(error, SQLAlchemyError | AlertsNotAccepted):
        return "the SQL database", "DATABASE_URL"
    return "a service", "DATABASE_URL, DOORSTAFF_REDIS_URL"


def _reason(error: Exception) -> str:
    """The failure in its own words, where these cannot quote what was being stored."""
    if isinstance(error, SQLAlchemyError):
        return failure_text(error)
    return str(error).rstrip(".") or type(error).__name__
