"""Namespaces of its own: no network, no shared memory with others (namespaces(7))."""

from __future__ import annotations

from media_screening.fence.system import unshare

_NEW_UTS = 0x0400_0000
_NEW_IPC = 0x0800_0000
_NEW_USER = 0x1000_0000
_NEW_NET = 0x4000_0000


def isolate() -> None:
    """Leave the network and the shared memory of the machine.

    The user namespace is what allows the others without root. No user of it is mapped, so that the
    process is nobody in it and loses all that it could do there when it becomes another program.
    Processes stay visible: seccomp keeps it from sending them anything.

    Raises:
        OSError: The system does not allow it.
    """
    unshare(_NEW_USER | _NEW_NET | _NEW_IPC | _NEW_UTS)
