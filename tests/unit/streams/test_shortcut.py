"""The short way beside fetches, for a consumer that is aiokafka's own but for its network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from streams import shortcut
from streams.message import Record
from streams.progress import bytes_of
from streams.shortcut import MIN_OWN_BATCHES, Shortcut, Unpacked

TP = TopicPartition("t", 0)


def record(offset: int) -> Record:
    return Record(topic="t", partition=0, offset=offset, timestamp_ms=0, key=None, value=b"")


class Consumer:
    """A partition's log, and who reads it: aiokafka's own ``fetched_records`` and positions."""

    def __init__(self) -> None:
        self.log: list[Record] = []
        subscriptions = SubscriptionState()
        subscriptions.subscribe({"t"})
        subscriptions.assign_from_subscribed({TP})
        self.fetcher: Any = Fetcher.__new__(Fetcher)
        self.fetcher._subscriptions = subscriptions
        self.fetcher._records = {}
        self.fetcher._fetch_waiters = set()
        self.fetcher._wait_consume_future = None
        self.fetcher._prefetch_backoff = 0.0
        self.subscriptions = subscriptions
        self.stand_at(0)
        self.shortcut = Shortcut(self.fetcher)
        self.read: list[int] = []
        self.under_way: int | None = None
        """The offset that a fetch has asked for."""

    def stand_at(self, offset: int) -> None:
        self.assignment = self.subscriptions.subscription.assignment
        self.state = self.assignment.state_value(TP)
        self.state.seek(offset)

    def rebalance(self) -> None:
        """Get the partition anew, at where it was left; what was fetched for it is dropped."""
        position = self.state.position
        self.subscriptions.assign_from_subscribed({TP})
        self.fetcher._records.clear()
        self.under_way = None
        self.stand_at(position)

    def append(self, count: int) -> list[Record]:
        added = [record(len(self.log) + at) for at in range(count)]
        self.log += added
        return added

    def ask(self) -> None:
        """Send a fetch, as the fetcher does for partitions with nothing waiting."""
        if self.under_way is None and not self.state.paused and TP not in self.fetcher._records:
            self.under_way = self.state.position

    def answer(self) -> None:
        """Take its response in, as ``Fetcher._proc_fetch_request`` does."""
        asked, self.under_way = self.under_way, None
        if asked is None or asked != self.state.position or asked == len(self.log):
            return
        self.fetcher._records[TP] = FetchResult(
            TP,
            assignment=self.assignment,
            partition_records=Unpacked(self.log[asked:]),
            backoff=0,
        )

    async def drain(self, most: int) -> None:
        if TP not in self.fetcher._records or not self.shortcut.can_drain(TP):
            return
        waiting = self.fetcher._records[TP]
        drained = await self.fetcher.fetched_records({TP}, timeout=0, max_records=most)
        self.may_go_on = self.shortcut.drained(TP, waiting)
        self.read += [one.offset for one in drained.get(TP, ())]

    async def finish(self) -> None:
        """Read on until there is nothing more."""
        for _ in range(3 * len(self.log) + 3):
            await asyncio.sleep(2 * shortcut.PAUSE_SECONDS if self.state.paused else 0)
            await self.drain(100)
            self.ask()
            self.answer()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("own"), st.integers(1, 3)),
        st.tuples(st.just("foreign"), st.integers(1, 2)),
        st.tuples(st.sampled_from(["tell", "ask", "answer", "lose", "rebalance"]), st.just(0)),
        st.tuples(st.just("drain"), st.integers(1, 4)),
    ),
    max_size=60,
)


@given(STEPS)
def test_each_record_is_read_once_and_in_order_whatever_came_first(
    steps: list[tuple[str, int]],
) -> None:
    async def run() -> Consumer:
        consumer, untold = Consumer(), list[list[Record]]()
        for what, count in steps:
            match what:
                case "own":
                    untold.append(consumer.append(count))
                case "foreign":
                    consumer.append(count)
                case "tell" if untold:
                    consumer.shortcut.offer(untold.pop(0))
                case "rebalance":
                    consumer.rebalance()
                case "lose" if untold:  # what the broker has and the producer did not hear of
                    untold.pop(0)
                case "ask":
                    consumer.ask()
                case "answer":
                    consumer.answer()
                case "drain":
                    await consumer.drain(count)
        await consumer.finish()
        return consumer

    before = shortcut.PAUSE_SECONDS, shortcut.MIN_OWN_BATCHES
    try:
        shortcut.PAUSE_SECONDS, shortcut.MIN_OWN_BATCHES = 0.001, 2
        consumer = asyncio.run(run())
    finally:
        shortcut.PAUSE_SECONDS, shortcut.MIN_OWN_BATCHES = before
    assert consumer.read == list(range(len(consumer.log)))


async def test_what_keeps_coming_the_short_way_is_not_fetched() -> None:
    consumer = Consumer()
    for _ in range(MIN_OWN_BATCHES + 3):
        consumer.shortcut.offer(consumer.append(2))
        await consumer.drain(10)
    assert consumer.read == list(range(2 * MIN_OWN_BATCHES + 6))
    consumer.ask()
    assert consumer.under_way is None


async def test_a_look_finds_what_somebody_else_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut, "PAUSE_SECONDS", 0.01)
    consumer = Consumer()
    for _ in range(MIN_OWN_BATCHES):
        consumer.shortcut.offer(consumer.append(1))
        await consumer.drain(10)
    consumer.append(1)
    assert consumer.state.paused
    await asyncio.sleep(0.05)
    consumer.ask()
    consumer.answer()
    await consumer.drain(10)
    assert consumer.read == list(range(MIN_OWN_BATCHES + 1))


async def test_what_lies_behind_somebody_elses_record_lets_it_be_fetched_at_once() -> None:
    consumer = Consumer()
    for _ in range(MIN_OWN_BATCHES):
        consumer.shortcut.offer(consumer.append(1))
        await consumer.drain(10)
    assert consumer.state.paused
    consumer.append(1)
    consumer.shortcut.offer(consumer.append(1))
    assert not consumer.state.paused


async def test_a_pause_of_a_former_assignment_ends_one_of_the_present(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shortcut, "PAUSE_SECONDS", 0.01)
    consumer = Consumer()
    for _ in range(2):
        for _ in range(MIN_OWN_BATCHES):
            consumer.shortcut.offer(consumer.append(1))
            await consumer.drain(10)
        assert consumer.state.paused
        consumer.rebalance()
    for _ in range(MIN_OWN_BATCHES):
        consumer.shortcut.offer(consumer.append(1))
        await consumer.drain(10)
    assert consumer.state.paused
    await asyncio.sleep(0.05)
    assert not consumer.state.paused


async def test_what_was_offered_of_a_log_is_not_read_in_place_of_another_one() -> None:
    consumer = Consumer()
    consumer.append(3)
    consumer.ask()
    consumer.answer()
    await consumer.drain(10)
    consumer.append(2)
    consumer.shortcut.offer(old := consumer.append(2))
    consumer.log.clear()  # the topic is made anew
    new = consumer.append(5)  # as far as what was offered of the old one begins
    consumer.state.seek(0)
    consumer.ask()
    consumer.answer()
    seen: list[Record] = []
    for _ in range(4):
        if consumer.state.position == len(new) and len(new) == len(consumer.log) == 5:
            new += consumer.append(3)
        if TP in consumer.fetcher._records and consumer.shortcut.can_drain(TP):
            waiting = consumer.fetcher._records[TP]
            got = await consumer.fetcher.fetched_records({TP}, timeout=0, max_records=5)
            consumer.shortcut.drained(TP, waiting)
            seen += got.get(TP, [])
        consumer.ask()
        consumer.answer()
    assert all(one is other for one, other in zip(seen, new, strict=True))
    assert not any(one is other for one in seen for other in old)


async def test_one_record_of_somebody_else_and_all_is_fetched_again() -> None:
    consumer = Consumer()
    for _ in range(MIN_OWN_BATCHES - 1):
        consumer.shortcut.offer(consumer.append(1))
        await consumer.drain(10)
    consumer.append(1)
    consumer.ask()
    consumer.answer()
    await consumer.drain(10)
    consumer.shortcut.offer(consumer.append(1))
    await consumer.drain(10)
    assert consumer.read == list(range(MIN_OWN_BATCHES + 1))
    consumer.ask()
    assert consumer.under_way == MIN_OWN_BATCHES + 1


async def test_nothing_is_taken_up_of_a_partition_that_went_elsewhere() -> None:
    consumer = Consumer()
    consumer.shortcut.offer(consumer.append(1))
    await consumer.drain(10)
    consumer.fetcher._subscriptions.assign_from_subscribed(set())
    consumer.shortcut.offer(consumer.append(1))
    assert TP not in consumer.fetcher._records


async def test_an_answer_with_an_error_finds_the_buffer_empty() -> None:
    consumer = Consumer()
    consumer.shortcut.offer(consumer.append(1))
    consumer.fetcher._set_error(TP, KafkaError())
    with pytest.raises(KafkaError):
        await consumer.drain(10)


async def test_what_is_drained_to_its_end_makes_room_for_the_next_at_once() -> None:
    consumer = Consumer()
    consumer.shortcut.offer(consumer.append(2))
    consumer.shortcut.offer(consumer.append(1))
    await consumer.drain(2)
    await consumer.drain(2)  # gives nothing: only now is the end seen
    assert consumer.read == [0, 1]
    assert consumer.may_go_on
    await consumer.drain(2)
    assert consumer.read == [0, 1, 2]


async def test_what_is_offered_and_not_read_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer()
    consumer.append(1)  # somebody else's, before all that is offered
    monkeypatch.setattr(shortcut, "MAX_OFFERED_BYTES", 3 * bytes_of([record(0)]))
    for _ in range(10):
        consumer.shortcut.offer(consumer.append(1))
    (partition,) = consumer.shortcut._partitions.values()
    assert len(partition.offered) == 3
    await consumer.finish()
    assert consumer.read == list(range(11))


async def test_the_newest_offset_is_known_without_a_fetch() -> None:
    consumer = Consumer()
    consumer.shortcut.offer(consumer.append(3))
    assert consumer.state.highwater == 3
