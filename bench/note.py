"""What a bench has to say, on the screen and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


class Note:
    """A title, the command that made it, and what was measured, in Markdown."""

    def __init__(self, title: str, *, command: str) -> None:
        self._parts = [f"# {title}", f"As measured by `{command}`."]

    def say(self, text: str) -> None:
        """Add a paragraph, and print it at once: benches take long."""
        print(text, flush=True)
        self._parts.append(text)

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table."""
        lines = [headings, ["---"] * len(headings), *rows]
        self.say("\n".join(f"| {' | '.join(line)} |" for line in lines))

    def write(self, page: Path | None) -> None:
        """Write the page, if one was asked for."""
        if page is not None:
            page.write_text("\n\n".join(self._parts) + "\n", encoding="utf-8")
