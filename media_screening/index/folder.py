"""References' hashes as files, ready to be searched: what a worker maps as it starts.

SQL stays what counts. A file is made of what SQL has by whichever worker of a machine needs it
first, and is one and the same for all of them: the operating system keeps one copy in memory. A
file that is missing, cut off or of another version is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.index.hash_index import MAX_RADIUS_BITS, IndexedHashes
from media_screening.index.run import Runs

ReferenceState = tuple[str, int]
"""The file that a reference was made of, and when it changed last."""

SEARCHED_BY = "pdq of stills, 1"
"""Which hashes a reference is searched by. Change it with them: older files are then made anew."""

MAPPED_FROM_BYTES = 1 << 20
"""Smaller files are read: a process may map 65,530 files by default (vm.max_map_count)."""

LEFT_OVER_AFTER_SECONDS = 3_600.0
"""Younger files may be of a reference that another worker knows of and this one not yet."""

_HEADER = struct.Struct("<4sHHQQ")
_MAGIC = b"DSIX"
_VERSION = 1
_SUFFIX = ".hashes"
_log = structlog.get_logger(__name__)


class IndexFolder:
    """One folder, for any number of workers of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, reference_id: ReferenceId, state: ReferenceState) -> IndexedHashes | None:
        """What was kept of a reference in this state; its hashes are mapped, not read."""
        try:
            return _read(self._path(reference_id, state))
        except (OSError, ValueError, struct.error):
            return None

    def keep(
        self, reference_id: ReferenceId, state: ReferenceState, indexed: IndexedHashes
    ) -> None:
        """Write a file, whole or not at all; a folder that cannot be written to is told of."""
        path = self._path(reference_id, state)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                try:
                    file.write(_header(indexed))
                    for column in _columns(indexed):
                        file.write(np.ascontiguousarray(column).data)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            _log.warning("index not kept on disk", folder=str(self._folder), reason=error.strerror)

    def forget(self, reference_id: ReferenceId, state: ReferenceState) -> None:
        """Delete a file; others may go on searching what they have mapped."""
        with contextlib.suppress(OSError):
            self._path(reference_id, state).unlink(missing_ok=True)

    def sweep(self, kept: Iterable[tuple[ReferenceId, ReferenceState]]) -> None:
        """Delete what belongs to no reference in its present state, if it has lain for a while.

        That is left over when references go while no worker runs, and of writes that were cut off.
        """
        wanted = {self._path(reference_id, state).name for reference_id, state in kept}
        before_s = time.time() - LEFT_OVER_AFTER_SECONDS
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.name not in wanted and path.stat().st_mtime < before_s:
                    path.unlink(missing_ok=True)

    def _path(self, reference_id: ReferenceId, state: ReferenceState) -> Path:
        parts = (reference_id, *map(str, state), SEARCHED_BY, str(_VERSION), str(MAX_RADIUS_BITS))
        return self._folder / (hashlib.sha256("\x1f".join(parts).encode()).hexdigest() + _SUFFIX)


def _header(indexed: IndexedHashes) -> bytes:
    return _HEADER.pack(_MAGIC, _VERSION, 0, len(indexed.hashes), len(indexed.runs))


def _columns(indexed: IndexedHashes) -> tuple[NDArray[np.generic], ...]:
    runs = indexed.runs
    numbers = (runs.first, runs.count, runs.head, runs.radius_bits)
    return (indexed.hashes, indexed.heads, *(column.astype("<i4") for column in numbers))


def _read(path: Path) -> IndexedHashes:
    """Raises OSError, ValueError or struct.error for what is no such file."""
    size = path.stat().st_size
    if size < MAPPED_FROM_BYTES:
        raw = np.frombuffer(path.read_bytes(), np.uint8)
    else:
        raw = np.asarray(np.memmap(path, np.uint8, "r"))
    magic, version, _, rows, runs = _HEADER.unpack(raw[: _HEADER.size].tobytes())
    widths = [rows * PDQ_BYTES, runs * PDQ_BYTES, *[runs * 4] * 4]
    if magic != _MAGIC or version != _VERSION or len(raw) != _HEADER.size + sum(widths):
        reason = "not a file of indexed hashes"
        raise ValueError(reason)
    parts = np.split(raw[_HEADER.size :], np.cumsum(widths)[:-1])
    hashes, heads = (part.reshape(-1, PDQ_BYTES) for part in parts[:2])
    first, count, head, radius = (
        np.frombuffer(part.tobytes(), "<i4").astype(np.int64) for part in parts[2:]
    )
    return IndexedHashes(
        hashes=hashes,
        heads=heads.copy(),
        runs=Runs(first=first, count=count, head=head, radius_bits=radius),
    )
