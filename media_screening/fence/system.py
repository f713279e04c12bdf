"""Calls of Linux that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = frozenset({"landlock", "seccomp", "namespaces"})
"""The fences beside the limits; each holds by itself, and may be missing on this system."""

PR_SET_SECCOMP = 22
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# The module signal would cost as much time as all else that is imported here.
_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25

_libc = ctypes.CDLL(None, use_errno=True)


def linux() -> bool:
    """Whether this is Linux; the fences beside the limits are nowhere else."""
    return sys.platform == "linux"


def syscall(number: int, *arguments: object) -> int:
    """Call the kernel.

    Raises:
        OSError: It said no.
    """
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise _last_error()
    return result


def prctl(option: int, *arguments: object) -> None:
    """Change what the kernel keeps of this process.

    Raises:
        OSError: It said no.
    """
    padded = [*arguments, *([ctypes.c_ulong(0)] * (4 - len(arguments)))]
    if _libc.prctl(ctypes.c_int(option), *padded) < 0:
        raise _last_error()


def die_with_parent() -> None:
    """End with the thread that started this process, whatever ends it; on Linux only."""
    if linux():
        prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(_SIGKILL))


def restore_signals() -> None:
    """Let those signals end the process again that Python ignores."""
    for number in (_SIGPIPE, _SIGXFSZ):
        _libc.signal(ctypes.c_int(number), None)


def forgo_privileges() -> None:
    """Gain nothing by running another program, whatever bits that one has; the fences need it."""
    prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))


def unshare(flags: int) -> None:
    """Leave the namespaces that this process shares with others.

    Raises:
        OSError: The system does not allow it.
    """
    if _libc.unshare(ctypes.c_int(flags)) < 0:
        raise _last_error()


class Program:
    """A program to turn into, kept at an address that can be told to seccomp beforehand."""

    def __init__(self, words: Sequence[bytes], environment: Sequence[bytes]) -> None:
        self._path = ctypes.create_string_buffer(words[0])
        self._words = (ctypes.c_char_p * (len(words) + 1))(*words, None)
        self._environment = (ctypes.c_char_p * (len(environment) + 1))(*environment, None)
        self.path_address = ctypes.addressof(self._path)

    def become(self) -> None:
        """Turn into the program; returns never.

        Raises:
            OSError: It cannot be run.
        """
        _libc.execve(self._path, self._words, self._environment)
        raise _last_error()


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
