"""State comes back: from a snapshot and the tail of the topic, or from all of the topic."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from store.clock import ManualClock
from store.database import open_database
from store.migration import migrate
from store.snapshot import find_snapshot
from streams import history, patience
from streams.history import runs_of
from streams.keeper import Keeper
from streams.place import Place
from streams.snapshot import SnapshotShelf
from tests.unit.streams.tally import TOPIC, TallyStage, ToyLog, Worker, offsets

_names = itertools.count()


@pytest.fixture(autouse=True)
def _no_waiting_for_leaders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BOUNDS_WAIT_SECONDS", 0.0)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('sql') / 'doorstaff.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def shelf(engine: Engine) -> SnapshotShelf:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM state_snapshots"))
        connection.execute(text("DELETE FROM state_snapshot_chunks"))
    return SnapshotShelf(engine, ManualClock(10**12))


@pytest.fixture
def log() -> ToyLog:
    log = ToyLog()
    log.append(*"abcdefghabab")
    return log


async def take(worker: Worker, shelf: SnapshotShelf) -> bool:
    (place,) = worker.history.places.values()
    return await Keeper([worker.history], shelf, every_seconds=300).take(worker.history, place)


def kept_at(engine: Engine, topic: str = TOPIC) -> int | None:
    with engine.connect() as connection:
        found = find_snapshot(connection, stage="tally", topic=topic, partition=0)
    return None if found is None else found.offset


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"stage": "tally", **labels}) or 0.0


@given(
    words=st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=40),
    pick=st.randoms(use_true_random=False),
    rounds=st.integers(1, 12),
)
@settings(max_examples=60)
def test_wherever_it_is_split_the_state_is_the_fold_of_all(
    engine: Engine, words: list[str], pick: random.Random, rounds: int
) -> None:
    """Crashes, lagging commits and snapshots at random: each answer is that of a whole run."""

    async def run() -> None:
        log = ToyLog(topic=f"split-{next(_names)}")
        shelf = SnapshotShelf(engine, ManualClock(10**12))
        log.append(*words)
        whole = log.whole()
        committed, answered = 0, set[int]()
        for _ in range(rounds):
            kept = kept_at(engine, log.topic) or 0
            worker = Worker(log, shelf, at=committed)
            for _ in range(pick.randint(0, 4)):
                sent = await worker.read(pick.randint(1, 12), settle=False)
                assert sent == [whole[offset] for offset in offsets(sent)]
                assert all(offset >= kept for offset in offsets(sent))
                if pick.random() < 0.7:
                    worker.settle(pick)
                    answered |= set(offsets(worker.sent))
                    if pick.random() < 0.5:
                        committed = worker.at
                    if worker.history.places and pick.random() < 0.5:
                        await take(worker, shelf)
        worker = Worker(log, shelf, at=committed)
        sent = await worker.read()
        answered |= set(offsets(sent))
        assert answered == set(range(len(words)))
        if sent:
            undisturbed = Worker(log, None, at=0)
            await undisturbed.read()
            assert list(worker.counts.items()) == list(undisturbed.counts.items())

    asyncio.run(run())


async def test_only_the_tail_after_the_snapshot_is_read(log: ToyLog, shelf: SnapshotShelf) -> None:
    first = Worker(log, shelf, at=0)
    await first.read(8)
    assert await take(first, shelf)
    await first.read(2)
    log.reads.clear()
    second = Worker(log, shelf, at=10)
    before = sample("doorstaff_restores_total", source="snapshot")
    assert await second.read() == log.whole()[10:]
    assert second.stage.restored == 2
    assert log.reads == [(7, 8), (8, 10)]  # the first to see that the topic is the same
    assert sample("doorstaff_restores_total", source="snapshot") == before + 1


async def test_what_the_snapshot_holds_is_passed_over_when_it_comes_again(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    first = Worker(log, shelf, at=0)
    await first.read(8)
    await take(first, shelf)
    second = Worker(log, shelf, at=2)  # the commit lagged
    assert await second.read(3) == []
    assert await second.read(5) == log.whole()[8:10]
    assert second.stage.restored == 0


async def test_nothing_is_kept_before_it_is_durable(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine
) -> None:
    worker = Worker(log, shelf, at=0)
    await worker.read(4)
    await worker.read(4, settle=False)
    taking = asyncio.create_task(take(worker, shelf))
    await asyncio.sleep(0.1)
    assert kept_at(engine) is None
    await worker.read(2, settle=False)
    worker.unsettled.reverse()
    worker.unsettled.pop(0).settle()  # the later ones first
    await asyncio.sleep(0.05)
    assert kept_at(engine) is None
    worker.settle()
    assert await taking
    assert kept_at(engine) == 8


async def test_what_was_folded_but_not_durable_is_handled_again(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    worker = Worker(log, shelf, at=0)
    await worker.read(4)
    await take(worker, shelf)
    await worker.read(4, settle=False)
    worker.unsettled.clear()  # sent by an agent that was stopped
    worker.at = 2  # given again by another assignment
    assert await worker.read(8) == log.whole()[4:10]
    assert await take(worker, shelf)


async def test_a_snapshot_is_as_of_its_first_piece(log: ToyLog, shelf: SnapshotShelf) -> None:
    worker = Worker(log, shelf, at=0)
    await worker.read(8)
    taking = asyncio.create_task(take(worker, shelf))
    await asyncio.sleep(0)
    await worker.read()
    assert await taking
    assert await Worker(log, shelf, at=8).read() == log.whole()[8:]


async def test_records_that_the_topic_lost_are_told(log: ToyLog, shelf: SnapshotShelf) -> None:
    first = Worker(log, shelf, at=0)
    await first.read(4)
    await take(first, shelf)
    log.begin = 7
    before = sample("doorstaff_state_missing_records_total")
    second = Worker(log, shelf, at=9)
    await second.read()
    assert sample("doorstaff_state_missing_records_total") == before + 3
    assert sum(second.counts.values()) == len(log.records) - 3


async def test_a_topic_whose_records_before_the_snapshot_are_gone_is_no_gap(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    first = Worker(log, shelf, at=0)
    await first.read(8)
    await take(first, shelf)
    log.begin = 8
    assert await Worker(log, shelf, at=8).read() == log.whole()[8:]


@pytest.mark.parametrize("words", ["xy", "abcdefghabab", "xyzxyzxyzxyzxyz"])
async def test_the_snapshot_of_a_topic_that_was_made_anew_is_dropped(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine, words: str
) -> None:
    """Also if it has come as far again, and if it holds the same words."""
    first = Worker(log, shelf, at=0)
    await first.read(8)
    await take(first, shelf)
    log.make_anew()
    log.append(*words)
    second = Worker(log, shelf, at=0)
    assert await second.read(2) == log.whole()[:2]
    assert kept_at(engine) is None
    assert await take(second, shelf)
    assert kept_at(engine) == 2


async def test_a_topic_that_is_made_anew_under_a_worker_begins_anew(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    worker = Worker(log, shelf, at=0)
    await worker.read(8)
    await take(worker, shelf)
    log.make_anew()
    log.append(*"abcabcabcabc")
    worker.at = 0
    assert await worker.read(3) == log.whole()[:3]
    assert await worker.read() == log.whole()[3:]


async def test_an_owner_of_before_does_not_put_the_snapshot_back(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine
) -> None:
    zombie, owner = Worker(log, shelf, at=0), Worker(log, shelf, at=0)
    await zombie.read(4)
    await owner.read(8)
    assert await take(owner, shelf)
    before = sample("doorstaff_snapshots_total", outcome="refused")
    assert not await take(zombie, shelf)
    assert kept_at(engine) == 8
    assert sample("doorstaff_snapshots_total", outcome="refused") == before + 1
    with engine.connect() as connection:
        chunks = connection.execute(text("SELECT snapshot_id FROM state_snapshot_chunks")).all()
    assert len(chunks) == 1


async def test_a_snapshot_that_came_late_from_a_topic_before_does_not_stay(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine
) -> None:
    zombie = Worker(log, shelf, at=0)
    await zombie.read()
    log.make_anew()
    log.append(*"abcd")
    owner = Worker(log, shelf, at=0)
    await owner.read()
    assert await take(zombie, shelf)
    assert not await take(owner, shelf)
    assert await take(owner, shelf)
    assert kept_at(engine) == 4


async def test_a_snapshot_made_on_another_basis_is_passed_over_and_replaced(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    first = Worker(log, shelf, at=0)
    await first.read(8)
    await take(first, shelf)
    second = Worker(log, shelf, at=8, stage=TallyStage("words 2"))
    assert await second.read() == log.whole()[8:]
    assert second.stage.restored == 8
    assert await take(second, shelf)
    third = Worker(log, shelf, at=12, stage=TallyStage("words 2"))
    log.append("z")
    assert await third.read() == log.whole()[12:]
    assert third.stage.restored == 0


@pytest.mark.parametrize("damage", ["UPDATE {} SET body = x'00'", "DELETE FROM {}"])
async def test_a_snapshot_that_cannot_be_read_is_passed_over(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine, damage: str
) -> None:
    first = Worker(log, shelf, at=0)
    await first.read(8)
    await take(first, shelf)
    with engine.begin() as connection:
        connection.execute(text(damage.format("state_snapshot_chunks")))
    assert await Worker(log, shelf, at=8).read() == log.whole()[8:]


async def test_pieces_that_the_stage_cannot_read_are_passed_over(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    class Older(TallyStage):
        def snapshot(self, topic: str, partition: int) -> Generator[bytes, None, None]:
            yield from super().snapshot(topic, partition)
            yield b"no msgpack"

    first = Worker(log, shelf, at=0, stage=Older())
    await first.read(8)
    await take(first, shelf)
    assert await Worker(log, shelf, at=8).read() == log.whole()[8:]


async def test_while_sql_is_away_no_snapshot_is_taken_and_the_stream_goes_on(
    log: ToyLog, shelf: SnapshotShelf, tmp_path: Path
) -> None:
    away = open_database(f"sqlite:///{tmp_path}/none/doorstaff.db")
    worker = Worker(log, shelf, at=0)
    await worker.read(4)
    before = sample("doorstaff_snapshots_total", outcome="failed")
    assert not await take(worker, SnapshotShelf(away, ManualClock()))
    assert sample("doorstaff_snapshots_total", outcome="failed") == before + 1
    assert await worker.read() == log.whole()[4:]
    assert await take(worker, shelf)


async def test_a_worker_waits_for_sql_rather_than_forget(
    log: ToyLog, shelf: SnapshotShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT_SECONDS", 0.01)
    first = Worker(log, shelf, at=0)
    await first.read(8)
    await take(first, shelf)
    find, calls = shelf._find, 0

    def flaky(stage: str, topic: str, partition: int) -> object:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise OperationalError(None, {}, Exception())
        return find(stage, topic, partition)

    monkeypatch.setattr(shelf, "_find", flaky)
    second = Worker(log, shelf, at=8)
    assert await second.read() == log.whole()[8:]
    assert second.stage.restored == 0


async def test_records_of_a_partition_that_went_away_meanwhile_lead_to_nothing(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    worker = Worker(log, shelf, at=6)
    reading = asyncio.create_task(worker.read())
    await asyncio.sleep(0)
    worker.history.keep_only(set())
    assert await reading == []
    assert worker.counts == {}
    worker.at = 6
    assert await worker.read() == log.whole()[6:]


async def test_a_stage_that_failed_in_the_middle_leaves_no_snapshot(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine
) -> None:
    worker = Worker(log, shelf, at=0)
    await worker.read()
    log.append("a", "fault")
    with pytest.raises(ZeroDivisionError):
        await worker.read()
    await Keeper([worker.history], shelf, every_seconds=300).take_all(limit_seconds=5)
    assert kept_at(engine) is None


async def test_all_that_changed_is_kept_when_a_worker_stops(
    log: ToyLog, shelf: SnapshotShelf, engine: Engine
) -> None:
    worker = Worker(log, shelf, at=0)
    keeper = Keeper([worker.history], shelf, every_seconds=300)
    await keeper.take_all(limit_seconds=5)
    assert kept_at(engine) is None
    await worker.read(5)
    await keeper.take_all(limit_seconds=5)
    assert kept_at(engine) == 5


async def test_a_snapshot_is_due_after_a_while_or_after_much_work(
    log: ToyLog, shelf: SnapshotShelf
) -> None:
    worker = Worker(log, shelf, at=0)
    keeper = Keeper([worker.history], shelf, every_seconds=300)
    await worker.read(5)
    (place,) = worker.history.places.values()
    assert not keeper.is_due(place, 1_000.0)
    assert 1_000 < place.due_at <= 1_300
    assert keeper.is_due(place, 1_300.0)
    place.work_seconds = 3.0
    assert keeper.is_due(place, 1_000.0)
    place.cost_seconds = 1.0  # a dear one is worth more work
    assert not keeper.is_due(place, 1_000.0)
    place.work_seconds = 11.0
    assert keeper.is_due(place, 1_000.0)
    place.not_before = 1_030.0  # the last try failed
    assert not keeper.is_due(place, 1_000.0)


def test_the_first_snapshots_are_spread_over_the_interval(shelf: SnapshotShelf) -> None:
    keeper = Keeper([], shelf, every_seconds=300)
    places = [Place((TOPIC, number)) for number in range(100)]
    for place in places:
        keeper.is_due(place, 0.0)
    for third in (0, 100, 200):
        assert 15 < sum(third < place.due_at <= third + 100 for place in places) < 55


def test_runs_are_successive_records_of_one_partition(log: ToyLog) -> None:
    chunk = [log.records[n] for n in (0, 1, 2, 5, 6, 9)]
    assert [[one.offset for one in run] for run in runs_of([chunk])] == [[0, 1, 2], [5, 6], [9]]


def test_chunks_of_one_partition_that_follow_each_other_are_one_run(log: ToyLog) -> None:
    chunks = [[log.records[n] for n in part] for part in ((0, 1), (2,), (5, 6), (3, 4), (5,))]
    found = [[one.offset for one in run] for run in runs_of(chunks)]
    assert found == [[0, 1, 2], [5, 6], [3, 4, 5]]
