"""Messages a second that a Faust agent parses: Faust's own transport, and ours, in one run.

Both read the same signups from the same embedded broker, each in a process of its own, one after
the other, several times. Run: ``python -m bench.transport --messages 100000``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.event import parse_event
from doorstaff.embedded.broker import start_broker
from streams.transport import ChunkSchema, Transport

PARTITIONS = 4
TOPIC = "signups"
WAYS = ("bare", "chunks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--consume", nargs=2, metavar=("WAY", "BOOTSTRAP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.consume:
        way, bootstrap = arguments.consume
        asyncio.run(_consume(way, bootstrap, arguments.messages))
        return
    with tempfile.TemporaryDirectory() as folder:
        broker, bootstrap = start_broker(Path(folder))
        try:
            size = asyncio.run(_fill(bootstrap, arguments.messages))
            print(f"{arguments.messages:,} signups of {size:.0f} bytes, {PARTITIONS} partitions")
            rates: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(arguments.rounds):
                for way in WAYS:
                    found = _run(way, bootstrap, arguments.messages)
                    rates[way].append(found["rate"])
                    print(f"{way:8} {found['rate']:10,.0f}/s {found['cpu_us']:8.1f} us CPU each")
            bare, chunks = (statistics.median(rates[way]) for way in WAYS)
            print(f"median   bare {bare:,.0f}/s, chunks {chunks:,.0f}/s: {chunks / bare:.1f} times")
        finally:
            broker.stop()


def _run(way: str, bootstrap: str, messages: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.transport", "--messages", str(messages)]
    done = subprocess.run(
        [*command, "--consume", way, bootstrap],
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


async def _fill(bootstrap: str, messages: int) -> float:
    """Put the signups there; their mean size."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=1 << 18)
    await producer.start()
    size = 0
    for number in range(messages):
        value = _signup(number)
        size += len(value)
        await producer.send(TOPIC, value=value, partition=number % PARTITIONS)
    await producer.stop()
    return size / messages


def _signup(number: int) -> bytes:
    identity = uuid.UUID(int=number * 0x9E3779B97F4A7C15 % (1 << 128))
    signup = {
        "type": "signup",
        "event_id": f"signup-{identity}",
        "account_id": f"account-{number}",
        "occurred_at": "2026-01-02T03:04:05Z",
        "email": f"somebody.{number}@example.com",
        "ip": f"203.0.{number % 251}.{number % 241}",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "device_id": f"{identity}",
        "name": f"Somebody {number}",
        "organization": "An organization of some size",
        "country": "DE",
    }
    return json.dumps(signup).encode()


async def _consume(way: str, bootstrap: str, messages: int) -> None:
    app = faust.App(
        f"bench-{way}-{uuid.uuid4().hex[:8]}",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=tempfile.mkdtemp(),
        web_enabled=False,
        broker_session_timeout=2.0,
        broker_heartbeat_interval=0.5,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=PARTITIONS,
    )
    count, began, cpu = 0, 0.0, 0.0
    done = asyncio.Event()

    def take(values: list[bytes]) -> None:
        nonlocal count, began, cpu
        if not count:
            began, cpu = time.perf_counter(), _cpu_seconds()
        for value in values:
            parse_event(value)
        count += len(values)
        if count >= messages:
            done.set()

    if way == "bare":
        topic = app.topic(TOPIC, value_type=bytes, value_serializer="raw")
    else:
        app.transport = Transport(app.conf.broker_consumer, app)
        topic = app.topic(TOPIC, schema=ChunkSchema())

    @app.agent(topic)
    async def agent(stream: Any) -> None:
        if way == "bare":
            async for value in stream:
                take([value])
        async for chunks in stream.noack():
            for chunk in chunks:
                take([record.value for record in chunk.records])
                chunk.acknowledge()

    app.finalize()
    await app.start()
    await asyncio.wait_for(done.wait(), 240)
    seconds, cpu_seconds = time.perf_counter() - began, _cpu_seconds() - cpu
    print(json.dumps({"rate": count / seconds, "cpu_us": cpu_seconds / count * 1e6}), flush=True)
    await app.stop()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
