"""Puts up fences and becomes another program."""

from __future__ import annotations

import os
import sys

from media_screening.fence import landlock, limit, namespace, seccomp
from media_screening.fence.system import Program, die_with_parent, restore_signals

FAILED_EXIT = 125
ENVIRONMENT = (b"LC_ALL=C", b"PATH=" + os.fsencode(os.defpath))


def launch(words: list[str]) -> None:
    """Put up the fences and become the program; returns never.

    Args:
        words: The fences' names between commas; bytes of memory; seconds of the processor; how many
            files may be read, how many may be read and run; these files; the program and its
            arguments.

    Raises:
        OSError: A fence cannot be put up, or the program cannot be run.
    """
    fences = words[0].split(",")
    memory_bytes, cpu_seconds, reads, runs = map(int, words[1:5])
    paths = words[5 : 5 + reads + runs]
    program = Program([os.fsencode(word) for word in words[5 + reads + runs :]], ENVIRONMENT)
    if "namespaces" in fences:
        namespace.isolate()
        limit.limit_threads()
    limit.limit(memory_bytes=memory_bytes, cpu_seconds=cpu_seconds)
    die_with_parent()
    restore_signals()
    if "landlock" in fences:
        landlock.confine(reads=paths[:reads], runs=paths[reads:])
    if "seccomp" in fences:
        seccomp.restrict(may_run=program.path_address)
    program.become()


def main() -> None:
    """Launch what the command line says, or say which fence could not be put up."""
    try:
        launch(sys.argv[1:])
    except OSError as error:
        name = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"fence: {error.strerror}{name}\n")
        sys.exit(FAILED_EXIT)
