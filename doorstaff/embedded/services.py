"""Broker and Redis: the configured ones, or embedded ones for as long as this process lives."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from doorstaff.embedded.broker import start_broker
from doorstaff.embedded.child import Child
from doorstaff.embedded.home import Home
from doorstaff.embedded.valkey import start_valkey
from doorstaff.settings import Settings

KEPT = (
    "Embedded mode. A restart keeps: alerts, decisions, rulesets, references and fingerprints,"
    " dead letters (SQL), and the screening queue (Valkey). It forgets: topics and what waits on"
    " them, and the windows and campaigns being counted (the embedded broker's log is in memory)."
)


class Services:
    """What a Doorstaff on one machine stands on.

    With ``wipe``, what these patterns name in the home folder is deleted before anything starts,
    but not before the folder is ours: what another process uses is left alone.

    Attributes:
        settings: With the addresses of what was started filled in.
        embedded: Names of what was started.
    """

    def __init__(self, settings: Settings, *, wipe: Sequence[str] = ()) -> None:
        self.settings = settings
        self._wipe = wipe
        self.embedded: list[str] = []
        self._children: list[Child] = []
        self._guests: list[Child] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Take the home folder and start what is not configured."""
        with ExitStack() as stack:
            self._home = stack.enter_context(Home(self.settings.home))
            for pattern in self._wipe:
                _delete(self._home.folder.glob(pattern))
            if not self.settings.kafka_url:
                child, address = start_broker(self._home.folder)
                self._adopt(stack, child)
                self.settings = self.settings.model_copy(update={"kafka_url": address})
            if not self.settings.redis_url:
                child, address = start_valkey(self._home.folder)
                self._adopt(stack, child)
                self.settings = self.settings.model_copy(update={"redis_url": address})
            self.embedded = [child.name for child in self._children]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the caller's children, all at once, then the services; give the folder back."""
        for child in self._guests:
            child.ask_to_stop()
        self._stack.close()

    def run(self, child: Child) -> Child:
        """Stop a child of the caller's along with the services, before them."""
        self._guests.append(child)
        self._adopt(self._stack, child)
        return child

    def dead(self) -> list[Child]:
        """Children that ended by themselves."""
        return [child for child in self._children if child.exit_code is not None]

    def environment(self) -> dict[str, str]:
        """The settings that a child process needs to find the same services."""
        settings = self.settings
        return {
            "DOORSTAFF_HOME": str(self._home.folder),
            "DOORSTAFF_KAFKA_URL": settings.kafka_url,
            "DOORSTAFF_REDIS_URL": settings.redis_url,
            "DATABASE_URL": settings.resolved_database_url,
            "DOORSTAFF_PARTITIONS": str(settings.partitions),
            "DOORSTAFF_CONSOLE_PORT": str(settings.console_port),
        }

    def _adopt(self, stack: ExitStack, child: Child) -> None:
        self._children.append(child)
        stack.callback(child.stop)
        self._home.remember(self._children)


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
