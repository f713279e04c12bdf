"""Counting by hand in Bytewax: rings of panes for each facet, kept in ``stateful_flat_map``.

It only counts: what a facet's rings hold is all that it knows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import bytewax.operators as op
import job
import msgspec
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow

decode = msgspec.json.Decoder().decode
meter = job.Meter(steps=job.FACETS)
PANES = tuple((seconds, seconds // job.HOPS) for seconds in job.WINDOWS_SECONDS)

Rings = list[dict[int, int]]
"""For each window, the count of each pane that it holds."""


def sightings(message: Any) -> list[tuple[str, tuple[str, int]]]:
    signup = decode(message.value)
    at = int(datetime.fromisoformat(signup["occurred_at"]).timestamp())
    return [(facet, (facet, at)) for facet in job.facets(signup)]


def count(
    rings: Rings | None, sighting: tuple[str, int]
) -> tuple[Rings, list[KafkaSinkMessage[bytes, bytes]]]:
    facet, at = sighting
    if rings is None:
        rings = [{} for _ in PANES]
    alerts = []
    for ring, (seconds, pane_seconds) in zip(rings, PANES, strict=True):
        pane = at // pane_seconds
        ring[pane] = ring.get(pane, 0) + 1
        if len(ring) > job.HOPS:
            for old in [old for old in ring if old <= pane - job.HOPS]:
                del ring[old]
        counted = sum(ring.values())
        if counted == job.level(facet):
            value = msgspec.json.encode({"facet": facet, "window": seconds, "count": counted})
            alerts.append(KafkaSinkMessage(facet.encode(), value))
    meter.add()
    return rings, alerts


flow = Dataflow("bench")
signups = kop.input(
    "signups",
    flow,
    brokers=[job.BROKER],
    topics=[job.SIGNUPS],
    add_config={"fetch.wait.max.ms": str(job.FETCH_WAIT_MS)},
)
seen = op.flat_map("facets", signups.oks, sightings)
counted = op.stateful_flat_map("rings", seen, count)
alerts = op.map("alerts", counted, lambda keyed: keyed[1])
kop.output("out", alerts, brokers=[job.BROKER], topic=job.ALERTS)
