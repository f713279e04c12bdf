"""A member of a group that reads by our transport, as a process that a test can kill.

For each partition of a batch it writes a line to the file that it is given, when it sees it and,
after a pause, before it acknowledges: ``{"did": "seen"|"acknowledged", "partition", "offsets"}``.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import faust

from streams.flow import Flow
from streams.message import Record
from streams.transport import ChunkSchema, Transport

SLOWEST_SECONDS = 0.02


def reading_app(bootstrap: str, group: str, folder: Path) -> faust.App:
    """A Faust app on our transport; its agents are still to be added."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=str(folder),
        web_enabled=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=0.5,
        broker_commit_interval=0.2,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=True,
        topic_disable_leader=True,
        topic_allow_declare=False,
        Monitor=None,
    )
    app.transport = Transport(app.conf.broker_consumer, app)
    return app


async def read(bootstrap: str, group: str, topic: str, journal: Path) -> None:
    """Be a member of the group until SIGTERM."""
    app = reading_app(bootstrap, group, Path(tempfile.mkdtemp()))
    lines = journal.open("a", buffering=1)

    def note(did: str, records: list[Record]) -> None:
        offsets: dict[int, list[int]] = {}
        for record in records:
            offsets.setdefault(record.partition, []).append(record.offset)
        for partition, own in offsets.items():
            line = {"did": did, "partition": partition, "offsets": own}
            lines.write(json.dumps(line) + "\n")

    async def work(runs: list[list[Record]]) -> Any:
        records = [record for run in runs for record in run]
        note("seen", records)

        async def durable() -> None:
            await asyncio.sleep(random.random() * SLOWEST_SECONDS)
            note("acknowledged", records)

        return durable()

    @app.agent(app.topic(topic, schema=ChunkSchema()))
    async def agent(stream: Any) -> None:
        await Flow("test", work, pace=lambda: 0.0).run(stream.noack())

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app.finalize()
    await app.start()
    await stop.wait()
    await app.stop()


if __name__ == "__main__":
    bootstrap, group, topic, journal = sys.argv[1:]
    asyncio.run(read(bootstrap, group, topic, Path(journal)))
