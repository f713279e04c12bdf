"""Alerts to a Kafka topic, keyed by alert, so that its revisions stay in order in one partition.

Guaranteed: a delivery has arrived when all in-sync replicas have it (``acks=all``). Where an answer
was lost a message may come twice, with the same ``alert_id`` and ``revision``. On a compacted topic
the newest revision of each alert remains.
"""

from __future__ import annotations

from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from contracts import wire
from contracts.alert import Alert
from sinks.errors import Refused, Unreachable
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff

MAX_MESSAGE_BYTES = 1_000_000
"""What brokers take by default."""

EXPIRY_SECONDS = 10.0
"""Shorter than the sink's timeout: the producer has given an alert up before the lane does, so that
a late one cannot overtake its repeat or its next revision."""


class KafkaTopicSink:
    """Sends to ``topic``. It connects at the first alert."""

    name: Final = "kafka"
    timeout_seconds: Final = 15.0
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(self, *, bootstrap_servers: str, topic: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def deliver(self, alert: Alert) -> None:
        """Send it.

        Raises:
            DeliveryError: The brokers did not answer, or refused.
        """
        try:
            producer = await self._started()
            await producer.send_and_wait(
                self._topic, value=wire.encode(alert), key=alert.alert_id.encode()
            )
        except MessageSizeTooLargeError:
            raise Refused(sink=self.name, reason="too large", retryable=False) from None
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unreachable(
                sink=self.name, reason=f"no answer ({type(error).__name__})"
            ) from None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap_servers,
                client_id="doorstaff-alerts",
                acks="all",
                max_request_size=MAX_MESSAGE_BYTES,
                request_timeout_ms=round(EXPIRY_SECONDS * 1_000),
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer
