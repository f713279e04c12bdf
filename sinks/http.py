"""A POST to somebody else's server, its failures told as delivery errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from sinks.errors import Throttled, Unreachable
from store.clock import Clock

MAX_RETRY_AFTER_SECONDS = 3_600.0
MAX_ANSWER_BYTES = 1_024

_THROTTLED = frozenset({429, 503})
_OK = range(200, 300)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the server said. ``text`` is the beginning of its body."""

    status: int
    text: str

    @property
    def ok(self) -> bool:
        """Whether the server took it."""
        return self.status in _OK

    @property
    def word(self) -> str:
        """The body where it is one plain word, as an API's error codes are; otherwise nothing."""
        return self.text if re.fullmatch(r"[a-z][a-z_]{1,63}", self.text) else ""


class HttpPost:
    """POSTs to one address. Redirects are not followed: they could lead a signed body elsewhere."""

    def __init__(self, *, sink: str, url: str, timeout_seconds: float, clock: Clock) -> None:
        self._sink = sink
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it.

        Raises:
            Unreachable: No answer came.
            Throttled: The server asked for a pause, by status 429, or by 503 with Retry-After.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(
                self._url, data=body, headers=dict(headers), allow_redirects=False
            ) as response:
                text = await response.content.read(MAX_ANSWER_BYTES)
                status, pause = response.status, response.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # Their messages hold the address, which for Slack is the secret.
            raise Unreachable(
                sink=self._sink, reason=f"no answer ({type(error).__name__})"
            ) from None
        if status in _THROTTLED and (pause or status == 429):  # noqa: PLR2004 -- Too Many Requests
            raise Throttled(
                sink=self._sink,
                reason=f"asked for a pause (HTTP {status})",
                retry_after_seconds=self._pause_seconds(pause),
            )
        return Answer(status=status, text=text.decode("utf-8", "replace").strip())

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _pause_seconds(self, retry_after: str | None) -> float:
        """Read Retry-After, seconds or a date (RFC 9110, 10.2.3), within an hour."""
        text = (retry_after or "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
            seconds = float(text)
        else:
            try:
                at = parsedate_to_datetime(text)
            except ValueError:
                return 0.0
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            now = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC)
            seconds = (at - now).total_seconds()
        return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
