"""References and the fingerprints of past uploads, in SQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.ids import AccountId, EventId, ReferenceId, UploadId
from store import upsert
from store.schema import reference_fingerprints, references, upload_fingerprints


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceRecord:
    """A work known to be pirated.

    Attributes:
        sha256: Of the file it was made from, in hex.
        source: Where that file came from: its name, not its path.
        changed_at_ms: When it was added, enabled or disabled last.
    """

    reference_id: ReferenceId
    title: str
    enabled: bool
    duration_s: float
    sha256: str
    source: str
    added_at_ms: int
    changed_at_ms: int


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


class ReferenceStore:
    """Queries over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, record: ReferenceRecord, fingerprints: dict[str, bytes]) -> bool:
        """Keep a reference with its packed fingerprints by algorithm.

        Returns:
            False, and keeps nothing, if the id is taken.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(references).values(**_row(record)))
                for algorithm, frames in fingerprints.items():
                    connection.execute(
                        insert(reference_fingerprints).values(
                            reference_id=record.reference_id, algorithm=algorithm, frames=frames
                        )
                    )
        except IntegrityError:
            if self.get(record.reference_id) is None:
                raise
            return False
        return True

    def get(self, reference_id: ReferenceId) -> ReferenceRecord | None:
        """Find one reference."""
        query = select(references).where(references.c.reference_id == reference_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return _record(row) if row is not None else None

    def all(self) -> tuple[ReferenceRecord, ...]:
        """All references, in the order they were added."""
        query = select(references).order_by(references.c.added_at_ms, references.c.reference_id)
        with self._engine.connect() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def states(self) -> dict[ReferenceId, tuple[str, int]]:
        """The file and the time of the last change of each enabled reference.

        What a worker compares with what it holds: a few bytes a reference, no fingerprints.
        """
        query = select(
            references.c.reference_id, references.c.sha256, references.c.changed_at_ms
        ).where(references.c.enabled == 1)
        with self._engine.connect() as connection:
            return {
                ReferenceId(row.reference_id): (row.sha256, row.changed_at_ms)
                for row in connection.execute(query)
            }

    def fingerprint(self, reference_id: ReferenceId, algorithm: str) -> bytes | None:
        """The packed frames of one reference."""
        query = select(reference_fingerprints.c.frames).where(
            reference_fingerprints.c.reference_id == reference_id,
            reference_fingerprints.c.algorithm == algorithm,
        )
        with self._engine.connect() as connection:
            frames: bytes | None = connection.execute(query).scalar()
        return frames

    def set_enabled(self, reference_id: ReferenceId, *, enabled: bool, at_ms: int) -> bool:
        """Enable or disable; False if there is no such reference."""
        # Two changes within a millisecond are still two.
        changed = func.max if self._engine.dialect.name == "sqlite" else func.greatest
        statement = (
            update(references)
            .where(references.c.reference_id == reference_id)
            .values(
                enabled=int(enabled), changed_at_ms=changed(references.c.changed_at_ms + 1, at_ms)
            )
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0

    def remove(self, reference_id: ReferenceId) -> bool:
        """Remove a reference and its fingerprints; False if there is no such reference."""
        with self._engine.begin() as connection:
            connection.execute(
                delete(reference_fingerprints).where(
                    reference_fingerprints.c.reference_id == reference_id
                )
            )
            statement = delete(references).where(references.c.reference_id == reference_id)
            return connection.execute(statement).rowcount > 0

    def keep_upload(self, record: UploadFingerprintRecord) -> None:
        """Keep the fingerprint of an upload, in place of an earlier one of the same upload."""
        row = asdict(record)
        key = ["upload_id", "algorithm"]
        with self._engine.begin() as connection:
            connection.execute(
                upsert.insert(connection, upload_fingerprints)
                .values(row)
                .on_conflict_do_update(
                    index_elements=key,
                    set_={name: value for name, value in row.items() if name not in key},
                )
            )


def prune_uploads(connection: Connection, *, before_ms: int) -> int:
    """Forget the fingerprints of uploads that were made before a time.

    Returns:
        How many.
    """
    pruned = connection.execute(
        delete(upload_fingerprints).where(upload_fingerprints.c.occurred_at_ms < before_ms)
    )
    return pruned.rowcount


def _row(record: ReferenceRecord) -> dict[str, object]:
    return {**asdict(record), "enabled": int(record.enabled)}


def _record(row: RowMapping) -> ReferenceRecord:
    return ReferenceRecord(**{**row, "enabled": bool(row["enabled"])})
