"""The SQL database that the settings name, at the newest schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from doorstaff.errors import InvalidSettings, ServiceUnavailable
from doorstaff.settings import Settings
from store.database import open_database
from store.migration import migrate


def open_home_database(settings: Settings) -> Engine:
    """Open it, and bring its tables up to date.

    Raises:
        InvalidSettings: The home folder or the address cannot be used.
        ServiceUnavailable: It does not answer, or is none.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"DOORSTAFF_HOME: {settings.home}: {error.strerror}; name a folder to write to"
        raise InvalidSettings(message) from None
    engine = _open(settings)
    with _told():
        migrate(engine)
    return engine


@contextmanager
def home_database(settings: Settings) -> Iterator[Engine]:
    """What ``open_home_database`` opens, closed at the end."""
    engine = open_home_database(settings)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def found_database(settings: Settings) -> Iterator[Engine | None]:
    """The database as it stands, for those who only look: nothing is made, nothing is migrated.

    None where it is an SQLite file that is not there yet. Its schema may be any.

    Raises:
        InvalidSettings: The address cannot be used.
        ServiceUnavailable: It does not answer, or is none; also while it is looked at.
    """
    engine = _open(settings)
    try:
        if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
            yield None
            return
        with _told():
            yield engine
    finally:
        engine.dispose()


def _open(settings: Settings) -> Engine:
    try:
        return open_database(settings.resolved_database_url)
    except (ArgumentError, ImportError):
        message = "DATABASE_URL: must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        raise InvalidSettings(message) from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        wrong = "does not answer" if isinstance(error, OperationalError) else "cannot be used"
        message = f"the SQL database (DATABASE_URL) {wrong}: {reason}"
        raise ServiceUnavailable(message) from None
