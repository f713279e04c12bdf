"""Text as a reader sees it: compatibility forms folded, nothing invisible, defanging undone."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MAX_TEXT_CHARS = 250_000
"""A text may grow by folding (U+3316 becomes six characters); what is over this is not read."""
FOLDED_AT_ONCE_CHARS = 32_768

# Zero-width characters, joiners, bidi controls, the soft hyphen, invisible operators, tags.
_INVISIBLE_CHARS = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CHARS}]+")
_INSIDE_WORD = re.compile(
    f"(?<=[a-z0-9])[{_INVISIBLE_CHARS.replace(chr(0xAD), '')}]++(?=[a-z0-9])", re.I
)

_IDEOGRAPHIC_DOT = re.compile(r"(?<=[a-z0-9])[。。](?=[a-z])", re.I)
_BRACKETED_DOT = re.compile(
    r"[ \t]?(?:[\[({][ \t]?(?:\.|dot|punkt|punto)[ \t]?[\])}])[ \t]?(?=[a-z0-9-])", re.I
)
_SPOKEN_DOT = re.compile(
    r"(?<=[a-z0-9-])[ \t]{1,3}dot[ \t]{1,3}"
    r"(?=(?:com|net|org|info|biz|io|co|ru|xyz|shop|site|online|club|live|top|me|tv|us|uk|de)\b)",
    re.I,
)
_BRACKETED_COLON = re.compile(r"(?<=h[tTxX]{2}p)(s?)(?:\[:\]//|\[://\])", re.I)
_BRACKETED = re.compile(r"[\[({][ \t]?[.:dDpP]|\[:")

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
)


class CleanText(NamedTuple):
    """A text without disguise.

    Attributes:
        text: What a reader sees.
        invisible_in_words: How often something invisible stood inside a Latin word or a number.
            Joiners between the letters of Persian or Hindi, and in emoji, are not counted.
        defanged: How many dots or colons were written so that no machine should see them.
    """

    text: str
    invisible_in_words: int = 0
    defanged: int = 0


def clean(text: str) -> CleanText:
    """Undo disguises; linear in the text's length."""
    text = text[:MAX_TEXT_CHARS]
    invisible = 0
    if not text.isascii():
        text, invisible = _folded(text)
    text, defanged = refanged(text)
    return CleanText(text, invisible, defanged)


def refanged(text: str) -> tuple[str, int]:
    """Write ``example[.]com`` and ``example dot com`` as ``example.com``, and count them."""
    colons = brackets = spoken = 0
    if ("[" in text or "(" in text or "{" in text) and _BRACKETED.search(text):
        text, colons = _BRACKETED_COLON.subn(r"\1://", text)
        text, brackets = _BRACKETED_DOT.subn(".", text)
    if "dot" in text or "DOT" in text:
        text, spoken = _SPOKEN_DOT.subn(".", text)
    return text, colons + brackets + spoken


def word_count(text: str) -> int:
    """Words by white space; in scripts that write none between words, two characters a word."""
    words = len(text.split())
    if not text.isascii():
        words += len(_UNSPACED.findall(text)) // 2
    return words


def _folded(text: str) -> tuple[str, int]:
    invisible = 0
    if _INVISIBLE.search(text):
        invisible = len(_INSIDE_WORD.findall(text))
        text = _INVISIBLE.sub("", text)
    if not unicodedata.is_normalized("NFKC", text):
        text = _compatible(text)
    return _IDEOGRAPHIC_DOT.sub(".", text), invisible


def _compatible(text: str) -> str:
    """NFKC in slices, so that a text of nothing but squared words costs no more than others."""
    parts: list[str] = []
    room = MAX_TEXT_CHARS
    for at in range(0, len(text), FOLDED_AT_ONCE_CHARS):
        part = text[at : at + FOLDED_AT_ONCE_CHARS].replace("\ufdfa", " ")  # it grows 18 times
        parts.append(unicodedata.normalize("NFKC", part)[:room])
        room -= len(parts[-1])
        if room <= 0:
            break
    return "".join(parts)
