"""What every destination of alerts can do; one file each beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from contracts.alert import Alert


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """How long to wait before the next attempt: longer each time, up to a bound."""

    initial_seconds: float = 1.0
    factor: float = 2.0
    max_seconds: float = 900.0

    def seconds_after(self, attempt: int) -> float:
        """The wait after the attempt of this number, from 1."""
        growth = self.factor ** min(attempt - 1, 64)  # a float holds that, and any bound is lower
        return min(self.initial_seconds * growth, self.max_seconds)


class Sink(Protocol):
    """One destination of alerts.

    The router calls ``deliver`` with one alert at a time, gives it ``timeout_seconds``, and tries
    ``max_attempts`` times with ``backoff`` between. With the defaults of this package, 24 attempts
    up to 15 minutes apart, a destination may be away for three and a half hours.
    """

    @property
    def name(self) -> str:
        """What routes, logs and metrics call it."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """How long one attempt may take."""
        ...

    @property
    def max_attempts(self) -> int:
        """How often one alert is tried before it counts as failed."""
        ...

    @property
    def backoff(self) -> Backoff:
        """The wait between attempts."""
        ...

    async def deliver(self, alert: Alert) -> None:
        """Hand over one revision of one alert; it has arrived when this returns.

        A repeat of a revision carries the same ``alert_id`` and ``revision``, by which whoever
        reads it can tell.

        Raises:
            DeliveryError: It has not arrived, or nobody knows.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections and files. A second call does nothing."""
        ...


DEFAULT_MAX_ATTEMPTS = 24
DEFAULT_BACKOFF = Backoff()
