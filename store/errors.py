"""What can go wrong with the store.

StoreError
├── VersionTaken    another ruleset was published under this version
└── NewerSchema     a newer Doorstaff has migrated this database
"""

from __future__ import annotations

from sqlalchemy.exc import OperationalError


class StoreError(Exception):
    """The store cannot do what it was asked."""


class VersionTaken(StoreError):  # noqa: N818 -- named for what is wrong
    """Another ruleset was published under this version.

    Attributes:
        version: The version that is taken.
    """

    def __init__(self, version: str) -> None:
        super().__init__(
            f"another ruleset was published as version {version}; give this one a version of its"
            " own"
        )
        self.version = version


class NewerSchema(StoreError):  # noqa: N818 -- named for what is wrong
    """A newer Doorstaff has migrated this database.

    Attributes:
        found: The database's schema revision.
        known: The newest schema revision that this Doorstaff knows.
    """

    def __init__(self, *, found: str, known: str) -> None:
        super().__init__(
            f"the database is at schema {found}, newer than this Doorstaff's {known}; run the"
            " newer Doorstaff, or point DATABASE_URL at another database"
        )
        self.found = found
        self.known = known


def failure_text(error: Exception) -> str:
    """What failed, free of what was being stored.

    The database's own words are kept where they are about itself (its disk, its locks, the way to
    it); elsewhere they may quote values.
    """
    if isinstance(error, OperationalError) and (words := str(error.orig).strip()):
        return f"{type(error).__name__}: {words.splitlines()[0]}"
    return type(error).__name__
