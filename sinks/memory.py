"""Alerts in a list, for tests and for programs that embed Doorstaff."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.alert import Alert
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff


@dataclass(kw_only=True)
class MemorySink:
    """Keeps what it gets, in order; gone with the process."""

    name: str = "memory"
    timeout_seconds: float = 1.0
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    backoff: Backoff = DEFAULT_BACKOFF
    alerts: list[Alert] = field(default_factory=list)

    async def deliver(self, alert: Alert) -> None:
        """Keep it."""
        self.alerts.append(alert)

    async def aclose(self) -> None:
        """Nothing to let go of: what came stays readable."""
