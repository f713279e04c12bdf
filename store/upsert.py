"""``INSERT … ON CONFLICT``, which SQLite and PostgreSQL spell alike and SQLAlchemy does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert


def insert(connection: Connection, table: Table) -> Insert:
    """An insert that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return insert_into(table, connection.dialect.name)


def insert_into(table: Table, dialect: str) -> Insert:
    """The same for statements that are kept: building one costs more than running it."""
    if dialect == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value] # the same two methods
    return sqlite.insert(table)
