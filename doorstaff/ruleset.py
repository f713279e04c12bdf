"""Which ruleset a worker would take, for commands that only look."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect

from contracts.ruleset import Ruleset, default_ruleset, read_ruleset
from doorstaff.database import found_database
from doorstaff.settings import Settings
from doorstaff.worker import ruleset_of
from store.ruleset import live_ruleset
from store.schema import rulesets


def choose_ruleset(settings: Settings, *, named: Path | None = None) -> tuple[Ruleset, str]:
    """A ruleset and whence it comes; no database is made or migrated to find it.

    Raises:
        InvalidRuleset: With the lines that are wrong.
        ServiceUnavailable: The database does not answer.
    """
    file = named or settings.ruleset
    if file is not None:
        return read_ruleset(file), str(file)
    with found_database(settings) as engine:
        if engine is not None and inspect(engine).has_table(rulesets.name):
            with engine.connect() as connection:
                published = live_ruleset(connection) is not None
            if published:
                return ruleset_of(settings, engine), "published"
    return default_ruleset(), "ships with Doorstaff"
