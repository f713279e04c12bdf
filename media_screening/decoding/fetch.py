"""Fetches an upload from an https address of a stranger's choosing."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from media_screening.decoding.address import (
    AddressRule,
    GuardedResolver,
    check_host,
    forbidden,
    is_public,
)
from media_screening.decoding.sniff import HEAD_BYTES, foreign_kind
from media_screening.errors import NotAVideo, OverLimit, SourceUnavailable

MAX_REDIRECTS = 5
MAX_RESUMES = 5
CHUNK_BYTES = 1 << 18
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING_STATUSES = {408, 425, 429}
_SERVER_ERROR = 500
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchLimits:
    """What a fetch may cost.

    Attributes:
        timeout_seconds: For all of it, redirects and resumptions included.
        answer_seconds: For connecting, and until the answer's headers are there.
        silence_seconds: Between two bytes.
        min_bytes_per_second: What a server must manage on average once ``patience_seconds`` are
            over; one that drips is given up on.
    """

    max_bytes: int = 8 * 1024**3
    timeout_seconds: float = 900.0
    answer_seconds: float = 30.0
    silence_seconds: float = 30.0
    min_bytes_per_second: float = 16_384.0
    patience_seconds: float = 30.0


@dataclass(kw_only=True, slots=True)
class _Progress:
    """How much of which version of the file is there."""

    file: IO[bytes]
    size: int = 0
    validator: str = ""
    sniffed: bool = False

    def begin_again(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.size = 0
        self.sniffed = False


class Fetcher:
    """Fetches over TLS from allowed addresses only, whatever names, redirects and DNS say.

    An address is judged three times: where it is written in a URL, where a name resolves to it, and
    where the connection is made to it. A transfer that breaks off is taken up where it broke, if
    the server says that the file is still the same (a strong ``ETag``, by ``If-Range``).
    """

    def __init__(
        self,
        limits: FetchLimits,
        *,
        address_rule: AddressRule = is_public,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._address_rule = address_rule
        self._resolver = resolver
        self._tls = tls

    async def fetch(self, url: str, path: Path) -> None:
        """Fetch to a file.

        Raises:
            SourceUnavailable: It cannot be had, or may not.
            OverLimit: It is larger than may be screened.
            NotAVideo: It begins as no video does; the rest was not fetched.
        """
        limits = self._limits
        connector = aiohttp.TCPConnector(
            resolver=self._resolver or GuardedResolver(self._address_rule),
            socket_factory=self._socket,
            ssl=self._tls or True,
            use_dns_cache=False,
            force_close=True,
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_read=limits.silence_seconds)
        try:
            async with (
                asyncio.timeout(limits.timeout_seconds),
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    trust_env=False,
                    headers={"Accept-Encoding": "identity"},
                ) as session,
            ):
                with path.open("wb") as file:
                    await self._whole(session, url, _Progress(file=file))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _unfetched(error) from None

    async def _whole(self, session: aiohttp.ClientSession, url: str, progress: _Progress) -> None:
        """Get it, and again from where it broke off."""
        for resumes in range(MAX_RESUMES + 1):
            before = progress.size
            try:
                await self._follow(session, url, progress)
            except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionError):
                # Only what came further than before is worth another request.
                if resumes == MAX_RESUMES or not progress.validator or progress.size <= before:
                    raise
                continue
            return

    async def _follow(self, session: aiohttp.ClientSession, url: str, progress: _Progress) -> None:
        for _ in range(MAX_REDIRECTS + 1):
            moved_to = await self._get(session, url, progress)
            if moved_to is None:
                return
            url = moved_to
        raise SourceUnavailable("it redirects too often")  # noqa: EM101 -- the reason, as people read it

    async def _get(
        self, session: aiohttp.ClientSession, url: str, progress: _Progress
    ) -> str | None:
        """Fetch, or return where the server says it is instead."""
        parts = urlsplit(url)
        if parts.scheme.lower() != "https" or not parts.hostname:
            raise SourceUnavailable("it redirects away from https")  # noqa: EM101 -- as above
        check_host(parts.hostname, self._address_rule)
        headers = {}
        if progress.size:
            headers = {"Range": f"bytes={progress.size}-", "If-Range": progress.validator}
        async with asyncio.timeout(self._limits.answer_seconds):
            response = await session.get(url, headers=headers, allow_redirects=False)
        async with response:
            if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                return urljoin(url, location)
            if response.status not in {_OK, _PARTIAL}:
                raise _refused(response.status)
            if response.status == _OK or not _continues(response, progress):
                if response.status == _PARTIAL:
                    raise SourceUnavailable("its server sent another part than asked for")  # noqa: EM101
                progress.begin_again()
            etag = response.headers.get("ETag", "")
            progress.validator = "" if etag.startswith("W/") else etag
            if progress.size + (response.content_length or 0) > self._limits.max_bytes:
                raise self._too_large()
            await self._save(response, progress)
        return None

    async def _save(self, response: aiohttp.ClientResponse, progress: _Progress) -> None:
        began, came = time.monotonic(), 0
        head = b""
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            progress.size += len(chunk)
            came += len(chunk)
            if progress.size > self._limits.max_bytes:
                raise self._too_large()
            if not progress.sniffed:
                head += chunk
                if len(head) >= HEAD_BYTES:
                    progress.sniffed = True
                    _sniff(head)
            waited_s = time.monotonic() - began - self._limits.patience_seconds
            if waited_s > 0 and came < waited_s * self._limits.min_bytes_per_second:
                raise SourceUnavailable("its server is too slow", passing=True)  # noqa: EM101
            await asyncio.to_thread(progress.file.write, chunk)
        if not progress.sniffed:
            _sniff(head)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """Make the socket that is about to be connected, unless it must not be."""
        family, kind, protocol, _, where = address
        if not self._address_rule(ip_address(str(where[0]).partition("%")[0])):
            raise _ForbiddenError
        return socket.socket(family, kind, protocol)

    def _too_large(self) -> OverLimit:
        reason = f"larger than may be screened: at most {self._limits.max_bytes:,} bytes"
        return OverLimit(reason)


def _continues(response: aiohttp.ClientResponse, progress: _Progress) -> bool:
    """Whether a part begins where what is there ends."""
    part = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return part is not None and int(part[1]) == progress.size > 0


def _sniff(head: bytes) -> None:
    if kind := foreign_kind(head[:HEAD_BYTES]):
        raise NotAVideo(kind)


def _refused(status: int) -> SourceUnavailable:
    passing = status >= _SERVER_ERROR or status in {*_PASSING_STATUSES, _RANGE_REFUSED}
    reason = f"its server answered {status}"
    return SourceUnavailable(reason, passing=passing)


class _ForbiddenError(OSError):
    """The address to connect to is not allowed; aiohttp passes on no other kind of error."""


def _unfetched(error: Exception) -> SourceUnavailable:
    """Name the kind of trouble only: what it says in full may hold addresses and tokens."""
    if isinstance(error.__cause__, SourceUnavailable):
        return error.__cause__  # the resolver refused an address
    if isinstance(getattr(error, "os_error", None), _ForbiddenError):
        return forbidden()
    if isinstance(error, TimeoutError):
        return SourceUnavailable("it did not come in time", passing=True)
    return SourceUnavailable(f"it could not be fetched: {type(error).__name__}", passing=True)
