"""Tries whether a fence holds on this system, by an attempt to break it."""

from __future__ import annotations

import os
import socket
import sys

from media_screening.fence import landlock, limit, namespace, seccomp

NOT_HELD_EXIT = 3
_PROOF_BYTES = 256 << 20


def prove(fence: str) -> str:
    """Put up one fence and try to break it; say how it broke, or nothing if it held."""
    attempts = {
        "limits": _break_limits,
        "landlock": _break_landlock,
        "seccomp": _break_seccomp,
        "namespaces": _break_namespaces,
    }
    try:
        return attempts[fence]()
    except OSError as error:
        return f"the system does not have it, or does not allow it: {error.strerror}"


def _break_limits() -> str:
    limit.limit(memory_bytes=_PROOF_BYTES, cpu_seconds=60)
    try:
        bytearray(2 * _PROOF_BYTES)
    except MemoryError:
        return ""
    return "the kernel does not hold the limit of memory"


def _break_landlock() -> str:
    landlock.confine(reads=[], runs=[])
    try:
        os.close(os.open(__file__, os.O_RDONLY))
    except PermissionError:
        return ""
    return "a file could be opened"


def _break_seccomp() -> str:
    seccomp.restrict(may_run=0)
    try:
        socket.socket().close()
    except PermissionError:
        pass
    else:
        return "a socket could be opened"
    try:
        child = os.fork()
    except PermissionError:
        return ""
    if child == 0:
        os._exit(0)
    return "a process could be started"


def _break_namespaces() -> str:
    before = os.readlink("/proc/self/ns/net")
    namespace.isolate()
    if os.readlink("/proc/self/ns/net") == before:
        return "the network is still the machine's"
    return ""


def main() -> None:
    """Try the fence named on the command line; say on standard output how it broke, if it did."""
    broken = prove(sys.argv[1])
    sys.stdout.write(broken)
    sys.exit(NOT_HELD_EXIT if broken else 0)
