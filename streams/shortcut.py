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
        self._known: Any = None
        """The assignment that all of this is about."""
        self._offered: dict[TopicPartition, deque[list[Record]]] = {}
        self._placed: dict[TopicPartition, FetchResult] = {}
        self._in_row: dict[TopicPartition, int] = {}
        self._reached: dict[TopicPartition, int] = {}
        """Where the consumer stood when it last took records out."""
        self._pauses: set[TopicPartition] = set()
        set_error = fetcher._set_error

        def make_way(tp: TopicPartition, error: Exception) -> None:
            if fetcher._records.get(tp) is self._placed.get(tp):  # aiokafka asserts there is none
                fetcher._records.pop(tp, None)
            set_error(tp, error)

        fetcher._set_error = make_way

    def offer(self, records: list[Record]) -> None:
        """Take the records of a batch that the broker has, in the order of their offsets."""
        first = records[0]
        tp = TopicPartition(first.topic, first.partition)
        state = self._state(tp)
        if state is None:
            return
        waiting = self._offered.setdefault(tp, deque(maxlen=MOST_OFFERED))
        if waiting and waiting[-1][-1].offset >= first.offset:  # the log is another one by now
            waiting.clear()
        waiting.append(records)
        state.highwater = max(state.highwater or 0, records[-1].offset + 1)
        if self._take_up(tp):
            for waiter in self._fetcher._fetch_waiters:
                self._fetcher._notify(waiter)
        elif waiting and waiting[0][0].offset > state.position:
            state.resume()  # somebody else's records lie before it: a fetch has to bring them

    def before_drain(self, tp: TopicPartition) -> bool:
        """Whether what waits can be drained; forget what the consumer went back behind."""
        state = self._state(tp)
        if state is None and tp in self._placed:  # its position was reset
            if self._fetcher._records.get(tp) is self._placed[tp]:
                del self._fetcher._records[tp]
            self._forget(tp)
            return tp in self._fetcher._records
        if state is not None and state.position < self._reached.get(tp, 0):
            waiting = self._fetcher._records.get(tp)
            if waiting is not None and waiting is self._placed.get(tp):
                del self._fetcher._records[tp]
            self._forget(tp)
        return tp in self._fetcher._records

    def drained(self, tp: TopicPartition, result: Any) -> bool:
        """Go on after a drain of what waited; whether more was placed for the next one."""
        if result is not self._placed.pop(tp, None):
            self._in_row.pop(tp, None)
        elif self._fetcher._records.get(tp) is result:  # it has more
            self._placed[tp] = result
        state = self._state(tp)
        if state is None:
            return False
        self._reached[tp] = state.position
        if tp in self._fetcher._records:
            return False
        if self._take_up(tp):
            return True
        if self._in_row.get(tp, 0) >= IN_STEP and not self._offered.get(tp):
            self._pause(tp, state)
        return False

    def _take_up(self, tp: TopicPartition) -> bool:
        """Place the offered batch that begins at the position in the fetcher's buffer."""
        state = self._state(tp)
        waiting = self._offered.get(tp)
        if not waiting or state is None or tp in self._fetcher._records:
            return False
        position = state.position
        if position < self._reached.get(tp, 0):
            self._forget(tp)
            return False
        while waiting and waiting[0][-1].offset < position:
            waiting.popleft()  # a fetch was quicker
        if not waiting or waiting[0][0].offset != position:
            return False
        self._placed[tp] = self._fetcher._records[tp] = FetchResult(
            tp, assignment=self._known, partition_records=_Own(waiting.popleft()), backoff=0
        )
        self._in_row[tp] = self._in_row.get(tp, 0) + 1
        state.resume()  # else it could not be drained
        return True

    def _forget(self, tp: TopicPartition) -> None:
        for known in (self._offered, self._placed, self._in_row, self._reached):
            known.pop(tp, None)

    def _pause(self, tp: TopicPartition, state: Any) -> None:
        """Fetch nothing of a partition for a while."""
        state.pause()
        if tp not in self._pauses:
            self._pauses.add(tp)
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._resume, tp, state)

    def _resume(self, tp: TopicPartition, state: Any) -> None:
        state.resume()
        if self._state(tp) is state:  # else the timer is of a former assignment
            self._pauses.discard(tp)

    def _state(self, tp: TopicPartition) -> Any | None:
        """How far the consumer has come with a partition; None of one that is not its own.

        What is known of a former assignment is forgotten.
        """
        subscription = self._fetcher._subscriptions.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is not self._known:
            self._known = assignment
            for known in (self._offered, self._placed, self._in_row, self._reached, self._pauses):
                known.clear()
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
