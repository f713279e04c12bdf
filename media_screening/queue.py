"""The screening queue: a Redis stream, leased to workers job by job.

A job stays in the stream until a worker has published what came of it. While it works, the worker
renews its lease; when the worker dies, the lease runs out and another one claims the job. Redis
counts how often a job was handed out.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from contracts.screening import ScreeningJob
from contracts.wire import decode, encode

GROUP = "media-workers"
REMEMBER_SECONDS = 7 * 86_400
"""How long an ``event_id`` is remembered, so that its repeat adds no second job: as long as the
topics keep the event by default."""

_FIELD = "job"

# One step, so that a crash between the two leaves neither a lost job nor a doubled one.
_ADD = """
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then
  return redis.call('XADD', KEYS[1], '*', 'job', ARGV[1])
end
return false
"""

# Only who holds the lease may renew it or give it back: another worker may have claimed the job.
_LEASE = """
local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if #held == 0 or held[1][2] ~= ARGV[3] then return 0 end
local count = held[1][4] - tonumber(ARGV[5])
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2],
           'IDLE', ARGV[4], 'RETRYCOUNT', count, 'JUSTID')
return 1
"""

_DONE = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2])
if ARGV[3] == '1' then redis.call('DEL', KEYS[3]) end
return 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A job in a worker's hands.

    Attributes:
        message_id: The stream's: ``milliseconds-sequence``.
        attempt: 1 the first time it is handed out.
        raw: The job as it lies in the stream.
        job: None if that is not a job.
        last_reason: Why the attempt before this one failed; empty if its worker vanished.
    """

    message_id: str
    attempt: int
    raw: bytes
    job: ScreeningJob | None
    last_reason: str = ""

    @property
    def offset(self) -> int:
        """The message id as one rising number, as dead letters want it."""
        milliseconds, _, sequence = self.message_id.partition("-")
        return (int(milliseconds) << 20) + int(sequence)


class ScreeningQueue:
    """One stream with one consumer group; safe for any number of producers and workers.

    ``prefix`` is that of the topics: installations that differ in it share a Redis and no job.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        consumer: str,
        lease_seconds: float = 60.0,
        prefix: str = "doorstaff.",
    ) -> None:
        self._redis: Any = redis  # redis-py's types mix the sync and the async results
        self._consumer = consumer
        self._lease_ms = round(lease_seconds * 1_000)
        self._stream = f"{prefix}screening-jobs"
        self._reasons = f"{self._stream}:reasons"
        self._cursor = "0-0"

    @property
    def lease_seconds(self) -> float:
        """Silence after which a job goes to another worker."""
        return self._lease_ms / 1_000

    async def open(self) -> None:
        """Make the stream and its group if they are not there."""
        try:
            await self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def add(self, job: ScreeningJob) -> bool:
        """Put a job on the queue; False if its event was put there before."""
        keys = (self._stream, self._seen(job))
        added = await self._redis.eval(_ADD, 2, *keys, encode(job), REMEMBER_SECONDS)
        return bool(added)

    async def claim(self, *, wait_seconds: float) -> Claim | None:
        """Take the next job: first one whose worker went silent, then a new one.

        Returns:
            None if none came in ``wait_seconds``.
        """
        message = await self._reclaim()
        if message is None:
            answer = await self._redis.xreadgroup(
                GROUP,
                self._consumer,
                {self._stream: ">"},
                count=1,
                block=max(1, round(wait_seconds * 1_000)),
            )
            message = _first(answer)
        if message is None:
            return None
        message_id, fields = message
        held = await self._redis.xpending_range(self._stream, GROUP, message_id, message_id, 1)
        raw = fields.get(_FIELD.encode(), b"")
        reason = await cast(Awaitable[Any], self._redis.hget(self._reasons, message_id))
        return Claim(
            message_id=message_id,
            attempt=int(held[0]["times_delivered"]) if held else 1,
            raw=raw,
            job=_job(raw),
            last_reason=reason.decode(errors="replace") if reason else "",
        )

    async def renew(self, claim: Claim) -> bool:
        """Extend the lease by its whole length; False if another worker has the job now."""
        return await self._lease(claim, idle_ms=0, uncounted=0)

    async def retry(self, claim: Claim, *, reason: str, delay_seconds: float = 0.0) -> bool:
        """Give the job back, to be claimed once ``delay_seconds`` have gone by."""
        await cast(Awaitable[Any], self._redis.hset(self._reasons, claim.message_id, reason))
        return await self._lease(claim, idle_ms=self._idle_ms(delay_seconds), uncounted=0)

    async def release(self, claim: Claim, *, delay_seconds: float = 0.0) -> bool:
        """Give the job back as if it had not been tried."""
        return await self._lease(claim, idle_ms=self._idle_ms(delay_seconds), uncounted=1)

    async def done(self, claim: Claim, *, forget: bool = False) -> None:
        """Take the job off the queue. ``forget`` lets its event be added again."""
        keys = (self._stream, self._reasons, self._seen(claim.job) if claim.job else self._reasons)
        await self._redis.eval(
            _DONE, 3, *keys, GROUP, claim.message_id, "1" if forget and claim.job else "0"
        )

    async def length(self) -> int:
        """Jobs that wait or are being worked on."""
        return int(await self._redis.xlen(self._stream))

    async def close(self) -> None:
        """Sign this worker off, if nothing is left in its hands. The connection stays open."""
        pending = await self._redis.xpending_range(
            self._stream, GROUP, "-", "+", 1, consumername=self._consumer
        )
        if not pending:
            await self._redis.xgroup_delconsumer(self._stream, GROUP, self._consumer)

    async def _reclaim(self) -> tuple[str, dict[bytes, bytes]] | None:
        answer = await self._redis.xautoclaim(
            self._stream, GROUP, self._consumer, self._lease_ms, start_id=self._cursor, count=1
        )
        self._cursor = answer[0].decode() if isinstance(answer[0], bytes) else str(answer[0])
        for message_id, fields in answer[1]:
            if message_id is not None and fields is not None:
                return message_id.decode(), fields
        return None

    async def _lease(self, claim: Claim, *, idle_ms: int, uncounted: int) -> bool:
        arguments = (GROUP, claim.message_id, self._consumer, idle_ms, uncounted)
        return bool(await self._redis.eval(_LEASE, 1, self._stream, *arguments))

    def _idle_ms(self, delay_seconds: float) -> int:
        return max(0, self._lease_ms - round(delay_seconds * 1_000))

    def _seen(self, job: ScreeningJob) -> str:
        return f"{self._stream}:seen:{job.event_id}"


def _first(answer: Any) -> tuple[str, dict[bytes, bytes]] | None:
    streams = answer.values() if isinstance(answer, dict) else [entry[1] for entry in answer or ()]
    for messages in streams:
        # Protocol 3 wraps a stream's messages once more.
        for message in messages[0] if messages and isinstance(messages[0], list) else messages:
            return message[0].decode(), message[1]
    return None


def _job(raw: bytes) -> ScreeningJob | None:
    try:
        return decode(raw, ScreeningJob)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
