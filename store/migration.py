"""Bring a database to the schema of this Doorstaff.

Every process may call ``migrate`` as it starts: one does the work, the others wait for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from store.errors import NewerSchema

MIGRATIONS = Path(__file__).parent / "migrations"

_ADVISORY_LOCK = 0x646F6F72  # "door": a number of our own among PostgreSQL's advisory locks


def migrate(engine: Engine) -> None:
    """Upgrade to the newest schema, in one transaction; at once where it is there already.

    Raises:
        NewerSchema: A newer Doorstaff has been here.
    """
    with engine.connect() as connection:
        if current(connection) == head():
            return
    with engine.connect() as connection, connection.begin():
        _lock(connection)
        found = current(connection)  # another process may have been quicker
        if found == head():
            return
        if found is not None and found not in _known():
            raise NewerSchema(found=found, known=head())
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """The schema revision of a database; None for one that is new."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str:
    """The newest schema revision."""
    (newest,) = ScriptDirectory.from_config(configuration()).get_heads()
    return newest


def configuration() -> Config:
    """Alembic's configuration; there is no ``alembic.ini``."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _known() -> frozenset[str]:
    script = ScriptDirectory.from_config(configuration())
    return frozenset(step.revision for step in script.walk_revisions())


def _lock(connection: Connection) -> None:
    """Keep other processes out until the transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
