"""What the console counts, and the layer that counts it."""

from __future__ import annotations

import time

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("doorstaff_console_requests", "Requests answered, by status.", ["status"])
REQUEST_SECONDS = Histogram(
    "doorstaff_console_request_seconds",
    "Time from a request to the head of its answer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


class Counted:
    """Counts the requests of the application inside it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(message["status"]).inc()
                REQUEST_SECONDS.observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, send_counted)
