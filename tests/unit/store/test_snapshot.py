"""Snapshots: whole or not at all, never back, and nothing left over."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select

from store.schema import state_snapshot_chunks
from store.snapshot import (
    LEFT_OVER_AFTER_MS,
    Snapshot,
    delete_chunk,
    drop_snapshot,
    find_snapshot,
    keep_snapshot,
    left_over,
    read_chunk,
    write_chunk,
)

FIRST = Snapshot(
    stage="velocity",
    topic="doorstaff.facets",
    partition=3,
    snapshot_id="a" * 32,
    basis="b" * 64,
    offset=5_000_000_000,
    last_at_ms=1_795_374_000_000,
    last_digest=0xFFFF_FFFF,
    chunks=2,
    codec="zlib",
    created_at_ms=1_795_374_000_001,
)


def put(engine: Engine, snapshot: Snapshot, *, now_ms: int = 0) -> tuple[bool, str | None]:
    for number in range(snapshot.chunks):
        with engine.begin() as connection:
            body = snapshot.snapshot_id.encode() + bytes([number])
            write_chunk(connection, snapshot.snapshot_id, number, body, now_ms=now_ms)
    with engine.begin() as connection:
        return keep_snapshot(connection, snapshot)


def newest(engine: Engine, snapshot: Snapshot = FIRST) -> Snapshot | None:
    with engine.connect() as connection:
        return find_snapshot(
            connection,
            stage=snapshot.stage,
            topic=snapshot.topic,
            partition=snapshot.partition,
        )


def chunks(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(state_snapshot_chunks)) or 0


def test_what_was_kept_is_found_with_its_chunks(engine: Engine) -> None:
    assert newest(engine) is None
    assert put(engine, FIRST) == (True, None)
    assert newest(engine) == FIRST
    with engine.connect() as connection:
        found = [read_chunk(connection, FIRST.snapshot_id, number) for number in range(3)]
    assert found == [b"a" * 32 + b"\x00", b"a" * 32 + b"\x01", None]


@pytest.mark.parametrize("change", [{"stage": "ledger"}, {"topic": "other"}, {"partition": 4}])
def test_each_partition_of_each_stage_has_its_own(
    engine: Engine, change: dict[str, object]
) -> None:
    other = replace(FIRST, snapshot_id="c" * 32, offset=1, **change)  # type: ignore[arg-type]
    put(engine, FIRST)
    assert put(engine, other) == (True, None)
    assert (newest(engine), newest(engine, other)) == (FIRST, other)


def test_until_it_is_whole_the_one_before_stands(engine: Engine) -> None:
    put(engine, FIRST)
    with engine.begin() as connection:
        write_chunk(connection, "c" * 32, 0, b"half", now_ms=0)
    assert newest(engine) == FIRST


def test_a_further_one_replaces_it_and_names_what_is_of_no_use(engine: Engine) -> None:
    put(engine, FIRST)
    further = replace(FIRST, snapshot_id="c" * 32, offset=FIRST.offset + 1, basis="d" * 64)
    assert put(engine, further) == (True, FIRST.snapshot_id)
    assert newest(engine) == further
    with engine.begin() as connection:
        assert delete_chunk(connection, FIRST.snapshot_id)
    assert chunks(engine) == 3
    with engine.begin() as connection:
        assert delete_chunk(connection, FIRST.snapshot_id)
        assert not delete_chunk(connection, FIRST.snapshot_id)
    assert chunks(engine) == 2


def test_one_that_came_less_far_is_refused(engine: Engine) -> None:
    put(engine, FIRST)
    late = replace(FIRST, snapshot_id="c" * 32, offset=FIRST.offset - 1)
    assert put(engine, late) == (False, late.snapshot_id)
    assert newest(engine) == FIRST


def test_of_the_same_offset_the_later_one_stands(engine: Engine) -> None:
    put(engine, FIRST)
    again = replace(FIRST, snapshot_id="c" * 32, basis="d" * 64)
    assert put(engine, again) == (True, FIRST.snapshot_id)
    assert newest(engine) == again


def test_only_the_very_one_is_dropped(engine: Engine) -> None:
    put(engine, FIRST)
    with engine.begin() as connection:
        assert not drop_snapshot(connection, replace(FIRST, snapshot_id="c" * 32))
    assert newest(engine) == FIRST
    with engine.begin() as connection:
        assert drop_snapshot(connection, FIRST)
    assert newest(engine) is None
    earlier = replace(FIRST, snapshot_id="e" * 32, offset=7)
    assert put(engine, earlier) == (True, None)


def test_what_a_crash_left_is_told_after_a_while(engine: Engine) -> None:
    put(engine, FIRST, now_ms=0)
    for number in range(2):
        with engine.begin() as connection:
            write_chunk(connection, "c" * 32, number, b"half", now_ms=10)
    with engine.connect() as connection:
        assert left_over(connection, now_ms=10 + LEFT_OVER_AFTER_MS) == ()
        assert left_over(connection, now_ms=11 + LEFT_OVER_AFTER_MS) == ("c" * 32,)


def test_two_owners_of_a_partition_end_at_the_further_snapshot(engine: Engine) -> None:
    snapshots = [
        replace(FIRST, snapshot_id=f"{number:032}", offset=number, chunks=1) for number in range(12)
    ]
    owners = [
        threading.Thread(target=lambda own=own: [put(engine, one) for one in own])
        for own in (snapshots[::2], snapshots[1::2])
    ]
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join()
    assert newest(engine) == snapshots[-1]


def test_another_writer_waits_for_one_chunk_at_most(engine: Engine) -> None:
    """Of ten chunks of 4 MiB, others wait for a part, not for the whole."""
    body = bytes(4 << 20)
    longest = 0.0
    stop = threading.Event()

    def other() -> None:
        nonlocal longest
        number = 0
        while not stop.is_set():
            begin = time.perf_counter()
            with engine.begin() as connection:
                write_chunk(connection, "z" * 32, number, b"small", now_ms=0)
            longest = max(longest, time.perf_counter() - begin)
            number += 1
            time.sleep(0.001)

    writer = threading.Thread(target=other)
    writer.start()
    begin = time.perf_counter()
    for number in range(10):
        with engine.begin() as connection:
            write_chunk(connection, "a" * 32, number, body, now_ms=0)
        time.sleep(0.001)
    whole = time.perf_counter() - begin
    stop.set()
    writer.join()
    assert longest < max(0.7 * whole, 0.5)
