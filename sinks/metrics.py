"""What Prometheus is told about deliveries."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Outcome = Literal["delivered", "retried", "failed"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)


class SinkMetrics:
    """Deliveries by sink; registered once in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "doorstaff_alerts_accepted",
            "Alert revisions that were accepted for delivery",
            ("kind", "status"),
            registry=registry,
        )
        self.deliveries = Counter(
            "doorstaff_sink_deliveries",
            "Attempts to deliver an alert, by what came of them",
            ("sink", "outcome"),
            registry=registry,
        )
        self.failures = Counter(
            "doorstaff_sink_failures",
            "Attempts that failed, by the kind of failure",
            ("sink", "failure"),
            registry=registry,
        )
        self.seconds = Histogram(
            "doorstaff_sink_delivery_seconds",
            "How long an attempt took",
            ("sink",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.outbox = Gauge(
            "doorstaff_outbox_deliveries",
            "Deliveries that a sink has still to get",
            ("sink",),
            registry=registry,
        )
