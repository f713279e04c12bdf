"""What is committed, and when: against a count by hand, and through revocations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.flow import MAX_BATCH_RECORDS, Flow
from streams.message import Record
from streams.progress import Chunk, Progress


def record(offset: int, *, partition: int = 0) -> Record:
    return Record(
        topic="t", partition=partition, offset=offset, timestamp_ms=0, key=None, value=b"x"
    )


def records(begin: int, count: int, *, partition: int = 0) -> list[Record]:
    return [record(offset, partition=partition) for offset in range(begin, begin + count)]


@st.composite
def stretches(draw: st.DrawFn) -> list[list[Record]]:
    """Fetched chunks of one partition, with gaps between offsets as compaction leaves them."""
    offset, chunks = draw(st.integers(0, 50)), []
    for _ in range(draw(st.integers(1, 12))):
        offset += draw(st.integers(0, 3))
        count = draw(st.integers(1, 4))
        chunks.append(records(offset, count))
        offset += count
    return chunks


@given(stretches(), st.data())
def test_what_is_committed_is_the_end_of_the_unbroken_acknowledged_row(
    fetched: list[list[Record]], data: st.DataObject
) -> None:
    progress = Progress()
    chunks = [progress.give(stretch) for stretch in fetched]
    acknowledged: set[int] = set()
    for index in data.draw(st.permutations(range(len(chunks)))):
        chunks[index].acknowledge()
        acknowledged.add(index)
        expected = None
        for number, stretch in enumerate(fetched):
            if number not in acknowledged:
                break
            expected = stretch[-1].offset + 1
        assert progress.uncommitted == expected
    assert (progress.records, progress.bytes) == (0, 0)


def test_what_was_committed_is_not_committed_again() -> None:
    progress = Progress()
    progress.give(records(0, 3)).acknowledge()
    progress.committed = progress.uncommitted
    assert progress.uncommitted is None
    progress.give(records(3, 1)).acknowledge()
    assert progress.uncommitted == 4


def test_nothing_is_committed_after_a_revocation() -> None:
    progress = Progress()
    first, second = progress.give(records(0, 3)), progress.give(records(3, 3))
    first.acknowledge()
    progress.revoke()
    assert progress.uncommitted is None
    second.acknowledge()
    assert progress.uncommitted is None


def test_before_a_revocation_what_was_begun_may_end_and_nothing_else_begins() -> None:
    progress = Progress()
    first, second = progress.give(records(0, 3)), progress.give(records(3, 3))
    assert first.begin()
    progress.close()
    assert not second.begin()
    before = progress.is_settled
    first.acknowledge()
    assert (before, progress.is_settled) == (False, True)
    assert progress.uncommitted == 3


class Agent:
    """An agent whose batches are durable when the test says so."""

    def __init__(self, *, pace_seconds: float = 0.0, depth: int = 4) -> None:
        self.flow = Flow("test", self._work, pace=lambda: pace_seconds, depth=depth)
        self.batches: list[list[Record]] = []
        self.durable: list[asyncio.Future[None]] = []
        self.fails = False

    async def _work(self, runs: list[list[Record]]) -> Awaitable[None]:
        if self.fails:
            raise ValueError
        self.batches.append([record for run in runs for record in run])
        self.durable.append(asyncio.get_running_loop().create_future())
        return self.durable[-1]

    async def run(self, chunks: Iterable[Chunk], *, seconds: float = 0.05) -> None:
        async def incoming() -> AsyncIterator[list[Chunk]]:
            yield list(chunks)
            await asyncio.sleep(seconds)

        await self.flow.run(incoming())


async def soon() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_batches_overlap_and_are_acknowledged_in_order() -> None:
    agent, progress = Agent(depth=2), Progress()
    begins = [number * MAX_BATCH_RECORDS for number in range(4)]
    chunks = [progress.give(records(begin, MAX_BATCH_RECORDS)) for begin in begins]
    running = asyncio.create_task(agent.run(chunks))
    await asyncio.sleep(0.01)
    assert len(agent.batches) == 2  # and not more than may be under way
    agent.durable[1].set_result(None)
    await soon()
    before = progress.uncommitted
    agent.durable[0].set_result(None)
    await soon()
    assert (before, progress.uncommitted) == (None, 2 * MAX_BATCH_RECORDS)
    assert [batch[0].offset for batch in agent.batches] == begins
    for durable in agent.durable[2:]:
        durable.set_result(None)
    await running
    assert progress.uncommitted == 4 * MAX_BATCH_RECORDS


async def test_what_waits_is_merged_a_chunk_of_each_partition_in_turn() -> None:
    agent, here, there = Agent(depth=1), Progress(), Progress()
    chunks = [here.give(records(offset, 1)) for offset in range(3)]
    chunks += [there.give(records(offset, 1, partition=1)) for offset in range(2)]
    running = asyncio.create_task(agent.run(chunks))
    await soon()
    while not all(durable.done() for durable in agent.durable):
        for durable in agent.durable:
            if not durable.done():
                durable.set_result(None)
        await soon()
    await running
    runs = [[(one.partition, one.offset) for one in batch] for batch in agent.batches]
    assert sorted(place for run in runs for place in run) == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
    ]
    assert [partition for partition, _ in runs[-1]][:3] in ([0, 1, 0], [1, 0, 1])
    assert len(runs) < len(chunks)


async def test_a_batch_that_fails_acknowledges_neither_itself_nor_a_later_one() -> None:
    agent, progress = Agent(), Progress()
    chunks = [
        progress.give(records(begin, MAX_BATCH_RECORDS))
        for begin in range(0, 3 * MAX_BATCH_RECORDS, MAX_BATCH_RECORDS)
    ]
    running = asyncio.create_task(agent.run(chunks))
    await asyncio.sleep(0.01)
    agent.durable[0].set_result(None)
    await soon()
    agent.durable[2].set_result(None)
    agent.durable[1].set_exception(ConnectionError())
    with pytest.raises(ExceptionGroup):
        await running
    assert progress.uncommitted == MAX_BATCH_RECORDS


async def test_a_stage_that_raises_acknowledges_nothing() -> None:
    agent, progress = Agent(), Progress()
    agent.fails = True
    with pytest.raises(ExceptionGroup):
        await agent.run([progress.give(records(0, 2))])
    assert progress.uncommitted is None


async def test_chunks_of_a_revoked_partition_are_dropped() -> None:
    agent, revoked, kept = Agent(), Progress(), Progress()
    chunks = [revoked.give(records(0, 2)), kept.give(records(0, 2, partition=1))]
    revoked.revoke()
    running = asyncio.create_task(agent.run(chunks))
    await asyncio.sleep(0.01)
    for durable in agent.durable:
        durable.set_result(None)
    await running
    assert [batch[0].partition for batch in agent.batches] == [1]
    assert kept.uncommitted == 2


async def test_a_lone_record_goes_at_once_and_the_next_ones_together() -> None:
    agent, progress = Agent(pace_seconds=0.1), Progress()
    agent.flow.put(progress.give(records(0, 1)))

    async def late() -> AsyncIterator[list[Chunk]]:
        await asyncio.sleep(0.02)
        assert [len(batch) for batch in agent.batches] == [1]
        for offset in range(1, 6):
            yield [progress.give(records(offset, 1))]
        await asyncio.sleep(0.02)
        assert len(agent.batches) == 1
        await asyncio.sleep(0.1)

    running = asyncio.create_task(agent.flow.run(late()))
    await asyncio.sleep(0.2)
    for durable in agent.durable:
        durable.set_result(None)
    await running
    assert [len(batch) for batch in agent.batches] == [1, 5]
