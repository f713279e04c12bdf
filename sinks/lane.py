"""One sink's way out: takes what the outbox owes the sink, and delivers it, until it is stopped.

Lanes share nothing but the outbox, so a sink that is down, slow or hung delays no other.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sinks.errors import DeliveryError
from sinks.metrics import SinkMetrics
from sinks.sink import Sink
from store.clock import Clock
from store.delivery import Delivery, claim_due, end_batch, mark_failed, retry_later

LEASE_MARGIN_SECONDS = 30.0
"""Beyond the sink's timeout: for SQL to note the outcome, and for clocks that disagree."""

MAX_REST_SECONDS = 30.0
"""Longest rest of a lane whose sink does not answer: so long after its return alerts flow again."""

BATCH_SECONDS = 0.25
"""So much work a lane claims at a time, going by how quick the sink was: a newer revision cannot
supersede what is claimed, and a transaction for each alert costs more than most sinks do."""

MAX_AT_A_TIME = 32

Transact = Callable[..., Awaitable[Any]]
"""Runs a function of the store in a transaction: its connection first, then the arguments."""

log = structlog.get_logger()


class Lane:
    """Delivers to one sink, one alert after another.

    It claims as many as the sink lately took in a quarter of a second: one from a sink that is slow
    or in trouble, several from a quick one. What it does not get to by then it gives back.

    A failed attempt is tried again after the sink's backoff, up to its number of attempts. While a
    sink does not answer the lane rests between attempts, whichever alert they are for: an outage
    uses up few attempts, and a destination that asked for a pause gets it.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        transact: Transact,
        clock: Clock,
        metrics: SinkMetrics,
        poll_seconds: float,
    ) -> None:
        self.sink = sink
        self._transact = transact
        self._clock = clock
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failures_in_a_row = 0
        self._at_a_time = 1
        self._log = log.bind(sink=sink.name)

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._woken.set()

    def stop(self) -> None:
        """End after the delivery that is under way."""
        self._stopping.set()
        self._woken.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopping.is_set():
            self._woken.clear()
            claimed = await self._claim()
            if not claimed:
                await _either(self._woken, self._poll_seconds)
            elif rest_seconds := await self._deliver_all(claimed):
                await _either(self._stopping, rest_seconds)

    async def close(self, timeout_seconds: float) -> None:
        """Close the sink, however it takes that."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.sink.aclose()
        except Exception as error:
            self._log.warning("a sink did not close", error=type(error).__name__)

    async def _claim(self) -> tuple[Delivery, ...]:
        lease_seconds = self.sink.timeout_seconds + LEASE_MARGIN_SECONDS
        try:
            claimed: tuple[Delivery, ...] = await self._transact(
                claim_due,
                self.sink.name,
                now_ms=self._clock.now_ms(),
                lease_seconds=lease_seconds,
                limit=self._at_a_time,
            )
        except SQLAlchemyError as error:
            self._log.error("the outbox does not answer", error=type(error).__name__)
            return ()
        return claimed

    async def _deliver_all(self, claimed: tuple[Delivery, ...]) -> float:
        """Deliver one after another, for as long as all goes well and quickly.

        Returns:
            Seconds that the lane should rest.
        """
        begin = time.perf_counter()
        arrived: list[Delivery] = []
        rest_seconds = 0.0
        for number, delivery in enumerate(claimed, 1):
            try:
                failure = await self._attempt(delivery)
            except asyncio.CancelledError:
                await asyncio.shield(self._end(arrived, claimed[number:], broken_off=delivery))
                raise
            if failure is None:
                arrived.append(delivery)
            else:
                rest_seconds = await self._failed(delivery, failure)
            spent = time.perf_counter() - begin
            if failure or spent > BATCH_SECONDS or self._stopping.is_set():
                break
        self._at_a_time = (
            1 if failure else max(1, min(MAX_AT_A_TIME, int(number * BATCH_SECONDS / spent)))
        )
        await self._end(arrived, claimed[number:])
        return rest_seconds

    async def _end(
        self,
        arrived: list[Delivery],
        unbegun: tuple[Delivery, ...],
        broken_off: Delivery | None = None,
    ) -> None:
        """Write down what arrived, and leave the rest to whoever comes next."""
        await self._note(
            end_batch, arrived, unbegun, broken_off=broken_off, now_ms=self._clock.now_ms()
        )

    async def _attempt(self, delivery: Delivery) -> DeliveryError | None:
        """Make one attempt; give why it failed."""
        begin = time.perf_counter()
        try:
            async with asyncio.timeout(self.sink.timeout_seconds):
                await self.sink.deliver(delivery.alert)
        except DeliveryError as error:
            return error
        except TimeoutError:
            return DeliveryError(sink=self.sink.name, reason="timed out")
        except Exception as error:
            return self._fault(error)
        finally:
            self._metrics.seconds.labels(self.sink.name).observe(time.perf_counter() - begin)
        self._failures_in_a_row = 0
        self._metrics.deliveries.labels(self.sink.name, "delivered").inc()
        return None

    async def _failed(self, delivery: Delivery, failure: DeliveryError) -> float:
        now_ms = self._clock.now_ms()
        last = not failure.retryable or delivery.attempt >= self.sink.max_attempts
        self._log.warning(
            "delivery failed" if last else "delivery failed, will be tried again",
            alert_id=delivery.alert.alert_id,
            revision=delivery.alert.revision,
            attempt=delivery.attempt,
            reason=failure.reason,
        )
        self._metrics.failures.labels(self.sink.name, type(failure).__name__).inc()
        self._metrics.deliveries.labels(self.sink.name, "failed" if last else "retried").inc()
        if last:
            await self._note(mark_failed, delivery, now_ms=now_ms, error=failure.reason)
        else:
            wait_seconds = max(
                self.sink.backoff.seconds_after(delivery.attempt), failure.retry_after_seconds
            )
            await self._note(
                retry_later,
                delivery,
                now_ms=now_ms,
                due_at_ms=now_ms + round(wait_seconds * 1_000),
                error=failure.reason,
            )
        if not failure.retryable:
            return 0.0
        self._failures_in_a_row += 1
        rest_seconds = self.sink.backoff.seconds_after(self._failures_in_a_row)
        return max(min(rest_seconds, MAX_REST_SECONDS), failure.retry_after_seconds)

    async def _note(self, what: Callable[..., object], *about: object, **values: Any) -> None:
        """Write the outcome down. Where SQL is away the lease ends, and it goes out again."""
        try:
            await self._transact(what, *about, **values)
        except SQLAlchemyError as error:
            self._log.error("an outcome could not be noted", error=type(error).__name__)

    def _fault(self, error: Exception) -> DeliveryError:
        """A programming error: told by its kind and place, since its text may be private."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self._log.error("a sink is at fault", error=type(error).__name__, where=where)
        return DeliveryError(sink=self.sink.name, reason=f"fault ({type(error).__name__})")


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but not longer."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
