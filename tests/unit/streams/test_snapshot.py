"""The shelf: what is put on it comes down as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select

from store.clock import ManualClock
from store.schema import state_snapshot_chunks
from store.snapshot import LEFT_OVER_AFTER_MS, Snapshot
from streams import snapshot as module
from streams.errors import UnreadableSnapshot
from streams.snapshot import CODEC, SnapshotShelf
from tests.databases import database_url, engine, postgres_server

__all__ = ["database_url", "engine", "postgres_server"]

BLANK = Snapshot(
    stage="s",
    topic="t",
    partition=0,
    snapshot_id="",
    basis="b",
    offset=1,
    last_at_ms=2,
    last_digest=3,
    chunks=0,
    codec=CODEC,
    created_at_ms=4,
)


async def given(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def put(shelf: SnapshotShelf, pieces: list[bytes], *, offset: int = 1) -> Snapshot:
    snapshot_id, chunks, _ = await shelf.write(given(pieces))
    snapshot = replace(BLANK, snapshot_id=snapshot_id, chunks=chunks, offset=offset)
    await shelf.keep(snapshot)
    return snapshot


def chunks(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(state_snapshot_chunks)) or 0


@pytest.mark.parametrize(
    "pieces", [[], [b""], [b"", b"x" * 300, b""], [bytes(3 << 20)] * 3, [b"y" * 100] * 1_000]
)
async def test_pieces_come_back_as_they_were(engine: Engine, pieces: list[bytes]) -> None:
    shelf = SnapshotShelf(engine, ManualClock())
    kept = await put(shelf, pieces)
    found = await shelf.find("s", "t", 0)
    assert found == kept
    assert [piece async for piece in shelf.pieces(kept)] == pieces


async def test_what_is_replaced_leaves_nothing(engine: Engine) -> None:
    shelf = SnapshotShelf(engine, ManualClock())
    pieces = [bytes(3 << 20)] * 5
    first = await put(shelf, pieces)
    assert chunks(engine) == 3
    await put(shelf, pieces[:1], offset=2)
    assert chunks(engine) == 1
    with pytest.raises(UnreadableSnapshot):
        _ = [piece async for piece in shelf.pieces(first)]


async def test_one_that_is_broken_off_leaves_nothing(engine: Engine) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(5 << 20)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await SnapshotShelf(engine, ManualClock()).write(broken())
    assert chunks(engine) == 0


async def test_what_a_crash_left_is_swept_once_an_hour(engine: Engine) -> None:
    clock = ManualClock(10**12)
    shelf = SnapshotShelf(engine, clock)
    await shelf.write(given([b"left over"]))
    await put(shelf, [b"kept"])
    assert chunks(engine) == 2
    clock.advance(LEFT_OVER_AFTER_MS / 1_000 + 1)
    await put(shelf, [b"kept"], offset=2)
    assert chunks(engine) == 1


async def test_a_snapshot_has_a_bound(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 10)
    monkeypatch.setattr(module, "MAX_CHUNKS", 3)
    shelf = SnapshotShelf(engine, ManualClock())
    with pytest.raises(UnreadableSnapshot):
        await shelf.write(given([b"0123456789"] * 3))
    assert chunks(engine) == 0


async def test_a_codec_of_another_doorstaff_is_not_read(engine: Engine) -> None:
    shelf = SnapshotShelf(engine, ManualClock())
    await shelf.keep(replace(BLANK, snapshot_id="x", codec="zstd"))
    assert await shelf.find("s", "t", 0) is None
