"""Folders for what is fetched, which are gone when they are done with, also after a ``kill -9``."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "doorstaff-upload-"
_LOCK = "in-use"


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder, gone with all that is in it when the block ends.

    A lock in it, which the kernel lets go when its process dies, tells ``sweep`` that it is in use;
    process ids would not, where containers share a volume.
    """
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as name,
        (Path(name) / _LOCK).open("wb") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def sweep(parent: Path | None) -> int:
    """Remove the folders of processes that are no more; how many there were."""
    removed = 0
    for folder in Path(parent or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed += 1
        except OSError:  # in use, somebody else's, or just being made
            continue
    return removed
