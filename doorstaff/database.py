"""The SQL database that the settings name, at the newest schema."""

from __future__ import annotations

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
    try:
        engine = open_database(settings.resolved_database_url)
    except (ArgumentError, ImportError):
        message = "DATABASE_URL: must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        raise InvalidSettings(message) from None
    try:
        migrate(engine)
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        wrong = "does not answer" if isinstance(error, OperationalError) else "cannot be used"
        message = f"the SQL database (DATABASE_URL) {wrong}: {reason}"
        raise ServiceUnavailable(message) from None
    return engine
