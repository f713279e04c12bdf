"""Pictures with captions in files of a folder, under a size and an age; the oldest go first.

An album is a ZIP archive, so that people can open one without Doorstaff. Its name is a digest of
its key: no key, whatever is in it, leads out of the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from store.clock import Clock, SystemClock

Caption = dict[str, Any]

_CAPTIONS = "captions.json"
_SUFFIX = ".zip"
_BROKEN = (OSError, KeyError, ValueError, zipfile.BadZipFile)


class AlbumFolder:
    """Albums by key. Processes on one machine may share a folder: an album is whole or not there.

    Args:
        folder: Made when the first album is kept.
        max_bytes: Of all albums; when there is more, the oldest go. With 0 none is kept.
        max_age_seconds: Albums older than this go; None keeps them whatever their age.
        clock: Tells how old they are.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        max_age_seconds: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._clock = clock or SystemClock()

    @property
    def keeps_any(self) -> bool:
        """Whether the budget has room for pictures at all."""
        return self._max_bytes > 0

    def keep(self, key: str, captions: Sequence[Caption], pictures: Sequence[bytes]) -> None:
        """Keep JPEG pictures, each with its caption, in place of those of the same key.

        Raises:
            OSError: The folder cannot be written to.
        """
        if not self.keeps_any:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
            try:
                with zipfile.ZipFile(part, "w") as archive:  # stored: JPEG does not get smaller
                    archive.writestr(_CAPTIONS, json.dumps(list(captions)))
                    for number, picture in enumerate(pictures):
                        archive.writestr(f"{number}.jpg", picture)
                part.flush()
                now_s = self._clock.now_ms() / 1_000
                os.utime(part.name, (now_s, now_s))
                Path(part.name).replace(self._path(key))
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        self.prune()

    def captions(self, key: str) -> list[Caption]:
        """The captions of an album, in the order of its pictures; none if it is not there."""
        found = self._read(key, _CAPTIONS)
        return json.loads(found) if found is not None else []

    def picture(self, key: str, number: int) -> bytes | None:
        """One picture, JPEG; None if it is not there."""
        return self._read(key, f"{number}.jpg")

    def forget(self, key: str) -> None:
        """Take an album away; no harm if it is not there."""
        self._path(key).unlink(missing_ok=True)

    def prune(self) -> int:
        """Take away what is too old, then the oldest until the rest fits.

        Returns:
            How many albums went.
        """
        albums: list[tuple[float, int, Path]] = []
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.glob(f"*{_SUFFIX}"):
                with contextlib.suppress(FileNotFoundError):  # another process pruned it
                    status = path.stat()
                    albums.append((status.st_mtime, status.st_size, path))
        oldest_s = float("-inf")
        if self._max_age_seconds is not None:
            oldest_s = self._clock.now_ms() / 1_000 - self._max_age_seconds
        room, gone = self._max_bytes, 0
        for changed_s, size, path in sorted(albums, reverse=True):
            room -= size
            if changed_s < oldest_s or room < 0:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}{_SUFFIX}"

    def _read(self, key: str, name: str) -> bytes | None:
        try:
            with zipfile.ZipFile(self._path(key)) as archive:
                return archive.read(name)
        except _BROKEN:
            return None
