"""Alerts to SQL, as a destination like the others: where some other database wants them too.

No setting names this sink. In the pipeline ``Router.accept`` is what writes alerts to SQL, before
any sink hears of them; this one is for those who compose a router of their own, over a second
database that was migrated likewise. Guaranteed: a delivery has arrived when it is committed; a
repeat, or an older revision than the one kept, changes nothing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from contracts.alert import Alert
from sinks.errors import Unreachable
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff
from sinks.thread import OwnThread
from store.alert import save_alert


class SqlSink:
    """Keeps the newest revision of each alert; the engine stays the caller's to close."""

    name: Final = "sql"
    timeout_seconds: Final = 15.0
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = OwnThread("sql-sink")

    async def deliver(self, alert: Alert) -> None:
        """Commit it.

        Raises:
            Unreachable: The database did not answer, or has no such table.
        """
        try:
            await self._thread.run(self._save, alert)
        except SQLAlchemyError as error:
            reason = f"the database failed with {type(error).__name__}"
            raise Unreachable(sink=self.name, reason=reason) from None

    async def aclose(self) -> None:
        """Let go of the thread."""
        self._thread.close()

    def _save(self, alert: Alert) -> None:
        with self._engine.begin() as connection:
            save_alert(connection, alert)
