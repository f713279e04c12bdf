"""Where an upload is read from: a file, or an https address that is fetched to a file first."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp

from media_screening.address import AddressRule, GuardedResolver, check_host, is_public
from media_screening.errors import OverLimit, ScreeningFailed, SourceUnavailable

MAX_REDIRECTS = 5
CHUNK_BYTES = 1 << 18
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING_STATUSES = {408, 425, 429}
_SERVER_ERROR = 500
_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLimits:
    """What may be read, and for how long.

    Attributes:
        folder: Files must lie in it; None for any file.
        temp_folder: Where fetched files lie while they are screened; None for the system's.
    """

    folder: Path | None = None
    temp_folder: Path | None = None
    max_bytes: int = 8 * 1024**3
    timeout_seconds: float = 900.0
    connect_seconds: float = 10.0
    silence_seconds: float = 30.0


class Source:
    """Makes a local file of an upload's ``uri``."""

    def __init__(
        self,
        limits: SourceLimits,
        *,
        address_rule: AddressRule = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._address_rule = address_rule
        self._tls = tls

    @asynccontextmanager
    async def open(self, uri: str) -> AsyncIterator[Path]:
        """A path to read; what was fetched is gone when the block ends.

        Raises:
            SourceUnavailable: It is missing, or may not be read.
            OverLimit: It is larger than may be screened.
        """
        if "://" not in uri and not uri.startswith("file:"):
            yield self._file(uri)
            return
        scheme = urlsplit(uri).scheme.lower()
        if scheme == "file":
            yield self._file(_path_of(uri))
        elif scheme == "https":
            with tempfile.TemporaryDirectory(
                prefix="doorstaff-", dir=self._limits.temp_folder
            ) as folder:
                path = Path(folder) / "upload"
                await self._fetch(uri, path)
                yield path
        else:
            raise SourceUnavailable("uploads are read from file: and https: only")  # noqa: EM101

    def _file(self, name: str) -> Path:
        path = Path(name)
        folder = self._limits.folder
        if folder is None:
            return path
        try:
            # Resolved, so that neither .. nor a link leads out of the folder.
            path = (folder / path).resolve()
            inside = path.is_relative_to(folder.resolve())
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside:
            raise SourceUnavailable("outside the folder that uploads must lie in")  # noqa: EM101
        return path

    async def _fetch(self, url: str, path: Path) -> None:
        limits = self._limits
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._address_rule), ssl=self._tls or True, use_dns_cache=False
        )
        timeout = aiohttp.ClientTimeout(
            total=limits.timeout_seconds,
            sock_connect=limits.connect_seconds,
            sock_read=limits.silence_seconds,
        )
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, trust_env=False
        ) as session:
            try:
                for _ in range(MAX_REDIRECTS + 1):
                    moved_to = await self._get(session, url, path)
                    if moved_to is None:
                        return
                    url = moved_to
            except aiohttp.ClientError as error:
                if isinstance(error.__cause__, SourceUnavailable):
                    raise error.__cause__ from None  # the resolver refused an address
                raise _unfetched(error) from None
            except (TimeoutError, OSError, ValueError) as error:
                raise _unfetched(error) from None
        raise SourceUnavailable("it redirects too often")  # noqa: EM101

    async def _get(self, session: aiohttp.ClientSession, url: str, path: Path) -> str | None:
        """Fetch, or return where the server says it is instead."""
        parts = urlsplit(url)
        if parts.scheme.lower() != "https" or not parts.hostname:
            raise SourceUnavailable("it redirects away from https")  # noqa: EM101
        check_host(parts.hostname, self._address_rule)
        async with session.get(url, allow_redirects=False) as response:
            if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                return urljoin(url, location)
            if response.status != _OK:
                passing = response.status >= _SERVER_ERROR or response.status in _PASSING_STATUSES
                reason = f"its server answered {response.status}"
                raise SourceUnavailable(reason, passing=passing)
            if (response.content_length or 0) > self._limits.max_bytes:
                raise self._too_large()
            await self._save(response, path)
        return None

    async def _save(self, response: aiohttp.ClientResponse, path: Path) -> None:
        size = 0
        with path.open("wb") as file:
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                size += len(chunk)
                if size > self._limits.max_bytes:
                    raise self._too_large()
                await asyncio.to_thread(file.write, chunk)

    def _too_large(self) -> OverLimit:
        reason = f"larger than may be screened: at most {self._limits.max_bytes:,} bytes"
        return OverLimit(reason)


def _path_of(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"}:
        raise SourceUnavailable("a file: address with a host")  # noqa: EM101
    # What looks like a query or a fragment is part of a file's name.
    path = unquote(uri[uri.index(":") + 1 :])
    return path.removeprefix("//localhost").removeprefix("//")


def _unfetched(error: Exception) -> ScreeningFailed:
    """Name the kind of trouble only: what it says in full may hold addresses and tokens."""
    if isinstance(error, TimeoutError):
        return SourceUnavailable("it did not come in time", passing=True)
    return SourceUnavailable(f"it could not be fetched: {type(error).__name__}", passing=True)
