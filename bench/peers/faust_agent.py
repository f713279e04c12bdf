"""Ceiling: a bare Faust agent that reads and parses, and does nothing else."""

from __future__ import annotations

from typing import Any

import faust
import job
import msgspec

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
signups = app.topic(job.SIGNUPS, value_type=bytes, value_serializer="raw")
decode, meter = msgspec.json.Decoder().decode, job.Meter()


@app.agent(signups)
async def read(stream: Any) -> None:
    async for signup in stream:
        decode(signup)
        meter.add()


if __name__ == "__main__":
    app.main()
