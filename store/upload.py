"""Fingerprints of past uploads: what a new reference is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, select, tuple_

from contracts.ids import AccountId, EventId, UploadId
from store.schema import upload_fingerprints, upload_stills
from store.upsert import insert

PAGE_UPLOADS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadFingerprintRecord:
    """What is kept of a past upload, so that a later reference can be matched against it."""

    upload_id: UploadId
    account_id: AccountId
    event_id: EventId
    occurred_at_ms: int
    duration_s: float
    algorithm: str
    frames: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadStills:
    """What is searched of a past upload first: ``rows`` hashes of 32 bytes."""

    upload_id: UploadId
    occurred_at_ms: int
    rows: int
    hashes: bytes


class UploadStore:
    """Queries over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, record: UploadFingerprintRecord, stills: UploadStills | None = None) -> None:
        """Keep the fingerprint of an upload, in place of an earlier one of the same upload."""
        with self._engine.begin() as connection:
            _replace(connection, upload_fingerprints, record, key=("upload_id", "algorithm"))
            if stills is not None:
                _replace(connection, upload_stills, stills, key=("upload_id",))

    def get(self, upload_id: UploadId, algorithm: str) -> UploadFingerprintRecord | None:
        """The whole fingerprint of one upload."""
        query = select(upload_fingerprints).where(
            upload_fingerprints.c.upload_id == upload_id,
            upload_fingerprints.c.algorithm == algorithm,
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else UploadFingerprintRecord(**row)

    def count(self, *, from_ms: int, to_ms: int) -> int:
        """Uploads made from a time on and before another that can be searched."""
        query = select(func.count()).where(_between(from_ms, to_ms))
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def stills(self, *, from_ms: int, to_ms: int) -> Iterator[list[UploadStills]]:
        """What is searched of uploads in a stretch of time, the oldest first, page by page."""
        order = (upload_stills.c.occurred_at_ms, upload_stills.c.upload_id)
        after = (from_ms, "")
        while True:
            query = (
                select(upload_stills)
                .where(_between(from_ms, to_ms), tuple_(*order) > after)
                .order_by(*order)
                .limit(PAGE_UPLOADS)
            )
            with self._engine.connect() as connection:
                page = [UploadStills(**row) for row in connection.execute(query).mappings()]
            if not page:
                return
            yield page
            after = (page[-1].occurred_at_ms, page[-1].upload_id)


def prune_uploads(connection: Connection, *, before_ms: int) -> int:
    """Forget the fingerprints of uploads that were made before a time.

    Returns:
        How many.
    """
    connection.execute(delete(upload_stills).where(upload_stills.c.occurred_at_ms < before_ms))
    pruned = connection.execute(
        delete(upload_fingerprints).where(upload_fingerprints.c.occurred_at_ms < before_ms)
    )
    return pruned.rowcount


def _between(from_ms: int, to_ms: int) -> ColumnElement[bool]:
    return upload_stills.c.occurred_at_ms.between(from_ms, to_ms - 1)


def _replace(
    connection: Connection,
    table: Table,
    record: UploadFingerprintRecord | UploadStills,
    *,
    key: tuple[str, ...],
) -> None:
    row = asdict(record)
    names = {field.name for field in fields(record)} - set(key)
    connection.execute(
        insert(connection, table)
        .values(row)
        .on_conflict_do_update(index_elements=key, set_={name: row[name] for name in names})
    )
