"""Landlock: which files may be read and run, whatever the process's user may (landlock(7))."""

from __future__ import annotations

import ctypes
import os
import stat
import struct

from media_screening.fence.system import forgo_privileges, syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
# How many rights each version of the ABI knows; a ruleset that names more is refused.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_SINCE, _NET_RIGHTS = 4, 0b11  # bind and connect of TCP
_SCOPE_SINCE, _SCOPES = 6, 0b11  # abstract sockets and signals beyond this domain

LIBRARY_FOLDERS = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
LINKER_FILES = ("/etc/ld.so.cache",)


def confine(*, reads: list[str], runs: list[str]) -> None:
    """Allow to read these files, to read and run those, and nothing else of the file system.

    A folder stands for all in it. TCP, abstract sockets and signals to others are denied where the
    kernel's Landlock knows them.

    Raises:
        OSError: This kernel has no Landlock, or a file is not there.
    """
    version = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    words = [(1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1]
    if version >= _NET_SINCE:
        words.append(_NET_RIGHTS)
    if version >= _SCOPE_SINCE:
        words.append(_SCOPES)
    rights = struct.pack(f"={len(words)}Q", *words)
    ruleset = syscall(
        _CREATE_RULESET,
        ctypes.create_string_buffer(rights, len(rights)),
        ctypes.c_size_t(len(rights)),
        ctypes.c_uint32(0),
    )
    try:
        for path in reads:
            _allow(ruleset, path, _READ_FILE)
        for path in runs:
            _allow(ruleset, path, _READ_FILE | _EXECUTE)
        forgo_privileges()
        syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights |= _READ_FOLDER
        rule = struct.pack("=Qi", rights, beneath)
        syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.create_string_buffer(rule, len(rule)),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(beneath)
