"""The SQL database that the settings name, at the newest schema."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from doorstaff.errors import ServiceUnavailable
from doorstaff.settings import Settings
from store.database import open_database
from store.migration import migrate


def open_home_database(settings: Settings) -> Engine:
    """Open it, and bring its tables up to date.

    Raises:
        ServiceUnavailable: It does not answer.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_database(settings.resolved_database_url)
    try:
        migrate(engine)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        message = f"the SQL database (DATABASE_URL) does not answer: {reason}"
        raise ServiceUnavailable(message) from None
    return engine
