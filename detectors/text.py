"""Text as a reader sees it: compatibility forms folded, nothing invisible, defanging undone."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from detectors.confusable import styled_letter, unstyled, without_lookalikes
from detectors.defang import refanged
from detectors.hint import Hint, Hints, hints_of

MAX_TEXT_CHARS = 64_000
"""A text may grow by folding (U+3316 becomes six characters); what is over this is not read."""
FOLDED_AT_ONCE_CHARS = 32_768

# Zero-width characters, joiners, bidi controls, the soft hyphen, invisible operators, tags.
_INVISIBLE_CHARS = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CHARS}]+")
_INSIDE_WORD = re.compile(
    f"(?<=[a-z0-9])[{_INVISIBLE_CHARS.replace(chr(0xAD), '')}]++(?=[a-z0-9])", re.I
)

_REVERSED = re.compile("\u202e([^\u202c\u202d\n]{0,2000})[\u202c\u202d]?")
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STRAY_MARKS = re.compile(f"(?<=[\\x00-\\x7f])[{_MARKS}]+|[{_MARKS}]{{2,}}|[\u20d0-\u20ff]")
"""What no letter of a living language is composed with: slashes, keycaps, stacks."""
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_IDEOGRAPHIC_DOT = re.compile(r"(?<=[a-z0-9])[\u3002\uff61] ?(?=[a-z])", re.I)

_GLUED = re.compile(
    "(?<=[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])(?=[A-Za-z0-9])"
    "|(?<=[A-Za-z0-9/])(?=[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])"
)
"""Where scripts without blanks between words meet Latin letters: a name or link begins or ends."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
)


class CleanText(NamedTuple):
    """A text without disguise.

    Attributes:
        text: What a reader sees.
        hints: Those that this has.
        invisible_in_words: How often something invisible stood inside a Latin word or a number.
            Joiners between the letters of Persian or Hindi, and in emoji, are not counted.
        defanged: How many dots or colons were written so that no machine should see them.
        lookalikes: How many words borrowed letters from another script to look Latin.
        reversed: How often a control turned the direction of what follows.
    """

    text: str
    hints: Hints
    invisible_in_words: int = 0
    defanged: int = 0
    lookalikes: int = 0
    reversed: int = 0


def clean(text: str, hints: Hints | None = None) -> CleanText:
    """Undo disguises; linear in the text's length.

    Args:
        text: The text.
        hints: Those that it has, where they are at hand.
    """
    if hints is None or len(text) > MAX_TEXT_CHARS:
        text = text[:MAX_TEXT_CHARS]
        hints = hints_of(text)
    written = text
    invisible = lookalikes = turned = 0
    if Hint.UNUSUAL in hints:
        text, invisible, turned = _folded(text)
        text, lookalikes = without_lookalikes(text)
    elif not text.isascii():
        text = _compatible(text)
        if text != written or Hint.ACCENTED_SUFFIX in hints:
            text, _ = without_lookalikes(text)
    if text != written:
        hints = hints_of(text)
    seen, defanged = refanged(text, hints)
    if seen != text:
        hints = hints_of(seen)
    return CleanText(seen, hints, invisible, defanged, lookalikes, turned)


def word_count(text: str) -> int:
    """Words by white space; in scripts that write none between words, two characters a word."""
    words = len(text.split())
    if not text.isascii():
        words += len(_UNSPACED.findall(text)) // 2
    return words


def _folded(text: str) -> tuple[str, int, int]:
    invisible = turned = 0
    if _INVISIBLE.search(text):
        if "\u202e" in text:
            text, turned = _REVERSED.subn(lambda found: found[1][::-1], text)
        invisible = len(_INSIDE_WORD.findall(text))
        text = _INVISIBLE.sub("", text)
    if styled_letter().search(text):
        text = unstyled(text)
    text = _compatible(text)
    if _STRAY_MARKS.search(text):
        text = _STRAY_MARKS.sub("", text)
    if _OTHER_DIGIT.search(text):
        text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    if _UNSPACED.search(text):
        text = _GLUED.sub(" ", text)
    return _IDEOGRAPHIC_DOT.sub(".", text), invisible, turned


def is_compatible(text: str) -> bool:
    """Whether no character has a plainer form (NFKC)."""
    return unicodedata.is_normalized("NFKC", text)


def _compatible(text: str) -> str:
    """NFKC in slices, so that a text of nothing but squared words costs no more than others."""
    if is_compatible(text):
        return text
    parts: list[str] = []
    room = MAX_TEXT_CHARS
    for at in range(0, len(text), FOLDED_AT_ONCE_CHARS):
        part = text[at : at + FOLDED_AT_ONCE_CHARS].replace("\ufdfa", " ")  # it grows 18 times
        parts.append(unicodedata.normalize("NFKC", part)[:room])
        room -= len(parts[-1])
        if room <= 0:
            break
    return "".join(parts)
