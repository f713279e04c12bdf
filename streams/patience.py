"""Waiting out a service that is away for a moment, rather than stopping at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from sinks.errors import AlertsNotAccepted

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
    half a second to ten; after ``ATTEMPTS``, a minute or so, the last failure is raised.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return await call()
        except PASSING as error:
            wait = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
            log.warning("waiting for a service", what=what, error=type(error).__name__, wait_s=wait)
            await asyncio.sleep(wait)
    return await call()
