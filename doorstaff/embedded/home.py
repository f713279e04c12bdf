"""DOORSTAFF_HOME belongs to one running Doorstaff at a time."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Self

import psutil

from doorstaff.embedded.child import Child
from doorstaff.errors import AlreadyRunning, InvalidSettings

_STOP_SECONDS = 5.0


class Home:
    """The folder, locked while in use; it knows which children a crashed run left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._children_file = self.folder / "children.json"
        self._lock = -1

    def __enter__(self) -> Self:
        """Take the folder.

        Raises:
            AlreadyRunning: Another process has it.
            InvalidSettings: It is no folder to write to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = f"DOORSTAFF_HOME: {self.folder}: {error.strerror}; name a folder to write to"
            raise InvalidSettings(message) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode().strip() or "unknown"
            os.close(self._lock)
            message = (
                f"Doorstaff already runs in {self.folder} (process {holder}). Stop it, or set"
                " DOORSTAFF_HOME to another folder."
            )
            raise AlreadyRunning(message) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)
        self._end_leftovers()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the folder back."""
        self._children_file.unlink(missing_ok=True)
        os.ftruncate(self._lock, 0)
        os.close(self._lock)

    def remember(self, children: list[Child]) -> None:
        """Note who runs, for the next start after a crash."""
        running = []
        for child in children:
            try:
                running.append([child.pid, psutil.Process(child.pid).create_time()])
            except psutil.NoSuchProcess:
                continue
        self._children_file.write_text(json.dumps(running))

    def _end_leftovers(self) -> None:
        """End what a crashed run of this same folder started, and nothing else."""
        try:
            noted = json.loads(self._children_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return
        left = []
        for pid, created in noted:
            try:
                process = psutil.Process(pid)
                if process.create_time() == created:
                    process.terminate()
                    left.append(process)
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(left, timeout=_STOP_SECONDS)
        for process in alive:
            process.kill()
        self._children_file.unlink(missing_ok=True)
