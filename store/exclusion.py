"""What is no evidence, in SQL: seconds of references, and pictures that many works share."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, Table, delete, insert, select

from contracts.ids import ReferenceId
from store.reference import touch
from store.revision import revise
from store.schema import excluded_intervals, negatives


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRecord:
    """Seconds of a reference that are no evidence, and why."""

    id: int
    reference_id: ReferenceId
    start_s: float
    end_s: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NegativeRecord:
    """Pictures that are no evidence of one reference or, without one, of any.

    Attributes:
        frames: A packed fingerprint.
    """

    id: int
    reference_id: ReferenceId | None
    title: str
    algorithm: str
    frames: bytes
    added_at_ms: int


class ExclusionStore:
    """Queries over one engine. Workers see a change within a second."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_interval(
        self, reference_id: ReferenceId, *, start_s: float, end_s: float, reason: str, at_ms: int
    ) -> int | None:
        """Exclude seconds of a reference; their number, or None if there is no such reference."""
        with self._engine.begin() as connection:
            if not touch(connection, reference_id, at_ms=at_ms):
                return None
            inserted = connection.execute(
                insert(excluded_intervals).values(
                    reference_id=reference_id, start_s=start_s, end_s=end_s, reason=reason
                )
            )
            (number,) = inserted.inserted_primary_key or (None,)
        return number

    def remove_interval(self, number: int, *, at_ms: int) -> bool:
        """Let seconds count again; False if there is no such number."""
        return self._remove(excluded_intervals, number, at_ms=at_ms)

    def intervals(self) -> tuple[IntervalRecord, ...]:
        """All of them, by reference and time."""
        query = select(excluded_intervals).order_by(
            excluded_intervals.c.reference_id, excluded_intervals.c.start_s
        )
        with self._engine.connect() as connection:
            return tuple(IntervalRecord(**row) for row in connection.execute(query).mappings())

    def add_negative(
        self,
        *,
        reference_id: ReferenceId | None,
        title: str,
        algorithm: str,
        frames: bytes,
        at_ms: int,
    ) -> int | None:
        """Keep pictures that are no evidence; their number, or None without such a reference."""
        statement = insert(negatives).values(
            reference_id=reference_id,
            title=title,
            algorithm=algorithm,
            frames=frames,
            added_at_ms=at_ms,
        )
        with self._engine.begin() as connection:
            if reference_id is None:
                revise(connection)
            elif not touch(connection, reference_id, at_ms=at_ms):
                return None
            (number,) = connection.execute(statement).inserted_primary_key or (None,)
        return number

    def remove_negative(self, number: int, *, at_ms: int) -> bool:
        """Forget such pictures; False if there is no such number."""
        return self._remove(negatives, number, at_ms=at_ms)

    def negatives(self) -> tuple[NegativeRecord, ...]:
        """All of them, in the order they were added."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(negatives).order_by(negatives.c.id)).mappings()
            return tuple(NegativeRecord(**row) for row in rows)

    def _remove(self, table: Table, number: int, *, at_ms: int) -> bool:
        statement = delete(table).where(table.c.id == number).returning(table.c.reference_id)
        with self._engine.begin() as connection:
            row = connection.execute(statement).first()
            if row is not None and row.reference_id is not None:
                touch(connection, ReferenceId(row.reference_id), at_ms=at_ms)
            revise(connection)
        return row is not None
