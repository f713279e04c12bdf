"""Programs that read what strangers uploaded, each in a process of its own, behind fences.

Every run of ffmpeg on an upload is started here:

    with start(command, reads=(path,), limits=ChildLimits(wall_seconds=60)) as child:
        frames = child.stdout.read()
    child.check()

or, where what it writes is small, by ``run``. ``INPUT`` is what ffmpeg calls the first file that it
may read: its real name reaches no parser.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from media_screening.errors import DecoderFailed, OverLimit, TimeLimit
from media_screening.fence import landlock
from media_screening.fence.launch import FAILED_EXIT
from media_screening.fence.system import NAMES

INPUT = "file:input"
FENCES = ("limits", *sorted(NAMES))

_FAREWELL_SECONDS = 5.0
_PROOF_SECONDS = 60.0
_READ_BYTES = 1 << 16
_ROOT = Path(__file__).parents[2]
_NO_MEMORY = "Cannot allocate memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildLimits:
    """What one child may cost.

    Attributes:
        cpu_seconds: Of all its threads together.
        memory_bytes: What it may write to; on Linux only.
        output_bytes: How much ``run`` takes from it, on either of its outputs.
    """

    wall_seconds: float = 900.0
    cpu_seconds: float = 3_600.0
    memory_bytes: int = 2 << 30
    output_bytes: int = 8 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What a child wrote until it ended."""

    output: bytes
    log: str


