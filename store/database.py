"""One engine for the whole process, whatever SQL lies behind it."""

from __future__ import annotations

import sqlite3
import time

import msgspec
from sqlalchemy import Engine, create_engine, event, make_url

from contracts import wire

BUSY_SECONDS = 10
"""How long a SQLite file is waited for that another process writes to."""


def open_database(url: str) -> Engine:
    """Open ``DATABASE_URL``: ``sqlite:///FILE`` or ``postgresql://…``.

    SQLite runs with a write-ahead log and waits up to 10 s for another writer, so that the worker,
    the console and the command line can use one file. JSON columns take our own values, and write
    them as on the wire. Statements' values, which may be personal
    data, are kept out of error messages.
    """
    address = make_url(url)
    if address.drivername in {"postgres", "postgresql"}:
        address = address.set(drivername="postgresql+psycopg")
    is_file = address.get_backend_name() == "sqlite"
    engine = create_engine(
        address,
        pool_pre_ping=not is_file,  # a file does not hang up
        hide_parameters=True,
        json_serializer=_json,
        json_deserializer=msgspec.json.decode,
    )
    if is_file:
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _json(value: object) -> str:
    return wire.encode(value).decode()


def _prepare_sqlite(connection, _record) -> None:  # type: ignore[no-untyped-def]
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1_000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn the write-ahead log on; of two workers that both make the file, one has to wait.

    SQLite waits by itself for a writer, but not here.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
