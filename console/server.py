"""The console on a socket of this machine."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

BACKLOG = 128
STOP_SECONDS = 5


def listen(host: str, port: int) -> socket.socket:
    """Take an address; port 0 takes any free one, which ``address_of`` tells.

    Raises:
        OSError: It is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def address_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Ends in peace when it is asked to stop; uvicorn's own then sends itself the signal again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def make_server(app: ASGIApp, **options: Any) -> Server:
    """A server that logs nothing of who asks for what, and stops within ``STOP_SECONDS``.

    Its errors go to the logger ``uvicorn.error``, to the handlers that the process has set up.

    Run it by ``run(sockets=[listen(...)])``, or by ``serve`` beside other tasks; SIGINT and
    SIGTERM, or ``should_exit``, let it finish what it is answering.
    """
    config = uvicorn.Config(
        app,
        **{
            "access_log": False,
            "date_header": True,
            "lifespan": "off",
            "log_config": None,
            "server_header": False,
            "timeout_graceful_shutdown": STOP_SECONDS,
            "ws": "none",
            **options,
        },
    )
    return Server(config)
