"""Fingerprints of past uploads: what a new reference is held against."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, fields

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, or_, select, tuple_

from contracts.ids import AccountId, EventId, UploadId
from store.schema import upload_files, upload_fingerprints, upload_stills
from store.upsert import insert

PAGE_UPLOADS = 2_000
DIGESTS_AT_ONCE = 5_000
"""SQLite takes 32,766 values in a statement."""


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
class UploadFileRecord:
    """The file of a past upload, by its digests in hex."""

    upload_id: UploadId
    account_id: AccountId
    event_id: EventId
    occurred_at_ms: int
    duration_s: float
    md5: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadStills:
    """What is searched of a past upload first.

    Attributes:
        rows: How many pictures it is.
        hashes: Their PDQs, 32 bytes each, then their pHashes, 8 bytes each; these are missing of
            uploads that an older version kept.
    """

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

    def keep_file(self, record: UploadFileRecord) -> None:
        """Keep the digests of an upload's file, in place of earlier ones of the same upload."""
        with self._engine.begin() as connection:
            _replace(connection, upload_files, record, key=("upload_id",))

    def files(
        self, digests: Collection[str], *, from_ms: int, to_ms: int
    ) -> tuple[UploadFileRecord, ...]:
        """Uploads made in a stretch of time whose file has one of these digests.

        ``digests`` are told as ``md5:HEX`` and ``sha256:HEX``.
        """
        kinds = {"md5": upload_files.c.md5, "sha256": upload_files.c.sha256}
        named = [digest.split(":", 1) for digest in sorted(digests)]
        found: dict[UploadId, UploadFileRecord] = {}
        with self._engine.connect() as connection:
            for at in range(0, len(named), DIGESTS_AT_ONCE):
                some = named[at : at + DIGESTS_AT_ONCE]
                query = select(upload_files).where(
                    upload_files.c.occurred_at_ms.between(from_ms, to_ms - 1),
                    or_(
                        *(
                            column.in_([value for name, value in some if name == kind])
                            for kind, column in kinds.items()
                        )
                    ),
                )
                for row in connection.execute(query).mappings():
                    found[row["upload_id"]] = UploadFileRecord(**row)
        return tuple(sorted(found.values(), key=lambda one: (one.occurred_at_ms, one.upload_id)))

    def packed(self, upload_ids: Collection[UploadId], algorithm: str) -> dict[UploadId, bytes]:
        """The packed fingerprints of several uploads, of those that have one."""
        query = select(upload_fingerprints.c.upload_id, upload_fingerprints.c.frames).where(
            upload_fingerprints.c.algorithm == algorithm,
            upload_fingerprints.c.upload_id.in_(upload_ids),
        )
        with self._engine.connect() as connection:
            return {UploadId(name): frames for name, frames in connection.execute(query)}

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
                select(
                    upload_stills.c.upload_id,
                    upload_stills.c.occurred_at_ms,
                    upload_stills.c.rows,
                    upload_stills.c.hashes,
                )
                .where(_between(from_ms, to_ms), tuple_(*order) > after)
                .order_by(*order)
                .limit(PAGE_UPLOADS)
            )
            with self._engine.connect() as connection:
                page = [
                    UploadStills(upload_id=name, occurred_at_ms=at_ms, rows=rows, hashes=hashes)
                    for name, at_ms, rows, hashes in connection.execute(query)
                ]
            if not page:
                return
            yield page
            after = (page[-1].occurred_at_ms, page[-1].upload_id)


def prune_uploads(connection: Connection, *, before_ms: int) -> int:
    """Forget the fingerprints of uploads that were made before a time.

    Returns:
        How many.
    """
    for table in (upload_stills, upload_files):
        connection.execute(delete(table).where(table.c.occurred_at_ms < before_ms))
    pruned = connection.execute(
        delete(upload_fingerprints).where(upload_fingerprints.c.occurred_at_ms < before_ms)
    )
    return pruned.rowcount


def _between(from_ms: int, to_ms: int) -> ColumnElement[bool]:
    return upload_stills.c.occurred_at_ms.between(from_ms, to_ms - 1)


def _replace(
    connection: Connection,
    table: Table,
    record: UploadFingerprintRecord | UploadStills | UploadFileRecord,
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
