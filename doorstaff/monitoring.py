"""/metrics and /healthz of one process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Self

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from doorstaff.errors import ServiceUnavailable


def join(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Monitoring:
    """Serves metrics and health for as long as it is open; the port is taken at once.

    ``/healthz`` answers 200 ``ok`` while ``healthy()`` holds, else 503.

    Raises:
        ServiceUnavailable: The address is taken, or not this machine's.
    """

    def __init__(self, host: str, port: int, *, healthy: Callable[[], bool]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
                elif self.path == "/healthz":
                    well = healthy()
                    self._answer(
                        200 if well else 503, "text/plain", b"ok" if well else b"not ready"
                    )
                else:
                    self._answer(404, "text/plain", b"/metrics or /healthz")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:  # a scrape is not news
                pass

        class HttpServer(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def server_bind(self) -> None:  # HTTPServer's own asks the DNS for the host's name
                TCPServer.server_bind(self)

        try:
            self._server = HttpServer((host, port), Handler)
        except OSError as error:
            message = (
                f"metrics cannot listen on {join(host, port)} ({error.strerror}); set"
                " DOORSTAFF_HOST or DOORSTAFF_METRICS_PORT, 0 for any free one"
            )
            raise ServiceUnavailable(message) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{join(str(host), port)}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
