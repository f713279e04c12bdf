"""One schema, however many processes bring the database to it."""

from __future__ import annotations

import multiprocessing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from store.database import open_database
from store.errors import NewerSchema
from store.migration import current, head, migrate
from store.schema import metadata


def test_the_migrated_schema_is_the_declared_one(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_a_second_call_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        assert current(connection) == head()


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as processes:
        assert processes.map(_migrate, [database_url] * 4) == [head()] * 4


def test_a_newer_schema_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchema, match="schema 9999, newer than"):
        migrate(engine)


def _migrate(url: str) -> str | None:
    engine = open_database(url)
    migrate(engine)
    with engine.connect() as connection:
        found = current(connection)
    engine.dispose()
    return found
