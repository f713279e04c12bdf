"""``doorstaff demo``: see it work."""

from __future__ import annotations

import typer
from rich.console import Console

from doorstaff.demo.run import run_demo
from doorstaff.settings import load_settings


def demo() -> None:
    """Run an evening of made traffic with planted attacks through the real pipeline.

    Starts everything it needs, prints alerts as they come, counts what was found against what was
    planted, and stops everything. Exit code 0 if all was found and nobody honest was disturbed.
    """
    report = run_demo(load_settings(), Console(highlight=False))
    if not report.passed:
        raise typer.Exit(1)
