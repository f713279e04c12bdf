"""Ceiling: read and parse, with aiokafka."""

from __future__ import annotations

import asyncio

import job
import msgspec
from aiokafka import AIOKafkaConsumer


async def main() -> None:
    decode, meter = msgspec.json.Decoder().decode, job.Meter()
    consumer = AIOKafkaConsumer(
        job.SIGNUPS,
        bootstrap_servers=job.BROKER,
        group_id=job.GROUP,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        fetch_max_wait_ms=job.FETCH_WAIT_MS,
    )
    async with consumer:
        while True:
            found = await consumer.getmany(timeout_ms=100, max_records=1_000)
            for messages in found.values():
                for message in messages:
                    decode(message.value)
                meter.add(len(messages))


if __name__ == "__main__":
    asyncio.run(main())
