"""Seccomp: the calls of the kernel that a decoder needs, and no others (seccomp(2)).

An allow-list: reading files, memory, threads, time. No sockets, no new processes, no other program,
no file opened for writing, no signal to others. What is denied fails with an error rather than
ending the process: a decoder that would like to have something does without.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from media_screening.fence.system import PR_SET_SECCOMP, forgo_privileges, prctl

_FILTER_MODE = 2
_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

# Each call's number on x86-64 and on aarch64.
_ALLOWED: dict[str, tuple[int, int]] = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "pread64": (17, 67), "readv": (19, 65), "writev": (20, 66), "sched_yield": (24, 124),
    "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23), "nanosleep": (35, 101),
    "getpid": (39, 172), "exit": (60, 93), "uname": (63, 160), "fcntl": (72, 25),
    "getcwd": (79, 17), "gettimeofday": (96, 169), "getrlimit": (97, 163), "getrusage": (98, 165),
    "sysinfo": (99, 179), "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176),
    "geteuid": (107, 175), "getegid": (108, 177), "getppid": (110, 173), "sigaltstack": (131, 132),
    "gettid": (186, 178), "futex": (202, 98), "sched_setaffinity": (203, 122),
    "sched_getaffinity": (204, 123), "set_tid_address": (218, 96), "restart_syscall": (219, 128),
    "fadvise64": (221, 223), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "exit_group": (231, 94), "newfstatat": (262, 79),
    "readlinkat": (267, 78), "faccessat": (269, 48), "pselect6": (270, 72), "ppoll": (271, 73),
    "set_robust_list": (273, 99), "eventfd2": (290, 19), "pipe2": (293, 59), "preadv": (295, 69),
    "getcpu": (309, 168), "getrandom": (318, 278), "membarrier": (324, 283), "statx": (332, 291),
    "rseq": (334, 293), "getdents64": (217, 61), "mlock": (149, 228), "munlock": (150, 229),
}  # fmt: skip
_ALLOWED_X86_64 = {
    "stat": 4, "lstat": 6, "poll": 7, "access": 21, "select": 23, "dup2": 33, "readlink": 89,
    "arch_prctl": 158, "time": 201,
}  # fmt: skip
# Newer forms of calls that are allowed: told to be missing, so that the older form is used.
_MISSING = {"clone3": 435, "openat2": 437, "faccessat2": 439}

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_THREAD = 0x0001_0000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_TERMINAL_GET = 0x5401  # is it a terminal?
_SET_NAME, _SET_VMA_NAME = 15, 0x5356_4D41

Instruction = tuple[int, int, int, int]


def restrict(*, may_run: int) -> None:
    """Allow only the calls of the list from now on.

    Args:
        may_run: The address at which this process keeps the path of the one program that it may
            turn into; what comes after has other memory.

    Raises:
        OSError: This kernel, or this architecture, has no filter.
    """
    code = b"".join(struct.pack("=HBBI", *step) for step in _program(may_run))
    steps = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(steps))
    forgo_privileges()
    prctl(PR_SET_SECCOMP, ctypes.c_ulong(_FILTER_MODE), ctypes.create_string_buffer(program))


def _program(may_run: int) -> list[Instruction]:
    machine = os.uname().machine
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    intel = machine == "x86_64"
    allowed = [pair[0] if intel else pair[1] for pair in _ALLOWED.values()]
    if intel:
        allowed += _ALLOWED_X86_64.values()
    deny = _ERROR | errno.EPERM
    no_writing = {"then": _ERROR | errno.EACCES, "otherwise": _ALLOW}
    conditions: list[tuple[int, list[Instruction]]] = [
        (56 if intel else 220, _if_bits(0, _THREAD, then=_ALLOW, otherwise=deny)),  # clone
        (
            257 if intel else 56,
            _if_bits(2, _WRITING, **no_writing),
        ),
        (16 if intel else 29, _if_equal(1, _TERMINAL_GET, otherwise=_ERROR | errno.ENOTTY)),
        (59 if intel else 221, _if_equal(0, may_run, otherwise=deny)),  # execve
        (302 if intel else 261, _if_equal(2, 0, otherwise=deny)),  # prlimit64 that only asks
        (234 if intel else 131, _if_equal(0, os.getpid(), otherwise=deny)),  # tgkill: abort()
        (157 if intel else 167, _if_either(0, _SET_NAME, _SET_VMA_NAME)),  # prctl
    ]
    if intel:
        conditions.append(
            (2, _if_bits(1, _WRITING, **no_writing))  # open
        )
    program: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
    ]
    for number in allowed:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for number in _MISSING.values():
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]
    for number, steps in conditions:
        program += [(_EQUAL, 0, len(steps), number), *steps]
    return [*program, (_RETURN, 0, 0, deny)]


def _argument(index: int) -> tuple[int, int]:
    """Where the lower and the upper half of an argument lie in what a filter is given."""
    return 16 + 8 * index, 20 + 8 * index


def _if_bits(index: int, bits: int, *, then: int, otherwise: int) -> list[Instruction]:
    low, _ = _argument(index)
    return [(_LOAD, 0, 0, low), (_ANY_BIT, 1, 0, bits), (_RETURN, 0, 0, otherwise),
            (_RETURN, 0, 0, then)]  # fmt: skip


def _if_equal(index: int, value: int, *, otherwise: int) -> list[Instruction]:
    low, high = _argument(index)
    return [
        (_LOAD, 0, 0, low), (_EQUAL, 0, 3, value & 0xFFFF_FFFF),
        (_LOAD, 0, 0, high), (_EQUAL, 0, 1, value >> 32),
        (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, otherwise),
    ]  # fmt: skip


def _if_either(index: int, one: int, other: int) -> list[Instruction]:
    low, _ = _argument(index)
    return [
        (_LOAD, 0, 0, low), (_EQUAL, 1, 0, one), (_EQUAL, 0, 1, other), (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.EINVAL),
    ]  # fmt: skip
