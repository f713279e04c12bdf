from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from contracts.ids import AccountId, EventId, UploadId
from contracts.screening import ScreeningJob
from media_screening.queue import GROUP, ScreeningQueue

LEASE_SECONDS = 0.4


def job(name: str) -> ScreeningJob:
    return ScreeningJob(
        event_id=EventId(f"event-{name}"),
        account_id=AccountId("acc-1"),
        upload_id=UploadId(name),
        occurred_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
        uri=f"file:///{name}.mp4",
    )


async def queue(redis: Redis, consumer: str) -> ScreeningQueue:
    made = ScreeningQueue(redis, consumer=consumer, lease_seconds=LEASE_SECONDS)
    await made.open()
    return made


async def test_jobs_come_in_order_and_go_when_done(redis: Redis) -> None:
    mine = await queue(redis, "a")
    assert [await mine.add(job(name)) for name in "xyx"] == [True, True, False]
    assert await mine.length() == 2
    for name in "xy":
        claim = await mine.claim(wait_seconds=0.01)
        assert claim is not None
        assert (claim.job, claim.attempt) == (job(name), 1)
        await mine.done(claim)
    assert await mine.claim(wait_seconds=0.01) is None
    assert await mine.length() == 0
    assert await mine.add(job("x")) is False


@pytest.mark.parametrize("protocol", [2, 3])
async def test_both_protocols_of_redis_are_read(valkey_url: str, protocol: int) -> None:
    client = Redis.from_url(valkey_url, protocol=protocol)
    await client.flushall()
    mine = await queue(client, "a")
    await mine.add(job("x"))
    claim = await mine.claim(wait_seconds=0.01)
    assert claim is not None
    assert claim.job == job("x")
    await asyncio.sleep(LEASE_SECONDS + 0.1)
    again = await mine.claim(wait_seconds=0.01)
    assert again is not None
    assert (again.job, again.attempt, again.message_id) == (job("x"), 2, claim.message_id)
    await client.aclose()


async def test_a_silent_workers_job_goes_to_another(redis: Redis) -> None:
    dead, alive = await queue(redis, "dead"), await queue(redis, "alive")
    await dead.add(job("x"))
    lost = await dead.claim(wait_seconds=0.01)
    assert lost is not None
    assert await alive.claim(wait_seconds=0.01) is None
    await asyncio.sleep(LEASE_SECONDS + 0.1)
    claim = await alive.claim(wait_seconds=0.01)
    assert claim is not None
    assert (claim.job, claim.attempt) == (job("x"), 2)
    # Should the silent one come back, it is told so, and takes nothing away.
    assert await dead.renew(lost) is False
    assert await dead.release(lost) is False
    assert await alive.renew(claim) is True


async def test_a_renewed_lease_holds(redis: Redis) -> None:
    busy, idle = await queue(redis, "busy"), await queue(redis, "idle")
    await busy.add(job("x"))
    claim = await busy.claim(wait_seconds=0.01)
    assert claim is not None
    for _ in range(6):
        await asyncio.sleep(LEASE_SECONDS / 3)
        assert await busy.renew(claim)
        assert await idle.claim(wait_seconds=0.01) is None


async def test_a_retry_waits_and_is_counted_a_release_is_not(redis: Redis) -> None:
    mine, other = await queue(redis, "a"), await queue(redis, "b")
    await mine.add(job("x"))
    claim = await mine.claim(wait_seconds=0.01)
    assert claim is not None
    await mine.retry(claim, reason="its server answered 503", delay_seconds=0.2)
    assert await other.claim(wait_seconds=0.01) is None
    await asyncio.sleep(0.25)
    claim = await other.claim(wait_seconds=0.01)
    assert claim is not None
    assert (claim.attempt, claim.last_reason) == (2, "its server answered 503")
    assert await other.release(claim)
    claim = await mine.claim(wait_seconds=0.01)
    assert claim is not None
    assert claim.attempt == 2


async def test_what_was_given_up_may_be_sent_again(redis: Redis) -> None:
    mine = await queue(redis, "a")
    await mine.add(job("x"))
    claim = await mine.claim(wait_seconds=0.01)
    assert claim is not None
    await mine.done(claim, forget=True)
    assert await mine.add(job("x")) is True


async def test_a_worker_signs_off_only_with_empty_hands(redis: Redis) -> None:
    mine = await queue(redis, "a")
    await mine.add(job("x"))
    claim = await mine.claim(wait_seconds=0.01)
    assert claim is not None
    await mine.close()
    groups = await redis.xinfo_consumers("doorstaff.screening-jobs", GROUP)
    assert len(groups) == 1
    await mine.done(claim)
    await mine.close()
    assert await redis.xinfo_consumers("doorstaff.screening-jobs", GROUP) == []


async def test_ten_workers_share_without_doubling(redis: Redis) -> None:
    first = await queue(redis, "w0")
    for number in range(50):
        await first.add(job(str(number)))

    async def work(consumer: str) -> list[str]:
        mine = await queue(redis, consumer)
        done: list[str] = []
        while claim := await mine.claim(wait_seconds=0.02):
            assert claim.job is not None
            done.append(claim.job.upload_id)
            await mine.done(claim)
        return done

    shares = await asyncio.gather(*(work(f"w{number}") for number in range(10)))
    assert sorted(name for share in shares for name in share) == sorted(map(str, range(50)))


async def test_another_prefix_is_another_queue(redis: Redis) -> None:
    ours, theirs = (
        ScreeningQueue(redis, consumer="worker", prefix=prefix) for prefix in ("prod.", "staging.")
    )
    for queue in (ours, theirs):
        await queue.open()
    assert await ours.add(job("a"))
    assert await theirs.length() == 0
    assert await theirs.claim(wait_seconds=0.01) is None
    assert await theirs.add(job("a"))
    claimed = await ours.claim(wait_seconds=1)
    assert claimed is not None
    assert claimed.job == job("a")
