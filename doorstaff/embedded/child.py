"""A child process that does not outlive its parent, whatever ends that."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from doorstaff.errors import ServiceUnavailable

STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class Child:
    """A running program; what it prints goes to a log file.

    With ``show``, its standard output goes where ours goes, and only its errors to the file.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
        stop_seconds: float = STOP_SECONDS,
        show: bool = False,
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._stop_seconds = stop_seconds
        self._asked_to_stop = False
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=None if show else output,
                stderr=output,
                env=dict(environment) if environment is not None else None,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the children in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until the program is ready.

        Raises:
            ServiceUnavailable: It ended, or was not ready in time; with its last words.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                message = f"{self.name} ended with exit code {self.exit_code}: {self.last_words()}"
                raise ServiceUnavailable(message)
            if time.monotonic() > deadline:
                message = f"{self.name} was not ready within {seconds:.0f} s: {self.last_words()}"
                raise ServiceUnavailable(message)
            time.sleep(0.05)

    def last_words(self, *, lines: int = 5) -> str:
        """The end of its log."""
        tail = self.log_file.read_text(errors="replace").strip().splitlines()[-lines:]
        return " / ".join(tail) or "it left no log"

    def ask_to_stop(self) -> None:
        """Ask it to stop, once: a second signal would break off what the first one began."""
        if self.exit_code is None and not self._asked_to_stop:
            self._asked_to_stop = True
            self._process.terminate()

    def stop(self) -> None:
        """Ask it to stop, and end it if it does not."""
        self.ask_to_stop()
        try:
            self._process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """In the child, before exec: Linux ends it when the parent is gone, even by ``kill -9``."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
