"""Where an upload is read from: a file, or an https address that is fetched to a file first."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp.abc import AbstractResolver

from media_screening.decoding.address import AddressRule, is_public
from media_screening.decoding.fetch import Fetcher, FetchLimits
from media_screening.decoding.scratch import scratch_folder, sweep
from media_screening.errors import SourceUnavailable


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLimits:
    """What may be read, and for how long.

    Attributes:
        folder: Files must lie in it; None for any file.
        temp_folder: Where fetched files lie while they are screened; None for the system's.
    """

    folder: Path | None = None
    temp_folder: Path | None = None
    fetch: FetchLimits = FetchLimits()  # noqa: RUF009 -- it is frozen


class Source:
    """Makes a local file of an upload's ``uri``."""

    def __init__(
        self,
        limits: SourceLimits,
        *,
        address_rule: AddressRule = is_public,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._fetcher = Fetcher(limits.fetch, address_rule=address_rule, resolver=resolver, tls=tls)

    @asynccontextmanager
    async def open(self, uri: str) -> AsyncIterator[Path]:
        """A path to read; what was fetched is gone when the block ends.

        Raises:
            SourceUnavailable: It is missing, or may not be read.
            OverLimit: It is larger than may be screened.
            NotAVideo: It begins as no video does.
        """
        if "://" not in uri and not uri.startswith("file:"):
            yield self._file(uri)
            return
        scheme = urlsplit(uri).scheme.lower()
        if scheme == "file":
            yield self._file(_path_of(uri))
        elif scheme == "https":
            with scratch_folder(self._limits.temp_folder) as folder:
                path = folder / "upload"
                await self._fetcher.fetch(uri, path)
                yield path
        else:
            raise SourceUnavailable("uploads are read from file: and https: only")  # noqa: EM101

    def sweep(self) -> int:
        """Remove what workers that were killed had fetched; how many uploads that was."""
        return sweep(self._limits.temp_folder)

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


def _path_of(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"}:
        raise SourceUnavailable("a file: address with a host")  # noqa: EM101
    # What looks like a query or a fragment is part of a file's name, which may be no UTF-8.
    path = os.fsdecode(unquote_to_bytes(uri[uri.index(":") + 1 :]))
    return path.removeprefix("//localhost").removeprefix("//")
