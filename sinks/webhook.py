"""Alerts to somebody's own server, signed as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Guaranteed: a delivery has arrived when the server answered 2xx. A repeat has the same
``webhook-id``, derived from alert and revision. Anything else is tried again, except 410 Gone:
the specification's way to say "no more of this".
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

from contracts import wire
from contracts.alert import Alert
from contracts.ids import derived_id
from sinks.errors import Refused
from sinks.http import HttpPost
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff
from store.clock import Clock

SECRET_BYTES = range(24, 65)
"""The specification's sizes of a symmetric secret."""

_GONE = 410


class WebhookSink:
    """POSTs ``{"type": "alert.opened", "timestamp": …, "data": ALERT}``."""

    name: Final = "webhook"
    timeout_seconds: Final = 15.0  # the specification: 15 to 30 s
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(self, *, url: str, secret: str, clock: Clock) -> None:
        self._webhook = Webhook(secret)
        self._post = HttpPost(
            sink=self.name, url=url, timeout_seconds=self.timeout_seconds, clock=clock
        )
        self._clock = clock

    async def deliver(self, alert: Alert) -> None:
        """Sign and send it.

        Raises:
            DeliveryError: The server did not answer 2xx.
        """
        body = wire.encode(
            {"type": f"alert.{alert.status}", "timestamp": alert.updated_at, "data": alert}
        )
        answer = await self._post.post(body, self._headers(alert, body))
        if not answer.ok:
            raise Refused(
                sink=self.name,
                reason=f"HTTP {answer.status}",
                retryable=answer.status != _GONE,
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._post.aclose()

    def _headers(self, alert: Alert, body: bytes) -> dict[str, str]:
        message_id = webhook_id(alert)
        at = datetime.fromtimestamp(self._clock.now_ms() // 1_000, UTC)
        return {
            "content-type": "application/json",
            "user-agent": "doorstaff",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, at, body.decode()),
        }


def webhook_id(alert: Alert) -> str:
    """The idempotency key of a revision; free of dots, which part what is signed."""
    return derived_id("msg", alert.alert_id, str(alert.revision))


def secret_problem(secret: str) -> str | None:
    """Say what is wrong with a signing secret, without saying the secret; None if nothing is."""
    if not secret.startswith("whsec_"):
        return "must begin with whsec_"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
    except binascii.Error:
        return "must be base64 after whsec_"
    if len(key) not in SECRET_BYTES:
        return f"must hold 24 to 64 bytes, and holds {len(key)}"
    return None
