"""Names, whatever they look like, and what else than a file may lie in a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from tests.hostile.case import Case, Forge

NAMES = (
    "new\nline.mp4",
    "carriage\rreturn.mp4",
    "quotes'\"`.mp4",
    "-i",
    "-y -f mp4.mp4",
    "--help",
    "%03d.mp4",
    "50%.mp4",
    "%00.mp4",
    "nul\\0.mp4",
    "$(touch x);|&.mp4",
    "*?[a-z]{1,2}.mp4",
    "https:example.org.mp4",
    "concat:a.mp4|b.mp4",
    "pipe:0",
    "data:video,x.mp4",
    "subfile,,start,0,end,0,,:x.mp4",
    "crypto+file:x.mp4",
    " spaces \t.mp4 ",
    "no extension",
    "film.m3u8",
    "film.jpg",
    "\u202e4pm.evil",
    "фильм 映画 🎬.mp4",
    "e\u0301.mp4",
    "\x1b[2J\x07.mp4",
    "é" * 125 + ".mp4",  # 254 bytes
    "x" * 251 + ".mp4",
    os.fsdecode(b"not \xff\xfe utf-8.mp4"),
    "...",
    "~root.mp4",
)


def _named(name: str) -> Case:
    def make(forge: Forge) -> str:
        os.link(forge.work, forge.uploads / name)
        return (forge.uploads / name).as_uri()  # a bare name may look like an address

    return Case(name=f"named {ascii(name)[:40]}", make=make, status="match")


def _entry(name: str, make: Callable[[Forge, str], object], status: str, reason: str = "") -> Case:
    def build(forge: Forge) -> str:
        make(forge, str(forge.uploads / name))
        return name

    return Case(name=name, make=build, status=status, reason=reason)  # type: ignore[arg-type]


def _bound(_: Forge, path: str) -> None:
    # Short enough for a socket's address, wherever the tests' folder is.
    here = os.open(os.path.dirname(path), os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/{os.path.basename(path)}")
    os.close(here)


OUTSIDE = "outside the folder"
CASES: tuple[Case, ...] = (
    *map(_named, NAMES),
    _entry("folder.mp4", lambda _, path: os.mkdir(path), "error", "not a regular file"),
    _entry("fifo.mp4", lambda _, path: os.mkfifo(path), "error", "not a regular file"),
    _entry("socket.mp4", _bound, "error", "not a regular file"),
    _entry("zero.mp4", lambda _, path: os.symlink("/dev/zero", path), "error", OUTSIDE),
    _entry("secret.mp4", lambda _, path: os.symlink("/etc/passwd", path), "error", OUTSIDE),
    _entry("up.mp4", lambda _, path: os.symlink("../../../../etc/passwd", path), "error", OUTSIDE),
    _entry("loop.mp4", lambda _, path: os.symlink("loop.mp4", path), "error", "outside|no such"),
    _entry("nowhere.mp4", lambda _, path: os.symlink("gone.mp4", path), "error", "no such file"),
    _entry("missing.mp4", lambda _, path: None, "error", "no such file"),
    _entry("x" * 300, lambda _, path: None, "error", "outside|no such|cannot be read"),
    _entry("nul\0.mp4", lambda _, path: None, "error", "outside|no such"),
)
