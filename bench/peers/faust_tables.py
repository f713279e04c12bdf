"""The job with Faust's own means: repartition by facet, a hopping table for each window."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import faust
import job

app = faust.App(
    job.GROUP,
    broker=f"kafka://{job.BROKER}",
    datadir=job.FOLDER,
    store="memory://",
    broker_session_timeout=10,
    broker_heartbeat_interval=3,
    topic_partitions=job.PARTITIONS,
    consumer_auto_offset_reset="earliest",
)


class Signup(faust.Record):
    account_id: str
    email: str
    ip: str
    device_id: str
    website: str
    payment_fingerprint: str


class Sighting(faust.Record):
    facet: str
    account_id: str


class FacetAlert(faust.Record):
    facet: str
    window: int
    count: int


signups = app.topic(job.SIGNUPS, value_type=Signup)
sightings = app.topic(
    f"{job.SIGNUPS}.by-facet",
    key_type=str,
    value_type=Sighting,
    partitions=job.PARTITIONS,
    internal=True,
)
alerts = app.topic(job.ALERTS, key_type=str, value_type=FacetAlert)
tables = {
    seconds: app.Table(f"{job.GROUP}-count-{seconds}", default=int, partitions=job.PARTITIONS)
    .hopping(seconds, seconds / job.HOPS, expires=timedelta(seconds=seconds), key_index=False)
    .relative_to_stream()
    for seconds in job.WINDOWS_SECONDS
}
meter = job.Meter(steps=job.FACETS)


@app.agent(signups)
async def repartition(stream: Any) -> None:
    async for signup in stream:
        for facet in job.facets(signup.asdict()):
            await sightings.send(
                key=facet, value=Sighting(facet=facet, account_id=signup.account_id)
            )


@app.agent(sightings)
async def count(stream: Any) -> None:
    async for sighting in stream:
        for seconds, table in tables.items():
            table[sighting.facet] += 1
            counted = table[sighting.facet].current()
            if counted == job.level(sighting.facet):
                await alerts.send(
                    key=sighting.facet,
                    value=FacetAlert(facet=sighting.facet, window=seconds, count=counted),
                )
        meter.add()


if __name__ == "__main__":
    app.main()
