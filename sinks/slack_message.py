"""An alert as a Slack message: Block Kit, within Slack's limits, nothing in it able to act.

https://docs.slack.dev/messaging/formatting-message-text: ``&``, ``<`` and ``>`` are escaped, so
that no text can mention a channel or hide a link; ``verbatim`` keeps Slack from making links of
the domains that spammers advertise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from contracts.alert import Alert
from contracts.ids import Action
from sinks.wording import accounts_line, clean, headline, match_line, reason_line

# https://docs.slack.dev/reference/block-kit/blocks
MAX_BLOCKS = 50
MAX_HEADER_CHARS = 150
MAX_TEXT_CHARS = 3_000
MAX_FALLBACK_CHARS = 4_000

MAX_REASONS = 10
MAX_MATCHES = 10
MAX_LINKS = 5
MAX_URL_CHARS = 500
MAX_ALT_CHARS = 2_000

_SIGN: dict[Action, str] = {"hold": "🔴", "review": "🟠", "allow": "⚪"}


def slack_message(alert: Alert, *, pictures_url: str = "") -> dict[str, Any]:
    """The body of a POST to an incoming webhook.

    Args:
        alert: What it tells of.
        pictures_url: Where Slack's servers reach the console's pictures; empty for links alone.
    """
    title = clean(f"{_SIGN[alert.action]} {headline(alert)}", max_chars=MAX_HEADER_CHARS)
    reasons = _bounded([reason_line(reason) for reason in alert.reasons], MAX_REASONS, "reasons")
    matches = _bounded([match_line(match) for match in alert.matches], MAX_MATCHES, "matches")
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}},
        _section(escape(accounts_line(alert), max_chars=MAX_TEXT_CHARS)),
        *_sections("Why", reasons),
        *_sections("Where", matches),
        *_picture(alert, pictures_url),
    ]
    if links := _links(alert):
        blocks.append(_section(links))
    blocks.append({"type": "context", "elements": [_text(_small_print(alert))]})
    return {
        "text": escape(headline(alert), max_chars=MAX_FALLBACK_CHARS),
        "blocks": blocks[:MAX_BLOCKS],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def shows_pictures(message: dict[str, Any]) -> bool:
    """Whether a message has pictures, which Slack fetches before it takes the message."""
    return any(block["type"] == "image" for block in message["blocks"])


def escape(text: str, *, max_chars: int) -> str:
    """Escape for ``mrkdwn``, cut so that the escaped text is no longer than ``max_chars``."""
    escaped: list[str] = []
    length = 0
    for sign in text:
        written = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(sign, sign)
        if length + len(written) > max_chars - 1:
            return "".join(escaped) + "…"
        escaped.append(written)
        length += len(written)
    return "".join(escaped)


def _sections(heading: str, lines: list[str]) -> Iterator[dict[str, Any]]:
    """The lines under a heading, in as many sections as their length asks for."""
    if not lines:
        return
    text = f"*{heading}*"
    for line in lines:
        bullet = f"• {escape(line, max_chars=MAX_TEXT_CHARS - 100)}"
        if len(text) + 1 + len(bullet) > MAX_TEXT_CHARS:
            yield _section(text)
            text = bullet
        else:
            text = f"{text}\n{bullet}"
    yield _section(text)


def _picture(alert: Alert, pictures_url: str) -> Iterator[dict[str, Any]]:
    """The first pair of frames of a match."""
    if not (pictures_url and alert.matches and alert.status != "closed"):
        return
    match = alert.matches[0]
    yield {
        "type": "image",
        "image_url": f"{pictures_url}/alerts/{quote(alert.alert_id, safe='')}/pictures/0.jpg",
        "alt_text": clean(f"The upload beside {match.title}", max_chars=MAX_ALT_CHARS),
    }


def _bounded(lines: list[str], most: int, what: str) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], f"and {more} more {what}"] if more > 0 else lines


def _links(alert: Alert) -> str:
    """Links to the console. A URL that could break out of its brackets is left out."""
    return " · ".join(
        f"<{url.replace('&', '&amp;')}|{escape(_label(name), max_chars=80)}>"
        for name, url in list(alert.links.items())[:MAX_LINKS]
        if _usable(url)
    )


def _usable(url: str) -> bool:
    plain = url.isprintable() and not set(url) & set("<>| ")
    return (
        plain
        and url.startswith(("http://", "https://"))
        and len(url.replace("&", "&amp;")) <= MAX_URL_CHARS
    )


def _label(name: str) -> str:
    return clean(name.replace("_", " ").replace("|", " ")).capitalize()


def _small_print(alert: Alert) -> str:
    at = int(alert.updated_at.timestamp())
    written = alert.updated_at.strftime("%Y-%m-%d %H:%M UTC")
    parts: Iterable[str] = (
        f"<!date^{at}^{{date_short_pretty}} {{time}}|{written}>",
        f"alert {escape(clean(alert.alert_id), max_chars=100)} revision {alert.revision}",
        f"ruleset {escape(clean(alert.ruleset_version), max_chars=100)}",
    )
    return " · ".join(parts)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
