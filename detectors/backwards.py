"""Links written backwards, letter by letter: ``moc.sllip-paehc`` for whoever reads from the right.

A text that a control character turns around is turned back before (``detectors.text``); this is
for those that leave it to the reader.
"""

from __future__ import annotations

import re

MAX_CHARS = 253
"""No host is longer."""

_LINK = re.compile(
    r"https?://[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}(?:/\S*)?"
    r"|(?:[a-z0-9-]{1,63}\.){1,4}com(?:/\S*)?",
    re.I,
)
_AROUND = ".,;:!?()[]\"'"


def may_be_backwards(low: str) -> bool:
    """Whether a text may hold one: the end of ``.com``, or of a scheme, where no word has it."""
    return "moc." in low or "//:" in low


def turned(text: str) -> tuple[str, int]:
    """Turn around the links that are written backwards, and count them."""
    count = 0
    words = re.split(r"(\s+)", text)
    for at, word in enumerate(words):
        if len(word) <= MAX_CHARS and may_be_backwards(word.lower()):
            forwards = word.strip(_AROUND)[::-1]
            if _LINK.fullmatch(forwards):
                words[at] = forwards
                count += 1
    return "".join(words) if count else text, count
