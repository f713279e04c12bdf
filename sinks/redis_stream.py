"""Alerts to a Redis stream, for machines.

Guaranteed: a delivery has arrived when Redis gave its entry an id. Each entry holds ``alert``, the
alert as on the wire, and ``alert_id``, ``revision``, ``kind``, ``status``, ``action`` and ``risk``
beside it. The stream keeps about the last ``MAX_ENTRIES``. Where an answer was lost an entry may
come twice, with the same ``alert_id`` and ``revision``.
"""

from __future__ import annotations

from typing import Final

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from contracts import wire
from contracts.alert import Alert
from sinks.errors import Refused, Unreachable
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff

MAX_ENTRIES = 100_000


class RedisStreamSink:
    """Adds to ``stream``; the client is the sink's, and closed with it."""

    name: Final = "redis"
    timeout_seconds: Final = 5.0
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(self, client: Redis, *, stream: str, max_entries: int = MAX_ENTRIES) -> None:
        self._client = client
        self._stream = stream
        self._max_entries = max_entries

    async def deliver(self, alert: Alert) -> None:
        """Add it.

        Raises:
            DeliveryError: Redis did not answer, or refused.
        """
        try:
            await self._client.xadd(
                self._stream,
                {
                    "alert_id": alert.alert_id,
                    "revision": alert.revision,
                    "kind": alert.kind,
                    "status": alert.status,
                    "action": alert.action,
                    "risk": alert.risk,
                    "alert": wire.encode(alert),
                },
                maxlen=self._max_entries,
                approximate=True,
            )
        except (AuthenticationError, NoPermissionError) as error:
            raise Refused(sink=self.name, reason=type(error).__name__) from None
        except (RedisError, OSError) as error:
            raise Unreachable(
                sink=self.name, reason=f"no answer ({type(error).__name__})"
            ) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
