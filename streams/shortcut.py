"""The short way of what a worker sends to partitions of its own: past the fetch and its wait.

Stages send each other packs, and most go to a partition that the same worker reads. Once the broker
has a batch for certain and has told its offset, its records are known: they are what a fetch from
there would bring. So they are placed in the buffer of aiokafka's fetcher, provided that the
consumer stands at just that offset. They are drained, count as read, and are dropped by a rebalance
as fetched ones are. Where somebody else's records lie between, a fetch brings them all.

A partition whose records keep coming this way is paused, but for a look now and then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from streams.message import Record
from streams.progress import bytes_of

MIN_OWN_BATCHES = 8
"""So many in a row, with nobody else's between, and a partition is paused."""
PAUSE_SECONDS = 0.25
"""How long a pause lasts at most. Somebody else's record waits for its end and for a fetch."""
MAX_OFFERED_BYTES = 1024**2
"""Of one partition, until the consumer comes to their offsets: it is behind, or stands at somebody
else's records. Past it the oldest are let go, and come by a fetch."""


class Shortcut:
    """Lives on the consumer's thread, beside aiokafka's fetcher.

    Args:
        fetcher: Of the consumer that reads the partitions.
    """

    def __init__(self, fetcher: Any) -> None:
        self._fetcher = fetcher
        self._partitions: dict[TopicPartition, _Partition] = {}
        set_error = fetcher._set_error

        def make_way(tp: TopicPartition, error: Exception) -> None:
            self._take_back(tp)  # an answer with an error finds the buffer empty, aiokafka asserts
            set_error(tp, error)

        fetcher._set_error = make_way

    def offer(self, records: list[Record]) -> None:
        """Take the records of a batch that the broker has, in the order of their offsets."""
        tp = TopicPartition(records[0].topic, records[0].partition)
        partition = self._partition(tp)
        if partition is None:
            return
        partition.add(records)
        state = partition.state
        state.highwater = max(state.highwater or 0, records[-1].offset + 1)
        if self._place(tp, partition):
            for waiter in self._fetcher._fetch_waiters:
                self._fetcher._notify(waiter)
        elif partition.offered and partition.offered[0][0].offset > state.position:
            state.resume()  # somebody else's records lie before it: a fetch has to bring them

    def can_drain(self, tp: TopicPartition) -> bool:
        """Whether there is something to drain; nothing of a log that the consumer has left."""
        if self._partition(tp) is None:
            self._take_back(tp)
        return tp in self._fetcher._records

    def drained(self, tp: TopicPartition, result: Any) -> bool:
        """Go on after a drain of what waited; whether more was placed for the next one."""
        partition = self._partition(tp)
        if partition is None:
            return False
        if result is not partition.placed:
            partition.own_batches = 0
        partition.reached = partition.state.position
        if tp in self._fetcher._records:
            return False
        partition.placed = None
        if self._place(tp, partition):
            return True
        if partition.own_batches >= MIN_OWN_BATCHES and not partition.offered:
            partition.pause()
        return False

    def _place(self, tp: TopicPartition, partition: _Partition) -> bool:
        """Place the offered batch that begins at the position, if there is one, in the buffer."""
        buffer = self._fetcher._records
        records = None if tp in buffer else partition.take_next()
        if records is None:
            return False
        partition.placed = buffer[tp] = FetchResult(
            tp,
            assignment=self._assignment,
            partition_records=Unpacked(records),
            backoff=0,
        )
        partition.own_batches += 1
        partition.state.resume()  # else it could not be drained
        return True

    def _take_back(self, tp: TopicPartition) -> None:
        """Take what was placed out of the buffer, and forget the partition."""
        partition = self._partitions.pop(tp, None)
        placed = None if partition is None else partition.placed
        if placed is not None and self._fetcher._records.get(tp) is placed:
            del self._fetcher._records[tp]

    def _partition(self, tp: TopicPartition) -> _Partition | None:
        """What is known of a partition; None while it is not the consumer's or has no position.

        What was known under another assignment, or before the consumer went back, is forgotten: the
        log may be another one.
        """
        assignment = self._assignment
        if assignment is None or not assignment.active or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        if not state.has_valid_position:
            return None
        known = self._partitions.get(tp)
        if known is None or known.state is not state or state.position < known.reached:
            self._take_back(tp)
            known = self._partitions[tp] = _Partition(state)
        return known

    @property
    def _assignment(self) -> Any:
        subscription = self._fetcher._subscriptions.subscription
        return None if subscription is None else subscription.assignment


class _Partition:
    """A partition under one assignment.

    Attributes:
        state: How far the consumer has come, by aiokafka.
        reached: Where it stood when it last took records out.
        offered: Batches whose turn has not come, in the order of their offsets.
        placed: What was placed last, if it is not drained.
        own_batches: Placed since the last records that came by a fetch.
    """

    def __init__(self, state: Any) -> None:
        self.state = state
        self.reached: int = state.position
        self.offered: deque[list[Record]] = deque()
        self.placed: FetchResult | None = None
        self.own_batches = 0
        self._bytes = 0
        self._is_pausing = False

    def add(self, records: list[Record]) -> None:
        """Let a batch wait for its turn."""
        if self.offered and self.offered[-1][-1].offset >= records[0].offset:
            while self.offered:  # of a log that was cut off since
                self._pop()
        self.offered.append(records)
        self._bytes += bytes_of(records)
        while self._bytes > MAX_OFFERED_BYTES:
            self._pop()

    def take_next(self) -> list[Record] | None:
        """The batch that begins at the position, if it was offered."""
        position = self.state.position
        while self.offered and self.offered[0][-1].offset < position:
            self._pop()  # a fetch was quicker
        return self._pop() if self.offered and self.offered[0][0].offset == position else None

    def pause(self) -> None:
        """Let nothing be fetched for a while."""
        self.state.pause()
        if not self._is_pausing:
            self._is_pausing = True
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        self._is_pausing = False
        self.state.resume()

    def _pop(self) -> list[Record]:
        records = self.offered.popleft()
        self._bytes -= bytes_of(records)
        return records


class Unpacked:
    """Records that are ready, in place of what aiokafka unpacks one by one."""

    def __init__(self, records: list[Record]) -> None:
        self.next_fetch_offset = records[0].offset
        self._left = iter(records)

    def __iter__(self) -> Unpacked:
        return self

    def __next__(self) -> Record:
        record = next(self._left)
        self.next_fetch_offset = record.offset + 1
        return record
