"""Doorstaff's own processes as children: started, watched, started again."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.services import Services
from doorstaff.errors import ServiceUnavailable
from doorstaff.monitoring import join

READY_SECONDS = 60.0
MAX_RESTARTS = 3
RESTART_WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class _Member:
    command: tuple[str, ...]
    name: str
    port: int
    child: Child
    restarts: deque[float] = field(default_factory=deque)


class Fleet:
    """The worker, media worker and console processes of one machine.

    They get our environment, or the one given, and in it the addresses of the services.
    """

    def __init__(
        self,
        services: Services,
        *,
        show_alerts: bool,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._services = services
        self._environment = dict(os.environ if environment is None else environment)
        self._show_alerts = show_alerts
        self._members: list[_Member] = []

    def start(self, *command: str) -> str:
        """Start ``doorstaff COMMAND``; returns the address of its metrics, if it has any."""
        number = sum(member.command == command for member in self._members) + 1
        name = f"{'-'.join(command)}-{number}"
        port = free_port()
        self._members.append(
            _Member(command=command, name=name, port=port, child=self._run(command, name, port))
        )
        return f"http://{self._address(port)}"

    def wait_ready(self, *, stop: threading.Event, seconds: float = READY_SECONDS) -> None:
        """Wait until every worker has its share of the work, or until told to stop.

        Raises:
            ServiceUnavailable: One ended or took too long; with its last words.
        """
        for member in self._members:
            url = f"http://{self._address(member.port)}/healthz"
            member.child.wait_until(
                lambda url=url: stop.is_set() or _answers(url),  # type: ignore[misc]
                seconds=seconds,
            )

    def keep_up(self) -> None:
        """Start again what has ended.

        Raises:
            ServiceUnavailable: It ends again and again; with its last words.
        """
        for member in self._members:
            if member.child.exit_code is None:
                continue
            now = time.monotonic()
            while member.restarts and now - member.restarts[0] > RESTART_WINDOW_SECONDS:
                member.restarts.popleft()
            if len(member.restarts) >= MAX_RESTARTS:
                message = f"{member.name} ends again and again: {member.child.last_words()}"
                raise ServiceUnavailable(message)
            member.restarts.append(now)
            member.child = self._run(member.command, member.name, member.port)

    def _address(self, port: int) -> str:
        host = self._services.settings.host
        return join({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)

    def _run(self, command: tuple[str, ...], name: str, port: int) -> Child:
        environment = {
            **self._environment,
            **self._services.environment(),
            "DOORSTAFF_METRICS_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        home = Path(environment["DOORSTAFF_HOME"])
        child = Child(
            name,
            [sys.executable, "-m", "doorstaff.cli", *command],
            log_file=home / "logs" / f"{name}.log",
            environment=environment,
            show=self._show_alerts and command == ("worker",),
        )
        return self._services.run(child)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 -- HTTP's OK
    except (URLError, OSError):
        return False