class Child:
    """A running child. Leaving its ``with`` block ends it, whatever it is doing."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        folder: tempfile.TemporaryDirectory[str],
        limits: ChildLimits,
    ) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdout: IO[bytes] = process.stdout
        self.stderr: IO[bytes] = process.stderr
        self._process = process
        self._folder = folder
        self._limits = limits
        self._timed_out = False
        self._unwanted = False
        self._condemned = ""
        self._watchdog = threading.Timer(limits.wall_seconds, self._time_out)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.stdout.close()
        self.stderr.close()

    @property
    def exit_code(self) -> int | None:
        """What it ended with: less than 0 for a signal, None while it runs."""
        return self._process.returncode

    def stop(self, *, grace_seconds: float = 0.0) -> None:
        """End it, unless it ends by itself within the grace. Its outputs can still be read."""
        self._watchdog.cancel()
        self._watchdog.join()
        try:
            self._process.wait(timeout=grace_seconds)
        except subprocess.TimeoutExpired:
            self._unwanted = True
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def condemn(self, reason: str) -> None:
        """End it for what it does; ``check`` then says why."""
        self._condemned = reason
        self._process.kill()

    def finish(self) -> None:
        """Let it end, when its outputs have: it is about to."""
        self.stop(grace_seconds=_FAREWELL_SECONDS)

    def check(self, log: str = "") -> None:
        """Say how it ended, if that was not by itself; call it when it has.

        Args:
            log: What it complained of, if that was read.

        Raises:
            TimeLimit: It took longer than it may, by the clock or of the processor.
            OverLimit: It needed more memory than it may.
            DecoderFailed: It crashed, could not be started, or was condemned.
        """
        code = self._process.returncode
        if self._timed_out:
            reason = f"decoding took longer than {self._limits.wall_seconds:g} s"
            raise TimeLimit(reason)
        if self._condemned:
            raise DecoderFailed(self._condemned)
        if code in {0, None} or self._unwanted:
            return
        if code == -signal.SIGXCPU:
            reason = f"decoding took more than {self._limits.cpu_seconds:g} s of the processor"
            raise TimeLimit(reason)
        if _NO_MEMORY in log:
            mebibytes = self._limits.memory_bytes >> 20
            reason = f"decoding needs more memory than it may have: at most {mebibytes:,} MiB"
            raise OverLimit(reason)
        if code < 0:
            reason = f"ffmpeg crashed: {signal.Signals(-code).name}"
            raise DecoderFailed(reason)
        if code == FAILED_EXIT:
            reason = f"ffmpeg could not be fenced in: {log.strip() or 'no reason given'}"
            raise DecoderFailed(reason)

    def _time_out(self) -> None:
        self._timed_out = True
        self._process.kill()


def start(
    command: Sequence[str],
    *,
    reads: Sequence[Path] = (),
    limits: ChildLimits | None = None,
) -> Child:
    """Start a program behind all fences that hold on this system.

    It sees an empty environment, and a working folder with nothing in it but ``input``, a link to
    the first of the files that it may read, and has no input. It may read these files, itself and
    the system's libraries; write to its two outputs; start threads. It reaches no network, starts
    no process and no other program, and ends with the thread that started it.

    Args:
        command: The program, by its whole path, and its arguments. No shell sees them.
        reads: The files that it may read; a folder stands for all that is in it.
        limits: What it may cost.

    Raises:
        DecoderFailed: It could not be started.
    """
    limits = limits or ChildLimits()
    folder = tempfile.TemporaryDirectory(prefix="doorstaff-child-", ignore_cleanup_errors=True)
    try:
        if reads:
            Path(folder.name, "input").symlink_to(reads[0].absolute())
        process = subprocess.Popen(
            _fenced(command, reads=reads, limits=limits),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder.name,
            env={},
            process_group=0,
        )
    except (OSError, ValueError) as error:
        folder.cleanup()
        reason = f"ffmpeg could not be started: {getattr(error, 'strerror', None) or error}"
        raise DecoderFailed(reason) from None
    return Child(process, folder=folder, limits=limits)


def run(
    command: Sequence[str], *, reads: Sequence[Path] = (), limits: ChildLimits | None = None
) -> Finished:
    """Start a program as ``start`` does, and keep what it writes.

    Raises:
        TimeLimit: As ``Child.check``.
        OverLimit: As ``Child.check``; or it wrote more than ``output_bytes``.
        DecoderFailed: As ``Child.check``.
    """
    limits = limits or ChildLimits()
    with start(command, reads=reads, limits=limits) as child:
        parts: dict[IO[bytes], bytearray] = {child.stdout: bytearray(), child.stderr: bytearray()}
        with selectors.DefaultSelector() as selector:
            for pipe in parts:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    pipe = key.fileobj  # type: ignore[assignment] # one of those registered above
                    if chunk := os.read(key.fd, _READ_BYTES):
                        parts[pipe] += chunk
                    else:
                        selector.unregister(pipe)
                    if len(parts[pipe]) > limits.output_bytes:
                        reason = f"it says more than is read: over {limits.output_bytes:,} bytes"
                        raise OverLimit(reason)
        child.finish()
        log = parts[child.stderr].decode(errors="replace")
        child.check(log)
        return Finished(output=bytes(parts[child.stdout]), log=log)


@cache
def broken_fences() -> dict[str, str]:
    """The fences that do not hold on this system, each with how an attempt to break it went.

    Raises:
        DecoderFailed: They could not be tried; the next call tries again.
    """
    broken = {}
    for fence in FENCES:
        try:
            attempt = subprocess.run(
                [*_python("prove"), fence],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_PROOF_SECONDS,
                check=False,
                text=True,
            )
        except (OSError, subprocess.TimeoutExpired):
            reason = f"whether the fence {fence} holds could not be tried"
            raise DecoderFailed(reason) from None
        if attempt.returncode:
            broken[fence] = attempt.stdout or "it could not be tried"
    return broken


def _fenced(command: Sequence[str], *, reads: Sequence[Path], limits: ChildLimits) -> list[str]:
    runs = [command[0], *filter(os.path.exists, landlock.LIBRARY_FOLDERS)]
    readable = [*(str(path.absolute()) for path in reads), *_linker_files()]
    fences = NAMES - broken_fences().keys()
    return [
        *_python("launch"), ",".join(sorted(fences)),
        str(limits.memory_bytes), str(max(1, round(limits.cpu_seconds))),
        str(len(readable)), str(len(runs)), *readable, *runs, *command,
    ]  # fmt: skip


def _python(module: str) -> list[str]:
    """A Python without site-packages and environment, which starts in a third of the time."""
    program = (
        f"import sys; sys.path.append({str(_ROOT)!r});"
        f" from media_screening.fence import {module}; {module}.main()"
    )
    return [sys.executable, "-I", "-S", "-c", program]


def _linker_files() -> Iterable[str]:
    return filter(os.path.exists, landlock.LINKER_FILES)
