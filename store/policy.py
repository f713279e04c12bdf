"""Match policies and disputes, in SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, insert, select, update

from contracts.ids import ReferenceId, UploadId
from contracts.match_policy import Dispute, DisputeOutcome, MatchPolicy
from contracts.wire import decode, encode
from store import upsert
from store.revision import revise
from store.schema import disputes, match_policies, references


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRecord:
    """A policy, and who set it."""

    reference_id: ReferenceId
    policy: MatchPolicy
    changed_at_ms: int
    changed_by: str


class PolicyStore:
    """Queries over one engine. Workers see a change within a second."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def set(self, record: PolicyRecord) -> bool:
        """Keep a policy in place of the one before; False if there is no such reference."""
        row = {
            "body": encode(record.policy).decode(),
            "changed_at_ms": record.changed_at_ms,
            "changed_by": record.changed_by,
        }
        known = select(references.c.reference_id).where(
            references.c.reference_id == record.reference_id
        )
        with self._engine.begin() as connection:
            if connection.scalar(known) is None:
                return False
            connection.execute(
                upsert.insert(connection, match_policies)
                .values(reference_id=record.reference_id, **row)
                .on_conflict_do_update(index_elements=["reference_id"], set_=row)
            )
            revise(connection)
        return True

    def all(self) -> dict[ReferenceId, PolicyRecord]:
        """Every policy that was set."""
        with self._engine.connect() as connection:
            return {
                ReferenceId(row.reference_id): PolicyRecord(
                    reference_id=ReferenceId(row.reference_id),
                    policy=decode(row.body, MatchPolicy),
                    changed_at_ms=row.changed_at_ms,
                    changed_by=row.changed_by,
                )
                for row in connection.execute(select(match_policies))
            }

    def open_dispute(
        self,
        reference_id: ReferenceId,
        *,
        upload_id: UploadId,
        opened_by: str,
        reason: str,
        at_ms: int,
    ) -> int | None:
        """Record an objection; its number, or None if there is no such reference."""
        known = select(references.c.reference_id).where(references.c.reference_id == reference_id)
        with self._engine.begin() as connection:
            if connection.scalar(known) is None:
                return None
            inserted = connection.execute(
                insert(disputes).values(
                    reference_id=reference_id,
                    upload_id=upload_id,
                    opened_at_ms=at_ms,
                    opened_by=opened_by,
                    reason=reason,
                )
            )
            revise(connection)
            (number,) = inserted.inserted_primary_key or (None,)
        return number

    def close_dispute(
        self, number: int, *, outcome: DisputeOutcome, closed_by: str, note: str, at_ms: int
    ) -> bool:
        """Record what came of an objection; False if it is not open."""
        statement = (
            update(disputes)
            .where(disputes.c.id == number, disputes.c.outcome == "open")
            .values(outcome=outcome, closed_by=closed_by, closed_at_ms=at_ms, note=note)
        )
        with self._engine.begin() as connection:
            revise(connection)
            return connection.execute(statement).rowcount > 0

    def disputes(
        self, reference_id: ReferenceId | None = None, *, outcome: DisputeOutcome | None = None
    ) -> tuple[Dispute, ...]:
        """Objections, the first ones first: all, or those to one reference, or of one outcome."""
        query = select(disputes).order_by(disputes.c.id)
        if reference_id is not None:
            query = query.where(disputes.c.reference_id == reference_id)
        if outcome is not None:
            query = query.where(disputes.c.outcome == outcome)
        with self._engine.connect() as connection:
            return tuple(Dispute(**row) for row in connection.execute(query).mappings())
