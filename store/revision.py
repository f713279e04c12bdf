"""One number that tells whether anything changed of what uploads are held against."""

from __future__ import annotations

from sqlalchemy import Connection, select

from store.schema import library_revision
from store.upsert import insert

_THE_ONE = 1


def revise(connection: Connection) -> None:
    """Raise the number, in the transaction of the change."""
    statement = insert(connection, library_revision).values(id=_THE_ONE, revision=1)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"revision": library_revision.c.revision + 1}
        )
    )


def revision_of(connection: Connection) -> int:
    """The number as it stands; 0 before the first change."""
    return int(connection.scalar(select(library_revision.c.revision)) or 0)
