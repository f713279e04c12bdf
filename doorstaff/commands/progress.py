"""A bar for each video that is read, on a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from doorstaff.library import VideoProgress


def progress_bars() -> Progress:
    """A bar a file on a terminal; nothing where standard error is not one."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),
    )


def advance(bars: Progress, file: Path) -> VideoProgress:
    """Tell how far a file has been read, in a bar of its own."""
    task = bars.add_task(escape(file.name), total=1.0)

    def tell(done_s: float, whole_s: float | None) -> None:
        bars.update(task, completed=done_s, total=max(whole_s or 0.0, done_s))

    return tell
