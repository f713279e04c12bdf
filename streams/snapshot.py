"""Snapshots on their way to SQL and back: pieces packed into compressed chunks.

A chunk is a row, of pieces that each follow their own length. Compressing and SQL are done in
threads, which lets the event loop go on.
"""

from __future__ import annotations

import asyncio
import uuid
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from store.clock import Clock
from store.snapshot import (
    Snapshot,
    delete_chunk,
    drop_snapshot,
    find_snapshot,
    keep_snapshot,
    left_over,
    read_chunk,
    write_chunk,
)
from streams.errors import UnreadableSnapshot

log = structlog.get_logger(__name__)

CODEC = "zlib"
CHUNK_BYTES = 4 << 20
"""Pieces of so many bytes in all are compressed into one chunk."""
MAX_CHUNKS = 256
"""A state of more than a gigabyte is made anew from its topic."""
SWEEP_EVERY_MS = 3_600_000

_LEVEL = 1
"""Of zlib: 6 takes three times as long for a tenth less."""
_LENGTH_BYTES = 4


class SnapshotShelf:
    """Keeps the newest snapshot of each stage's partition."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._swept_ms = 0

    def now_ms(self) -> int:
        """Wall time."""
        return self._clock.now_ms()

    async def find(self, stage: str, topic: str, partition: int) -> Snapshot | None:
        """The newest snapshot, if it is one that can be read.

        Raises:
            SQLAlchemyError: SQL is away. To go on without its snapshot would be to forget.
        """
        return await asyncio.to_thread(self._find, stage, topic, partition)

    async def write(self, pieces: AsyncIterable[bytes]) -> tuple[str, int, int]:
        """Write a snapshot's chunks, without making it the newest.

        Returns:
            Its id, the number of its chunks, and their bytes as they lie in SQL.

        Raises:
            UnreadableSnapshot: It would have more than ``MAX_CHUNKS``.
            SQLAlchemyError: SQL is away, or its disk is full.
        """
        snapshot_id = uuid.uuid4().hex
        number = stored = 0
        chunk = bytearray()
        try:
            async for piece in pieces:
                chunk += len(piece).to_bytes(_LENGTH_BYTES, "big")
                chunk += piece
                if len(chunk) >= CHUNK_BYTES:
                    stored += await asyncio.to_thread(self._write, snapshot_id, number, chunk)
                    number, chunk = number + 1, bytearray()
                    if number >= MAX_CHUNKS:
                        msg = "larger than a snapshot may be"
                        raise UnreadableSnapshot(msg)
            if chunk:
                stored += await asyncio.to_thread(self._write, snapshot_id, number, chunk)
                number += 1
        except BaseException:
            await self.discard(snapshot_id)
            raise
        return snapshot_id, number, stored

    async def keep(self, snapshot: Snapshot) -> bool:
        """Make a written snapshot the newest; not if a further one stands.

        Raises:
            SQLAlchemyError: SQL is away.
        """
        kept, useless = await asyncio.to_thread(self._keep, snapshot)
        if useless is not None:
            await self.discard(useless)
        if self.now_ms() - self._swept_ms >= SWEEP_EVERY_MS:
            self._swept_ms = self.now_ms()
            for snapshot_id in await asyncio.to_thread(self._left_over):
                await self.discard(snapshot_id)
        return kept

    async def pieces(self, snapshot: Snapshot) -> AsyncGenerator[bytes, None]:
        """What a snapshot was written from, piece by piece.

        Raises:
            UnreadableSnapshot: It was replaced meanwhile, or is damaged.
            SQLAlchemyError: SQL is away.
        """
        for number in range(snapshot.chunks):
            for piece in _split(await asyncio.to_thread(self._read, snapshot, number)):
                yield piece

    async def drop(self, snapshot: Snapshot) -> None:
        """Forget a snapshot that is of no use."""
        await asyncio.to_thread(self._drop, snapshot)
        await self.discard(snapshot.snapshot_id)

    async def discard(self, snapshot_id: str) -> None:
        """Delete the chunks of a snapshot; what cannot be deleted now is swept later."""
        try:
            while await asyncio.to_thread(self._delete_chunk, snapshot_id):
                pass
        except SQLAlchemyError as error:
            log.warning("chunks of a snapshot not deleted", error=type(error).__name__)

    def _find(self, stage: str, topic: str, partition: int) -> Snapshot | None:
        with self._engine.connect() as connection:
            found = find_snapshot(connection, stage=stage, topic=topic, partition=partition)
        return found if found is not None and found.codec == CODEC else None

    def _write(self, snapshot_id: str, number: int, chunk: bytearray) -> int:
        body = zlib.compress(chunk, _LEVEL)
        with self._engine.begin() as connection:
            write_chunk(connection, snapshot_id, number, body, now_ms=self.now_ms())
        return len(body)

    def _keep(self, snapshot: Snapshot) -> tuple[bool, str | None]:
        with self._engine.begin() as connection:
            return keep_snapshot(connection, snapshot)

    def _read(self, snapshot: Snapshot, number: int) -> bytes:
        with self._engine.connect() as connection:
            body = read_chunk(connection, snapshot.snapshot_id, number)
        if body is None:
            msg = "a chunk is missing"
            raise UnreadableSnapshot(msg)
        try:
            return zlib.decompress(body)
        except zlib.error as error:
            raise UnreadableSnapshot(str(error)) from error

    def _drop(self, snapshot: Snapshot) -> None:
        with self._engine.begin() as connection:
            drop_snapshot(connection, snapshot)

    def _delete_chunk(self, snapshot_id: str) -> bool:
        with self._engine.begin() as connection:
            return delete_chunk(connection, snapshot_id)

    def _left_over(self) -> tuple[str, ...]:
        with self._engine.connect() as connection:
            return left_over(connection, now_ms=self.now_ms())


def _split(chunk: bytes) -> Iterator[bytes]:
    begin = 0
    while begin < len(chunk):
        end = begin + _LENGTH_BYTES
        length = int.from_bytes(chunk[begin:end], "big")
        begin = end + length
        yield chunk[end:begin]
