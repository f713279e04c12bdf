"""Ceiling: read and parse, with confluent-kafka."""

from __future__ import annotations

import job
import msgspec
from confluent_kafka import Consumer


def main() -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": job.BROKER,
            "group.id": job.GROUP,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "fetch.wait.max.ms": job.FETCH_WAIT_MS,
        }
    )
    consumer.subscribe([job.SIGNUPS])
    decode, meter = msgspec.json.Decoder().decode, job.Meter()
    while True:
        messages = consumer.consume(1_000, timeout=0.1)
        for message in messages:
            if message.error() is None:
                decode(message.value())
        if messages:
            meter.add(len(messages))


if __name__ == "__main__":
    main()
