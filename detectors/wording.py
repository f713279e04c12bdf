"""The words of a text without its links, in the form in which texts are compared.

Made once for all that compares: the sketch, the template, the learned signal, the prohibited
industries. Bytes of UTF-8, since these cost a third of what strings do, and favour no language.
"""

from __future__ import annotations

import re

from detectors.content import Content

MAX_CHARS = 20_000
"""What is compared of a longer text: its beginning."""
MAX_UNLINKED = 50
"""Links that are taken out of a text; those after them are words like others."""

_DIGITS = b"0123456789"
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPACED = bytes(
    b"0"[0] if byte in _DIGITS else byte if byte in _LETTERS or byte >= 0x80 else b" "[0]  # noqa: PLR2004 -- UTF-8
    for byte in range(0x100)
)
_ASCII = bytes(range(0x80))
_OTHER_PUNCTUATION = re.compile(
    "[\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2000-\u206f\u2190-\u2bff\u3000-\u3003"
    "\u3008-\u3020\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u060c\u061b\u061f\u0964]"
)
_APOSTROPHE = "\u2019"


class Wording:
    """The words of a text.

    Attributes:
        words: In their order, in lower case, every digit a ``0``, apostrophes left out.
    """

    __slots__ = ("_plain", "_written", "words")

    def __init__(self, text: str) -> None:
        plain, rest = _plain(text)
        if rest.lower() == rest:
            self.words = plain.lower().split()
        else:  # what a sign becomes may depend on those around it: a sigma
            self.words = _plain(text.lower())[0].split()
        self._plain = plain
        self._written: list[bytes] | None = None

    @property
    def written(self) -> list[bytes]:
        """The same as their author wrote them, small or capital; worked out when asked for."""
        if self._written is None:
            written = self._plain.split()
            self._written = written if len(written) == len(self.words) else self.words
        return self._written


def read_wording(content: Content) -> Wording:
    """Take a text apart; where no spaces are written, a sentence is one word."""
    text = content.text
    if not text:
        return NO_WORDS
    for link in content.links[:MAX_UNLINKED]:
        if link.source == "text":
            text = text.replace(link.url, " ")
    return Wording(text[:MAX_CHARS])


def plain_words(text: str) -> list[bytes]:
    """The words of any text, in lower case."""
    return Wording(text[:MAX_CHARS]).words


def _plain(text: str) -> tuple[bytes, str]:
    """A text with blanks for punctuation and zeros for digits, and its signs beyond ASCII.

    Signs beyond ASCII are few in most texts, or all letters: each that there is is looked at once.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) == len(text):
        return raw.translate(_SPACED, b"'"), ""
    rest = raw.translate(None, _ASCII).decode()
    signs = set(rest)
    others = [sign for sign in signs if _OTHER_PUNCTUATION.match(sign)]
    if others:
        for sign in others:
            text = text.replace(sign, "" if sign == _APOSTROPHE else " ")
        raw = text.encode("utf-8", "replace")
    return raw.translate(_SPACED, b"'"), rest


NO_WORDS = Wording("")
