"""What every answer of the console carries, and whom it answers at all.

Alerts quote spammers. The policy lets a page load nothing but the console's own files and run no
inline script or style, so that text which slips through the escaping is still only text. The Host
header is checked because a loopback address is no protection from DNS rebinding: a page elsewhere
may make its own name point here.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Refuses a request for another host, and adds ``HEADERS`` to every answer.

    Args:
        app: What is guarded.
        hosts: Names and addresses that the console goes by, beside those of the loopback.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        app: ASGIApp = self._app
        if host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            app = PlainTextResponse(
                "This console does not go by that name. Set DOORSTAFF_CONSOLE_URL to the address"
                " that people use.\n",
                status_code=400,
            )
        await app(scope, receive, send_guarded)


def host_name(host: str) -> str:
    """The name in a Host header, without its port: ``[::1]:8710`` is ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")
