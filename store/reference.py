"""References and the fingerprints of past uploads, in SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.ids import ReferenceId
from store.revision import revise, revision_of
from store.schema import (
    reference_digests,
    reference_fingerprints,
    references,
)


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


class ReferenceStore:
    """Queries over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """What it asks: for others that ask the same database."""
        return self._engine

    def revision(self) -> int:
        """A number that rises with each change of the references and of what bears on them."""
        with self._engine.connect() as connection:
            return revision_of(connection)

    def add(
        self,
        record: ReferenceRecord,
        fingerprints: dict[str, bytes],
        *,
        digests: Collection[str] = (),
    ) -> bool:
        """Keep a reference with its packed fingerprints by algorithm, and files that show it.

        Args:
            record: The reference.
            fingerprints: Packed frames by algorithm; none for a work known by its files alone.
            digests: As ``md5:HEX``.

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
                for digest in sorted(set(digests)):
                    connection.execute(
                        insert(reference_digests).values(
                            digest=digest, reference_id=record.reference_id
                        )
                    )
                revise(connection)
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

    def fingerprint(self, reference_id: ReferenceId, algorithm: str) -> bytes | None:
        """The packed frames of one reference."""
        query = select(reference_fingerprints.c.frames).where(
            reference_fingerprints.c.reference_id == reference_id,
            reference_fingerprints.c.algorithm == algorithm,
        )
        with self._engine.connect() as connection:
            frames: bytes | None = connection.execute(query).scalar()
        return frames

    def with_algorithm(self, algorithm: str) -> set[ReferenceId]:
        """References that have frames by this algorithm."""
        query = select(reference_fingerprints.c.reference_id).where(
            reference_fingerprints.c.algorithm == algorithm
        )
        with self._engine.connect() as connection:
            return set(map(ReferenceId, connection.scalars(query)))

    def set_enabled(self, reference_id: ReferenceId, *, enabled: bool, at_ms: int) -> bool:
        """Enable or disable; False if there is no such reference."""
        with self._engine.begin() as connection:
            return touch(connection, reference_id, at_ms=at_ms, enabled=int(enabled))

    def remove(self, reference_id: ReferenceId) -> bool:
        """Remove a reference and all that is known of it; False if there is no such reference."""
        with self._engine.begin() as connection:
            revise(connection)
            statement = delete(references).where(references.c.reference_id == reference_id)
            return connection.execute(statement).rowcount > 0

    def digests(self) -> dict[str, tuple[ReferenceId, ...]]:
        """Files that show a work that is enabled, as ``md5:HEX``, with the works."""
        query = (
            select(reference_digests.c.digest, reference_digests.c.reference_id)
            .join(references, references.c.reference_id == reference_digests.c.reference_id)
            .where(references.c.enabled == 1)
            .order_by(reference_digests.c.reference_id)
        )
        found: dict[str, tuple[ReferenceId, ...]] = {}
        with self._engine.connect() as connection:
            for digest, reference_id in connection.execute(query):
                found[digest] = (*found.get(digest, ()), ReferenceId(reference_id))
        return found

    def digests_of(self, reference_id: ReferenceId) -> tuple[str, ...]:
        """Files that show this work, as ``md5:HEX``."""
        query = select(reference_digests.c.digest).where(
            reference_digests.c.reference_id == reference_id
        )
        with self._engine.connect() as connection:
            return tuple(connection.scalars(query.order_by(reference_digests.c.digest)))


def touch(connection: Connection, reference_id: ReferenceId, *, at_ms: int, **changed: int) -> bool:
    """Let workers take a reference over anew; False if there is no such reference."""
    # Two changes within a millisecond are still two.
    latest = func.max if connection.dialect.name == "sqlite" else func.greatest
    statement = (
        update(references)
        .where(references.c.reference_id == reference_id)
        .values(changed_at_ms=latest(references.c.changed_at_ms + 1, at_ms), **changed)
    )
    revise(connection)
    return connection.execute(statement).rowcount > 0


def _row(record: ReferenceRecord) -> dict[str, object]:
    return {**asdict(record), "enabled": int(record.enabled)}


def _record(row: RowMapping) -> ReferenceRecord:
    return ReferenceRecord(**{**row, "enabled": bool(row["enabled"])})
