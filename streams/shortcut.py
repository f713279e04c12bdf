"""The short way of what a worker sends to partitions of its own: past the fetch and its wait.

Stages send each other packs, and most go to a partition that the same worker reads. Once the broker
has a batch for certain and has told its offset, its records are known: they are what a fetch from
there would bring. So they are put where aiokafka puts what it has fetched, provided that the
consumer has come to just that offset. All else is as with a fetch: who drains it, when it counts as
read, and what a rebalance does to it. Where somebody else's records lie between, all comes by one.

A partition whose records keep coming this way is not fetched, but for a look now and then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from streams.message import Record

IN_STEP = 8
"""So many batches in a row, with nobody else's between, and the partition is not fetched."""
LOOK_SECONDS = 0.25
"""For how long at most: somebody else's records may wait so long."""
MOST_OFFERED = 32
"""Batches of one partition that wait for the consumer to come to their offset: it is behind, or
stands at somebody else's records. The oldest is let go, and comes by a fetch."""


class Shortcut:
    """Lives on the consumer's thread, beside aiokafka's fetcher.

    Args:
        fetcher: Of the consumer that reads the partitions.
    """

    def __init__(self, fetcher: Any) -> None:
        self._fetcher = fetcher
        self._offered: dict[TopicPartition, deque[list[Record]]] = {}
        self._placed: dict[TopicPartition, FetchResult] = {}
        self._in_row: dict[TopicPartition, int] = {}
        self._looks: set[TopicPartition] = set()

    def offer(self, records: list[Record]) -> None:
        """Take the records of a batch that the broker has, in the order of their offsets."""
        first = records[0]
        tp = TopicPartition(first.topic, first.partition)
        waiting = self._offered.setdefault(tp, deque(maxlen=MOST_OFFERED))
        waiting.append(records)
        if self._take_up(tp):
            for waiter in self._fetcher._fetch_waiters:
                self._fetcher._notify(waiter)

    def drained(self, tp: TopicPartition, result: Any) -> None:
        """Know that the consumer has taken records out of what waited for it."""
        if result is not self._placed.get(tp):
            self._in_row.pop(tp, None)
        if tp in self._fetcher._records or self._take_up(tp):
            return
        if self._in_row.get(tp, 0) >= IN_STEP and (state := self._state(tp)) is not None:
            self._rest(tp, state)

    def _take_up(self, tp: TopicPartition) -> bool:
        """Put the batch that begins where the consumer has come to where fetched ones are put."""
        waiting, state = self._offered.get(tp), self._state(tp)
        if not waiting or state is None or tp in self._fetcher._records:
            return False
        position = state.position
        while waiting and waiting[0][-1].offset < position:
            waiting.popleft()  # a fetch was quicker
        if not waiting or waiting[0][0].offset != position:
            return False
        self._placed[tp] = self._fetcher._records[tp] = FetchResult(
            tp, assignment=self._assignment(), partition_records=_Own(waiting.popleft()), backoff=0
        )
        self._in_row[tp] = self._in_row.get(tp, 0) + 1
        state.resume()  # else it could not be drained
        return True

    def _rest(self, tp: TopicPartition, state: Any) -> None:
        """Fetch nothing of a partition for a while."""
        state.pause()
        if tp not in self._looks:
            self._looks.add(tp)
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, tp, state)

    def _look(self, tp: TopicPartition, state: Any) -> None:
        self._looks.discard(tp)
        state.resume()

    def _assignment(self) -> Any:
        subscription = self._fetcher._subscriptions.subscription
        return None if subscription is None else subscription.assignment

    def _state(self, tp: TopicPartition) -> Any | None:
        """How far the consumer has come with a partition; None of one that is not its own."""
        assignment = self._assignment()
        if assignment is None or not assignment.active or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        return state if state.has_valid_position else None


class _Own:
    """Records in place of aiokafka's, which it unpacks one by one."""

    def __init__(self, records: list[Record]) -> None:
        self.next_fetch_offset = records[0].offset
        self._left = iter(records)

    def __iter__(self) -> _Own:
        return self

    def __next__(self) -> Record:
        record = next(self._left)
        self.next_fetch_offset = record.offset + 1
        return record
