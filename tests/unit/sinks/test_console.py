"""Alerts on a terminal and in a pipe."""

from __future__ import annotations

import io

from rich.console import Console

from sinks.console import ConsoleSink
from tests.alerts import CAMPAIGN, MEDIA, alert_like


async def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    sink = ConsoleSink(stream)
    await sink.deliver(MEDIA)
    await sink.aclose()
    assert stream.getvalue().splitlines() == [
        "19:30:15 New: hold · risk 100 · “Night Train” for 0:22 in upload “Concert”",
        "  1 account: a77",
        "  media.match +100 — works Night Train",
        "  01:23 to 01:45 of the upload is 10:02 to 1:00:24 of “Night Train”, 97 % alike",
    ]


async def test_a_terminal_gets_colours_and_no_markup_of_an_attackers() -> None:
    stream = io.StringIO()
    sink = ConsoleSink(stream, console=Console(file=stream, force_terminal=True, soft_wrap=True))
    await sink.deliver(alert_like(title="[link=https://evil.example]\x1b]8;;x\x07 [/] :skull:"))
    await sink.aclose()
    shown = stream.getvalue()
    assert "\x1b[1;31mNew: hold" in shown
    assert "[link=https://evil.example] ]8;;x [/] :skull:" in shown
    assert "\x1b]8" not in shown


async def test_long_lists_are_counted() -> None:
    stream = io.StringIO()
    sink = ConsoleSink(stream)
    await sink.deliver(alert_like(reasons=CAMPAIGN.reasons * 10, matches=MEDIA.matches * 30))
    await sink.aclose()
    assert "and 14 more reasons" in stream.getvalue()
    assert "and 20 more matches" in stream.getvalue()
