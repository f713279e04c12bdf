"""The job with Bytewax's own windows: keyed by facet, sliding windows stepped by a sixth.

A window gives its count when it closes. Its clock waits 60 s for stragglers and the source hands
over small batches: with less patience partitions that are read ahead make the others late, late
signups are dropped, and no alert comes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import job
import msgspec
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing as win

decode = msgspec.json.Decoder().decode
meter = job.Meter(steps=job.FACETS * len(job.WINDOWS_SECONDS) * job.HOPS)


def sightings(message: Any) -> list[tuple[str, datetime]]:
    signup = decode(message.value)
    at = datetime.fromisoformat(signup["occurred_at"])
    return [(facet, at) for facet in job.facets(signup)]


def one_more(count: int, _at: datetime) -> int:
    meter.add()
    return count + 1


def told(late: tuple[str, Any]) -> tuple[str, Any]:
    meter.add()
    return late


def alert(counted: tuple[str, tuple[int, int]], seconds: int) -> KafkaSinkMessage[bytes, bytes]:
    facet, (_window, count) = counted
    value = msgspec.json.encode({"facet": facet, "window": seconds, "count": count})
    return KafkaSinkMessage(facet.encode(), value)


def reaches_level(counted: tuple[str, tuple[int, int]]) -> bool:
    facet, (_window, count) = counted
    return bool(count >= job.level(facet))


flow = Dataflow("bench")
signups = kop.input(
    "signups",
    flow,
    brokers=[job.BROKER],
    topics=[job.SIGNUPS],
    add_config={"fetch.wait.max.ms": str(job.FETCH_WAIT_MS)},
    batch_size=100,
)
seen = op.flat_map("facets", signups.oks, sightings)
clock = win.EventClock(lambda at: at, wait_for_system_duration=timedelta(seconds=60))
for seconds in job.WINDOWS_SECONDS:
    length = timedelta(seconds=seconds)
    windower = win.SlidingWindower(
        length=length, offset=length / job.HOPS, align_to=datetime(2026, 1, 1, tzinfo=UTC)
    )
    counted = win.fold_window(
        f"count-{seconds}", seen, clock, windower, int, one_more, int.__add__, ordered=False
    )
    op.map(f"late-{seconds}", counted.late, told)  # dropped, but done with
    reached = op.filter(f"reached-{seconds}", counted.down, reaches_level)
    alerts = op.map(f"alert-{seconds}", reached, lambda one, seconds=seconds: alert(one, seconds))
    kop.output(f"alerts-{seconds}", alerts, brokers=[job.BROKER], topic=job.ALERTS)
