"""One run of one contestant: started, warmed up, frozen while its topic is filled, let go, timed.

The clock runs from the moment it is let go to the moment its last event is done. So neither its
start nor the load generator is in the figure, and nothing else runs meanwhile but the broker, which
every contestant needs. Frozen is what ``SIGSTOP`` does: its connections and its share of the
partitions stay.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.contestant import START_SECONDS, Contestant
from bench.ground import Ground

POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """What came of a run.

    Attributes:
        events: In the topic when it was let go.
        done: Of them, how many it had done within the limit.
        seconds: From being let go to the last that was done.
        cpu_seconds: Of its processes together, in this time.
        broker_cpu_seconds: Of the broker; None where it is not ours.
        peak_rss_bytes: Of its processes together, sampled.
        alerts: Messages on its topic of alerts, warm-up included.
        foreign_cores: How many cores were busy with what is no part of the bench, on average.
    """

    events: int
    done: int
    seconds: float
    cpu_seconds: float
    broker_cpu_seconds: float | None
    peak_rss_bytes: int
    alerts: int
    foreign_cores: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.done / self.seconds if self.seconds else 0.0


async def race(
    contestant: Contestant,
    messages: Sequence[bytes],
    *,
    warm_up: int,
    limit_seconds: float,
    partitions: int = 8,
    kafka: str = "",
) -> Finish:
    """Run a contestant over the messages.

    Args:
        contestant: A new one.
        messages: Signups, distinct, the first of them for the warm-up.
        warm_up: How many are done before the clock runs.
        limit_seconds: After this the run ends, done or not.
        partitions: Of each topic.
        kafka: See ``Ground``.
    """
    folder = Path(tempfile.mkdtemp(prefix="doorstaff-bench-"))
    try:
        async with (
            Ground(folder, partitions=partitions, kafka=kafka) as ground,
            AsyncExitStack() as stack,
        ):
            await contestant.start(ground, stack, (warm_up, len(messages)))
            return await _run(contestant, ground, messages, warm_up, limit_seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(
    contestant: Contestant,
    ground: Ground,
    messages: Sequence[bytes],
    warm_up: int,
    limit_seconds: float,
) -> Finish:
    topic = ground.topics.signups
    await ground.send(topic, messages[:warm_up])
    async with asyncio.timeout(START_SECONDS):
        while await contestant.finished_at(warm_up) is None:
            await asyncio.sleep(POLL_SECONDS)
    processes = [psutil.Process(child.pid) for child in contestant.children]
    for parent in tuple(processes):
        processes += parent.children(recursive=True)
    for process in processes:
        process.suspend()
    await ground.send(topic, messages[warm_up:])
    broker = ground.broker_processes()
    begun = time.time()
    samples = [_sample(processes, broker)]
    for process in processes:
        process.resume()
    finished: float | None = None
    while finished is None and time.time() < begun + limit_seconds:
        await asyncio.sleep(POLL_SECONDS)
        samples.append(_sample(processes, broker))
        finished = await contestant.finished_at(len(messages))
    done = len(messages)
    if finished is None:
        done, finished = await contestant.done()
    first, last = samples[0], next((one for one in samples if one.at >= finished), samples[-1])
    return Finish(
        events=len(messages) - warm_up,
        done=max(0, done - warm_up),
        seconds=max(finished - begun, 0.001),
        cpu_seconds=last.cpu_seconds - first.cpu_seconds,
        broker_cpu_seconds=last.broker_cpu_seconds - first.broker_cpu_seconds if broker else None,
        peak_rss_bytes=max(one.rss_bytes for one in samples),
        alerts=await contestant.alerts(),
        foreign_cores=max(0.0, last.foreign_cpu_seconds - first.foreign_cpu_seconds)
        / max(last.at - first.at, 0.001),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sample:
    at: float
    cpu_seconds: float
    broker_cpu_seconds: float
    foreign_cpu_seconds: float
    rss_bytes: int


def _sample(processes: Sequence[psutil.Process], broker: Sequence[psutil.Process]) -> _Sample:
    whole = psutil.cpu_times()
    busy = sum(whole[:8]) - whole.idle - getattr(whole, "iowait", 0.0)
    ours = _cpu_seconds([*processes, *broker, psutil.Process()])
    return _Sample(
        at=time.time(),
        cpu_seconds=_cpu_seconds(processes),
        broker_cpu_seconds=_cpu_seconds(broker),
        foreign_cpu_seconds=busy - ours,
        rss_bytes=sum(process.memory_info().rss for process in processes),
    )


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)
