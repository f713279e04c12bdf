"""New references that past uploads are to be held against, in SQL, leased to workers one by one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select, update

from contracts.ids import ReferenceId
from store.schema import retroactive_jobs
from store.upsert import insert

STATES = ("due", "done", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class RetroactiveJob:
    """One reference, and a stretch of time.

    Attributes:
        state: ``due`` until it is ``done``, ``failed`` or ``cancelled``.
        from_ms: Uploads made from this time on,
        to_ms: and before this one.
        at_ms: Those made before this time are done.
        uploads_done: How many that were.
        uploads_found: How many of them show the reference.
        lease: Whose hands it is in, while the lease runs.
        attempts: How often it was begun, or begun again, since it last got on.
    """

    reference_id: ReferenceId
    state: str
    requested_at_ms: int
    from_ms: int
    to_ms: int
    at_ms: int
    uploads_done: int
    uploads_found: int
    leased_until_ms: int
    lease: str
    attempts: int
    finished_at_ms: int | None
    last_error: str


class RetroactiveStore:
    """Queries over one engine. A job whose worker dies goes on where it was."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def request(self, reference_id: ReferenceId, *, from_ms: int, to_ms: int) -> None:
        """Put a reference on the list, or on it again from the start."""
        row = {
            "state": "due",
            "requested_at_ms": to_ms,
            "from_ms": from_ms,
            "to_ms": to_ms,
            "at_ms": from_ms,
            "uploads_done": 0,
            "uploads_found": 0,
            "leased_until_ms": 0,
            "lease": "",
            "attempts": 0,
            "finished_at_ms": None,
            "last_error": "",
        }
        with self._engine.begin() as connection:
            connection.execute(
                insert(connection, retroactive_jobs)
                .values(reference_id=reference_id, **row)
                .on_conflict_do_update(index_elements=["reference_id"], set_=row)
            )

    def claim(
        self, *, lease: str, now_ms: int, lease_ms: int, waited_ms: int = 0
    ) -> RetroactiveJob | None:
        """Take the oldest job that nobody works on and that was asked for ``waited_ms`` ago."""
        free = (
            retroactive_jobs.c.state == "due",
            retroactive_jobs.c.leased_until_ms <= now_ms,
            retroactive_jobs.c.requested_at_ms <= now_ms - waited_ms,
        )
        oldest = (
            select(retroactive_jobs.c.reference_id)
            .where(*free)
            .order_by(retroactive_jobs.c.requested_at_ms, retroactive_jobs.c.reference_id)
            .limit(1)
        )
        with self._engine.begin() as connection:
            reference_id = connection.scalar(oldest)
            if reference_id is None:
                return None
            taken = connection.execute(
                update(retroactive_jobs)
                .where(retroactive_jobs.c.reference_id == reference_id, *free)
                .values(
                    lease=lease,
                    leased_until_ms=now_ms + lease_ms,
                    attempts=retroactive_jobs.c.attempts + 1,
                )
                .returning(*retroactive_jobs.c)
            )
            row = taken.mappings().first()
        return None if row is None else RetroactiveJob(**row)

    def advance(
        self, job: RetroactiveJob, *, at_ms: int, done: int, found: int, leased_until_ms: int
    ) -> bool:
        """Say how far a job has come, which is no failed attempt; False if it is not ours."""
        return self._change(
            job,
            at_ms=at_ms,
            uploads_done=retroactive_jobs.c.uploads_done + done,
            uploads_found=retroactive_jobs.c.uploads_found + found,
            attempts=0,
            leased_until_ms=leased_until_ms,
        )

    def finish(self, job: RetroactiveJob, *, state: str, now_ms: int, error: str = "") -> bool:
        """Say what came of a job; False if it is not ours any more."""
        return self._change(
            job, state=state, finished_at_ms=now_ms, last_error=error, lease="", leased_until_ms=0
        )

    def give_back(self, job: RetroactiveJob, *, until_ms: int, error: str = "") -> bool:
        """Let it be taken again from a time on; False if it is not ours any more."""
        return self._change(job, lease="", leased_until_ms=until_ms, last_error=error)

    def cancel(self, reference_id: ReferenceId, *, now_ms: int) -> bool:
        """Take a reference off the list; False if it is not on it."""
        statement = (
            update(retroactive_jobs)
            .where(
                retroactive_jobs.c.reference_id == reference_id,
                retroactive_jobs.c.state == "due",
            )
            .values(state="cancelled", finished_at_ms=now_ms, lease="", leased_until_ms=0)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0

    def all(self) -> tuple[RetroactiveJob, ...]:
        """All of them, the last asked for first."""
        query = select(retroactive_jobs).order_by(
            retroactive_jobs.c.requested_at_ms.desc(), retroactive_jobs.c.reference_id
        )
        with self._engine.connect() as connection:
            return tuple(RetroactiveJob(**row) for row in connection.execute(query).mappings())

    def _change(self, job: RetroactiveJob, **values: object) -> bool:
        statement = (
            update(retroactive_jobs)
            .where(
                retroactive_jobs.c.reference_id == job.reference_id,
                retroactive_jobs.c.requested_at_ms == job.requested_at_ms,
                retroactive_jobs.c.state == "due",
                retroactive_jobs.c.lease == job.lease,
            )
            .values(**values)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0
