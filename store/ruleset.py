"""Published rulesets, as they were written: the newest is live, the others are its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from contracts.event import from_epoch_ms
from store.errors import VersionTaken
from store.schema import rulesets
from store.upsert import insert


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRuleset:
    """One publication.

    Attributes:
        text: The YAML, comments and all.
    """

    version: str
    text: str
    published_at: datetime
    published_by: str
    note: str


def publish_ruleset(
    connection: Connection,
    *,
    version: str,
    text: str,
    published_by: str,
    now_ms: int,
    note: str = "",
) -> bool:
    """Make a ruleset the live one, in the caller's transaction.

    The same text under the same version a second time changes nothing.

    Args:
        connection: In a transaction.
        version: The version that ``text`` states.
        text: The YAML, which the caller has checked.
        published_by: Who did it.
        now_ms: When.
        note: Why.

    Returns:
        Whether it was published just now.

    Raises:
        VersionTaken: Another text has this version. A version, once published, means one thing:
            verdicts and alerts name it.
    """
    published = connection.execute(
        insert(connection, rulesets)
        .values(
            version=version,
            published_at_ms=now_ms,
            published_by=published_by,
            note=note,
            body=text,
        )
        .on_conflict_do_nothing()
        .returning(rulesets.c.id)
    )
    if published.first() is not None:
        return True
    if connection.scalar(select(rulesets.c.body).where(rulesets.c.version == version)) != text:
        raise VersionTaken(version)
    return False


def live_ruleset(connection: Connection) -> PublishedRuleset | None:
    """The ruleset that was published last; None where none was."""
    row = connection.execute(select(rulesets).order_by(rulesets.c.id.desc()).limit(1)).first()
    return None if row is None else _published(row)


def ruleset_history(connection: Connection, *, limit: int = 100) -> tuple[PublishedRuleset, ...]:
    """What was published, newest first."""
    rows = connection.execute(select(rulesets).order_by(rulesets.c.id.desc()).limit(limit))
    return tuple(_published(row) for row in rows)


def _published(row: Row[Any]) -> PublishedRuleset:
    return PublishedRuleset(
        version=row.version,
        text=row.body,
        published_at=from_epoch_ms(row.published_at_ms),
        published_by=row.published_by,
        note=row.note,
    )
