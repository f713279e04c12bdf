"""Snapshots of the stages' state: written chunk by chunk, taken as the newest all at once.

A snapshot of tens of megabytes must not keep other writers of a SQLite file waiting. So each chunk
is a transaction of its own; ``keep_snapshot``, which touches one small row, makes the whole of it
the newest. Chunks of a snapshot that was never finished, or that was replaced, are swept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, select

from store.schema import state_snapshot_chunks, state_snapshots
from store.upsert import insert

LEFT_OVER_AFTER_MS = 3_600_000
"""Chunks that belong to no snapshot are those of one in the making, for so long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The state of one stage, of one partition, as the fold of all records before ``offset``.

    Attributes:
        snapshot_id: Names its chunks.
        basis: Hash of what the state depends on besides the records.
        offset: All that the records before it led to is durable.
        last_at_ms: When the record before ``offset`` was sent.
        last_digest: CRC-32 of that record: tells another topic of the same name.
        chunks: How many it has.
        codec: How they are compressed.
    """

    stage: str
    topic: str
    partition: int
    snapshot_id: str
    basis: str
    offset: int
    last_at_ms: int
    last_digest: int
    chunks: int
    codec: str
    created_at_ms: int


def write_chunk(
    connection: Connection, snapshot_id: str, number: int, body: bytes, *, now_ms: int
) -> None:
    """Put down one chunk of a snapshot in the making, counted from 0."""
    connection.execute(
        state_snapshot_chunks.insert().values(
            snapshot_id=snapshot_id, number=number, written_at_ms=now_ms, body=body
        )
    )


def keep_snapshot(connection: Connection, snapshot: Snapshot) -> tuple[bool, str | None]:
    """Make a snapshot whose chunks are all written the newest, unless there is a further one.

    The worker that had a partition before may be late with its own: the further one stays.

    Returns:
        Whether it is the newest now, and the id of the one whose chunks are of no use any more.
    """
    at = (state_snapshots.c.stage, state_snapshots.c.topic, state_snapshots.c.partition)
    where = (
        at[0] == snapshot.stage,
        at[1] == snapshot.topic,
        at[2] == snapshot.partition,
    )
    before = connection.scalar(select(state_snapshots.c.snapshot_id).where(*where))
    values = asdict(snapshot)
    statement = insert(connection, state_snapshots).values(values)
    kept = connection.execute(
        statement.on_conflict_do_update(
            index_elements=at,
            set_=values,
            where=state_snapshots.c.offset <= snapshot.offset,
        ).returning(state_snapshots.c.snapshot_id)
    )
    if kept.first() is None:
        return False, snapshot.snapshot_id
    return True, before


def find_snapshot(
    connection: Connection, *, stage: str, topic: str, partition: int
) -> Snapshot | None:
    """The newest snapshot of a stage's partition."""
    row = connection.execute(
        select(state_snapshots).where(
            state_snapshots.c.stage == stage,
            state_snapshots.c.topic == topic,
            state_snapshots.c.partition == partition,
        )
    ).first()
    return None if row is None else Snapshot(**row._mapping)


def read_chunk(connection: Connection, snapshot_id: str, number: int) -> bytes | None:
    """One chunk; None where the snapshot was replaced meanwhile."""
    body = connection.scalar(
        select(state_snapshot_chunks.c.body).where(
            state_snapshot_chunks.c.snapshot_id == snapshot_id,
            state_snapshot_chunks.c.number == number,
        )
    )
    return None if body is None else bytes(body)


def drop_snapshot(connection: Connection, snapshot: Snapshot) -> bool:
    """Forget this very snapshot; a newer one stays.

    Returns:
        Whether it was there.
    """
    dropped = connection.execute(
        delete(state_snapshots).where(
            state_snapshots.c.stage == snapshot.stage,
            state_snapshots.c.topic == snapshot.topic,
            state_snapshots.c.partition == snapshot.partition,
            state_snapshots.c.snapshot_id == snapshot.snapshot_id,
        )
    )
    return bool(dropped.rowcount)


def delete_chunk(connection: Connection, snapshot_id: str) -> bool:
    """Delete the last chunk of a snapshot that is of no use any more: one a transaction.

    Returns:
        Whether there was one.
    """
    number = (
        select(func.max(state_snapshot_chunks.c.number))
        .where(state_snapshot_chunks.c.snapshot_id == snapshot_id)
        .scalar_subquery()
    )
    deleted = connection.execute(
        delete(state_snapshot_chunks).where(
            state_snapshot_chunks.c.snapshot_id == snapshot_id,
            state_snapshot_chunks.c.number == number,
        )
    )
    return bool(deleted.rowcount)


def left_over(connection: Connection, *, now_ms: int) -> tuple[str, ...]:
    """Ids of snapshots that were begun long ago and are nobody's newest."""
    found = connection.scalars(
        select(state_snapshot_chunks.c.snapshot_id)
        .distinct()
        .where(
            state_snapshot_chunks.c.written_at_ms < now_ms - LEFT_OVER_AFTER_MS,
            state_snapshot_chunks.c.snapshot_id.not_in(select(state_snapshots.c.snapshot_id)),
        )
    )
    return tuple(found)
