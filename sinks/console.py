"""Alerts on the terminal, as they come: coloured there, plain lines where it is a file or a pipe.

Guaranteed: an alert is written in one piece and flushed. A terminal keeps nothing: for the record
there are SQL and the jsonl sink.
"""

from __future__ import annotations

from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from contracts.alert import Alert
from contracts.ids import Action
from sinks.errors import Unreachable
from sinks.sink import DEFAULT_BACKOFF, DEFAULT_MAX_ATTEMPTS, Backoff
from sinks.thread import OwnThread
from sinks.wording import accounts_line, clean, headline, match_line, reason_line

MAX_REASONS = 6
MAX_MATCHES = 10

_STYLE: dict[Action, str] = {"hold": "bold red", "review": "bold yellow", "allow": "bold"}


class ConsoleSink:
    """Writes to ``stream``, which stays the caller's to close."""

    name: Final = "console"
    timeout_seconds: Final = 5.0
    max_attempts: Final = DEFAULT_MAX_ATTEMPTS
    backoff: Final[Backoff] = DEFAULT_BACKOFF

    def __init__(self, stream: TextIO, *, console: Console | None = None) -> None:
        self._stream = stream
        self._console = console or Console(file=stream, highlight=False, soft_wrap=True)
        self._thread = OwnThread("console-sink")  # a pipe that nobody reads would hold the loop

    async def deliver(self, alert: Alert) -> None:
        """Write it.

        Raises:
            Unreachable: The stream is closed, or its reader gone.
        """
        try:
            await self._thread.run(self._write, render(alert))
        except (OSError, ValueError) as error:
            reason = f"cannot write ({type(error).__name__})"
            raise Unreachable(sink=self.name, reason=reason) from None

    async def aclose(self) -> None:
        """Let go of the thread."""
        self._thread.close()

    def _write(self, text: Text) -> None:
        if self._console.is_terminal:
            self._console.print(text)
        else:
            self._stream.write(f"{text.plain}\n")
        self._stream.flush()


def render(alert: Alert) -> Text:
    """A headline, the accounts, a line a reason and a match; no markup is read in any of them."""
    at = alert.updated_at.strftime("%H:%M:%S")
    text = Text.assemble((f"{at} ", "dim"), (headline(alert), _STYLE[alert.action]))
    lines = [accounts_line(alert)]
    lines += [reason_line(reason) for reason in alert.reasons[:MAX_REASONS]]
    if more := len(alert.reasons[MAX_REASONS:]):
        lines.append(f"and {more} more reasons")
    lines += [match_line(match) for match in alert.matches[:MAX_MATCHES]]
    if more := len(alert.matches[MAX_MATCHES:]):
        lines.append(f"and {more} more matches")
    for line in lines:
        text.append(f"\n  {line}")
    for url in alert.links.values():
        text.append(f"\n  {clean(url, max_chars=500)}", style="blue")
    return text
