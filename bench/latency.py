"""From event to alert, at a fixed load.

The load is open: each signup is sent when it is due, whatever becomes of the earlier ones. Among
ordinary signups, groups of four share a device: the fourth tips the rule over. The clock of an
alert runs from the moment when that fourth was sent to Kafka to the moment when a consumer has
the first alert about its group in hand.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer

from bench.contestant import Doorstaff
from bench.ground import Ground
from bench.ruleset import bench_ruleset
from bench.traffic import Traffic, stamp
from contracts.alert import Alert
from contracts.ids import AlertId
from contracts.wire import decode

GROUPS_PER_SECOND = 50
MOST_SHARE = 0.2
"""Of the signups that are in groups: at a low load there are fewer groups."""
GROUP = 4
GROUP_SPAN_SECONDS = 2.0
TICK_SECONDS = 0.005
SETTLE_SECONDS = 3.0
"""The first seconds do not count, at least; and so long the last alerts are waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """What came of one load.

    Attributes:
        rate: Signups a second that were asked for.
        sent_rate: That were sent.
        alerts: From event to alert, seconds, sorted.
        expected: Groups that were tipped over in the time that counts.
        late_seconds: By how much the load generator was late at most.
    """

    rate: float
    sent_rate: float
    alerts: list[float]
    expected: int
    late_seconds: float

    def quantile(self, share: float) -> float:
        """Seconds within which such a share of the alerts came."""
        return self.alerts[min(len(self.alerts) - 1, int(share * len(self.alerts)))]


@dataclass(slots=True)
class _Plan:
    """Signups in the order they are due, and which group's last each of some is."""

    messages: list[bytes]
    last_of: dict[int, int]
    group_of: dict[str, int]
    sent_at: dict[int, float] = field(default_factory=dict)


async def measure(
    rate: float,
    seconds: float,
    *,
    after: float = SETTLE_SECONDS,
    partitions: int = 8,
    kafka: str = "",
) -> Latency:
    """Load one worker with so many signups a second.

    Args:
        rate: Signups a second.
        seconds: For how long those are sent that count.
        after: So long such a load goes on before any count.
        partitions: Of each topic.
        kafka: See ``Ground``.
    """
    folder = Path(tempfile.mkdtemp(prefix="doorstaff-bench-"))
    try:
        async with (
            Ground(folder, partitions=partitions, kafka=kafka) as ground,
            AsyncExitStack() as stack,
        ):
            await Doorstaff(bench_ruleset()).start(ground, stack, ())
            return await _measure(ground, rate, seconds, after)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(ground: Ground, rate: float, seconds: float, after: float) -> Latency:
    begin = time.time() + 1.0
    plan = _plan(rate, seconds + after, begin)
    begin = max(begin, time.time() + 0.1)
    seen: dict[AlertId, tuple[float, frozenset[str]]] = {}
    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(_listen(ground, seen))
        late = await _send(ground, plan, rate, begin)
        ended = time.time()
        await asyncio.sleep(SETTLE_SECONDS)
        listener.cancel()
    first: dict[int, float] = {}
    for at, accounts in seen.values():
        for group in {plan.group_of[one] for one in accounts if one in plan.group_of}:
            first[group] = min(at, first.get(group, at))
    counted = {group: at for group, at in plan.sent_at.items() if at >= begin + after}
    return Latency(
        rate=rate,
        sent_rate=len(plan.messages) / (ended - begin),
        alerts=sorted(first[group] - at for group, at in counted.items() if group in first),
        expected=len(counted),
        late_seconds=late,
    )


def _plan(rate: float, seconds: float, begin: float) -> _Plan:
    traffic, pick = Traffic(start=datetime.now(UTC)), random.Random(2)
    total = int(rate * seconds)
    signups = [traffic.person() for _ in range(total)]
    span = max(GROUP, int(rate * GROUP_SPAN_SECONDS))
    taken: set[int] = set()
    last_of: dict[int, int] = {}
    group_of: dict[str, int] = {}
    groups_per_second = min(GROUPS_PER_SECOND, rate * MOST_SHARE / GROUP)
    for group in range(int(seconds * groups_per_second)):
        left = int(pick.random() * max(1, total - span))
        free = [slot for slot in pick.sample(range(left, left + span), GROUP) if slot not in taken]
        if len(free) < GROUP or left + span > total:
            continue
        taken.update(free)
        device = signups[free[0]]["device_id"]
        for slot in free:
            signups[slot]["device_id"] = device
            group_of[f"a-{slot:08d}"] = group
        last_of[max(free)] = group
    encode = msgspec.json.Encoder().encode
    start = datetime.fromtimestamp(begin, UTC)
    messages = [
        encode(
            {
                "type": "signup",
                "event_id": f"s-{slot:08d}",
                "occurred_at": stamp(start + timedelta(seconds=slot / rate)),
                "account_id": f"a-{slot:08d}",
                **fields,
            }
        )
        for slot, fields in enumerate(signups)
    ]
    return _Plan(messages, last_of, group_of)


async def _send(ground: Ground, plan: _Plan, rate: float, begin: float) -> float:
    """Send what is due, every few milliseconds; returns by how much it was late at most."""
    done, late, partition = 0, 0.0, 0
    sending: set[asyncio.Task[None]] = set()
    while done < len(plan.messages):
        now = time.time()
        due = min(len(plan.messages), max(0, int((now - begin) * rate)))
        if due > done:
            late = max(late, now - begin - done / rate)
            for slot in range(done, due):
                if slot in plan.last_of:
                    plan.sent_at[plan.last_of[slot]] = now
            partition = (partition + 1) % ground.partitions  # as Kafka's own producers do
            task = asyncio.create_task(
                ground.send_to(ground.topics.signups, partition, plan.messages[done:due])
            )
            sending.add(task)
            task.add_done_callback(sending.discard)
            done = due
        await asyncio.sleep(TICK_SECONDS)
    await asyncio.gather(*sending)
    return late


async def _listen(ground: Ground, seen: dict[AlertId, tuple[float, frozenset[str]]]) -> None:
    consumer = AIOKafkaConsumer(
        ground.topics.alerts,
        bootstrap_servers=ground.kafka,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=5,
    )
    await consumer.start()
    try:
        while True:
            found = await consumer.getmany(timeout_ms=1_000)
            now = time.time()
            for messages in found.values():
                for message in messages:
                    alert = decode(message.value, Alert)
                    seen.setdefault(alert.alert_id, (now, frozenset(alert.account_ids)))
    finally:
        await consumer.stop()
