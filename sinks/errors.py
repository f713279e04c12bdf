"""What can go wrong on an alert's way out.

SinkError
├── InvalidRoutes        routes that cannot be read
├── AlertsNotAccepted    SQL is away: the caller must not acknowledge what raised the alerts
└── DeliveryError        one attempt at one sink
    ├── Unreachable      nothing answered, or not in time; tried again
    ├── Throttled        the destination asked for a pause; tried again after it
    └── Refused          the destination said no; tried again only where that may help

No message holds a secret or an address: only the sink's name, a status, a kind of failure.
"""

from __future__ import annotations


class SinkError(Exception):
    """An alert cannot get out."""


class InvalidRoutes(SinkError):  # noqa: N818 -- named for what is wrong
    """Routes cannot be read.

    Attributes:
        clause: The part that cannot be.
        reason: What is wrong with it and what would do.
    """

    def __init__(self, *, clause: str, reason: str) -> None:
        super().__init__(f"{clause!r}: {reason}")
        self.clause = clause
        self.reason = reason


class AlertsNotAccepted(SinkError):  # noqa: N818 -- named for what is wrong
    """SQL is away, so the alerts were not accepted and will not be delivered.

    Attributes:
        count: How many alerts.
        cause: The kind of failure; free of their contents.
    """

    def __init__(self, *, count: int, cause: str) -> None:
        super().__init__(f"{count} alerts were not accepted: the database failed with {cause}")
        self.count = count
        self.cause = cause


class DeliveryError(SinkError):
    """One attempt to deliver one alert failed.

    Attributes:
        sink: The sink's name.
        reason: What happened, in few words; free of secrets and of the alert's contents.
        retryable: Whether another attempt may do better.
        retry_after_seconds: The least pause that the destination asked for.
    """

    def __init__(
        self,
        *,
        sink: str,
        reason: str,
        retryable: bool = True,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(f"{sink}: {reason}")
        self.sink = sink
        self.reason = reason
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class Unreachable(DeliveryError):  # noqa: N818 -- named for what is wrong
    """Nothing answered, or not in time."""


class Throttled(DeliveryError):  # noqa: N818 -- named for what is wrong
    """The destination asked for a pause."""


class Refused(DeliveryError):  # noqa: N818 -- named for what is wrong
    """The destination said no."""
