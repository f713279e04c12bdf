"""What detectors know beside the ruleset, where it is newer than what ships: lists and the model.

Each is kept as the text of its file, under the list's name or ``TEXT_MODEL``; a newer one takes the
place of the older.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from contracts.event import from_epoch_ms
from store.schema import knowledge
from store.upsert import insert

TEXT_MODEL = "text_model"
"""The name of the learned text model; no list is called so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownText:
    """One text.

    Attributes:
        body: As its file had it.
    """

    name: str
    body: str
    updated_at: datetime
    updated_by: str


def keep_knowledge(
    connection: Connection, *, name: str, body: str, now_ms: int, updated_by: str
) -> None:
    """Put a text in the place of the one of that name, in the caller's transaction.

    Args:
        connection: In a transaction.
        name: What it is.
        body: The text, which the caller has checked.
        now_ms: When.
        updated_by: Who did it.
    """
    statement = insert(connection, knowledge).values(
        name=name, body=body, updated_at_ms=now_ms, updated_by=updated_by
    )
    newer = {
        column: statement.excluded[column] for column in ("body", "updated_at_ms", "updated_by")
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=newer))


def forget_knowledge(connection: Connection, *, name: str) -> bool:
    """Go back to what ships, in the caller's transaction.

    Returns:
        Whether there was anything else.
    """
    gone = connection.execute(delete(knowledge).where(knowledge.c.name == name))
    return gone.rowcount > 0


def all_knowledge(connection: Connection) -> tuple[KnownText, ...]:
    """Every text that is kept, by name."""
    rows = connection.execute(select(knowledge).order_by(knowledge.c.name))
    return tuple(
        KnownText(
            name=row.name,
            body=row.body,
            updated_at=from_epoch_ms(row.updated_at_ms),
            updated_by=row.updated_by,
        )
        for row in rows
    )
