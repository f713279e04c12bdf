"""Alerts to a Slack channel, by incoming webhook.

Guaranteed: a delivery has arrived when Slack answered ``ok``. Where the answer was lost the message
may appear twice: an incoming webhook knows no idempotency key. The wait that Slack asks for is kept
(it takes about one message a second). The webhook's address is its secret, and is in no error.
A message with a picture that Slack cannot fetch is refused as a whole: it is sent without then.
"""

from __future__ import annotations

from typing import Any, Final

from contracts import wire
from contracts.alert import Alert
from sinks.errors import Refused
from sinks.http import Answer, HttpPost
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff
from sinks.slack_message import shows_pictures, slack_message
from store.clock import Clock

_BAD_REQUEST = 400
_SERVER_ERROR = 500
_TIMED_OUT = 408


class SlackSink:
    """Posts one Block Kit message a revision.

    Args:
        url: The incoming webhook.
        pictures_url: Where Slack's servers reach the console's pictures; empty for links alone.
    """

    timeout_seconds: Final = 10.0
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(
        self, *, url: str, clock: Clock, name: str = "slack", pictures_url: str = ""
    ) -> None:
        self.name: Final = name
        self._pictures_url = pictures_url
        self._post = HttpPost(
            sink=self.name, url=url, timeout_seconds=self.timeout_seconds, clock=clock
        )

    async def deliver(self, alert: Alert) -> None:
        """Post it.

        Raises:
            DeliveryError: Slack did not take it. Its own word for why, such as ``no_service``, is
                in the reason. What Slack refuses (4xx) is not tried again.
        """
        message = slack_message(alert, pictures_url=self._pictures_url)
        answer = await self._send(message)
        if answer.status == _BAD_REQUEST and shows_pictures(message):
            answer = await self._send(slack_message(alert))
        if not answer.ok:
            raise Refused(
                sink=self.name,
                reason=f"HTTP {answer.status} {answer.word}".rstrip(),
                retryable=answer.status >= _SERVER_ERROR or answer.status == _TIMED_OUT,
            )

    async def _send(self, message: dict[str, Any]) -> Answer:
        return await self._post.post(
            wire.encode(message), {"content-type": "application/json; charset=utf-8"}
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._post.aclose()
