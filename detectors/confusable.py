"""Letters that pass for ASCII ones: of other scripts, and in styles that NFKC leaves."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from detectors.lists import bundled

_STYLED_NAME = re.compile(
    r"(?:NEGATIVE |DOUBLE |DINGBAT |CROSSED |PARENTHESIZED |SQUARED |CIRCLED |SANS-SERIF |TAG )*"
    r"(?:(?:MODIFIER |REGIONAL INDICATOR SYMBOL )?(?:LATIN )?(?:SMALL CAPITAL |SMALL |CAPITAL )?"
    r"LETTER (?:SMALL CAPITAL )?([A-Z])|DIGIT (ZERO|ONE|TWO|THREE|FOUR|FIVE|SIX|SEVEN|EIGHT|NINE))"
)
_DIGITS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
_STYLED_BLOCKS = ((0x1D00, 0x1D22), (0x2474, 0x24FF), (0x2776, 0x2793), (0xA730, 0xA732))
_STYLED_PLANES = ((0x1F100, 0x1F18A), (0x1F1E6, 0x1F1FF))
_SMALL_CAPITALS = "\u0262\u026a\u0274\u0280\u028f\u0299\u029c\u029f\ua730\ua731\ua7af\u01eb"
_SMALL_CAPITALS_ARE = "ginrybhlfsqq"

_PUNCTUATION = {
    **dict.fromkeys("\u2044\u2215\u29f8\u29f9\u27cb", "/"),
    **dict.fromkeys("\u02d0\u02f8\u0589\u05c3\ua789\ufe13\u2236", ":"),
    **dict.fromkeys("\u2027\u06d4\u0701\u0702\ua4f8\ua60e", "."),
}

MIN_WORD_CHARS = 4
"""A shorter mixture, as the \u03bcm of an instrument, is read but not counted."""

_WORD = re.compile(r"[^\W_]+(?:[.-][^\W_]+)*")
_ACCENTED_SUFFIX = re.compile(r"\.[a-z]{0,3}[\u00e0-\u024f\u1e00-\u1eff]", re.I)
_ACCENTED_NAME = re.compile(r"[\w-]{1,63}\.[a-z]{0,3}[\u00c0-\u024f\u1e00-\u1eff][\w]{0,3}\b", re.I)
_SUFFIXES = frozenset(("com", "net", "org", "biz", "info", "ru", "xyz"))
_OUTSIDE_LATIN = re.compile("[^\x00-\u0130\u0132-\u017f\u2010-\u2026\u2030-\u203a\u20ac]")
_LATIN = re.compile(r"[A-Za-z]")


def unstyled(text: str) -> str:
    """Letters and digits in boxes, circles, flags and small capitals as plain ones."""
    return text.translate(_styled())


def without_lookalikes(text: str) -> tuple[str, int]:
    """Words of several scripts that read as Latin ones, written in Latin; and how many.

    A word is left alone where one of its letters passes for no Latin one, or none is Latin: then
    it is a word of another language. So is a host under an ASCII suffix: it leads elsewhere, and
    is judged by where.
    """
    if _ACCENTED_SUFFIX.search(text):
        text = _ACCENTED_NAME.sub(_plain_suffix, text)
    if not _OUTSIDE_LATIN.search(text) or not _lookalike().search(text):
        return text, 0
    count = 0

    def fold(word: re.Match[str]) -> str:
        nonlocal count
        written = word[0]
        if written.isascii():
            return written
        read = written.translate(_table())
        if not read.isascii() or not _is_mixed(written):
            return written
        count += len(written) >= MIN_WORD_CHARS
        return read

    return _WORD.sub(fold, text), count


def reads_as(name: str) -> str:
    """A name with all that passes for an ASCII letter written as one; accents are left out."""
    if name.isascii():
        return name
    read = unstyled(name).translate(_table())
    apart = unicodedata.normalize("NFKD", read)
    return "".join(char for char in apart if not unicodedata.combining(char))


def _plain_suffix(name: re.Match[str]) -> str:
    """A name under no suffix that would be under one without its accents."""
    read = reads_as(name[0]).lower()
    return read if read.rpartition(".")[2] in _SUFFIXES else name[0]


def _is_mixed(written: str) -> bool:
    if "." in written:
        return not written.rpartition(".")[2].isascii()
    return _LATIN.search(written) is not None


@cache
def _table() -> dict[int, str]:
    return {int(code, 16): char for code, char in _entries()}


@cache
def _lookalike() -> re.Pattern[str]:
    return re.compile(f"[{''.join(chr(code) for code in _table())}]")


def _entries() -> Iterator[tuple[str, str]]:
    for entry in bundled("confusables"):
        code, _, char = entry.partition(" ")
        yield code, char.lower()


@cache
def _styled() -> dict[int, str]:
    table = {ord(char): shown for char, shown in _PUNCTUATION.items()}
    table |= dict(zip(map(ord, _SMALL_CAPITALS), _SMALL_CAPITALS_ARE, strict=True))
    for first, last in (*_STYLED_BLOCKS, *_STYLED_PLANES):
        for code in range(first, last + 1):
            if named := _STYLED_NAME.fullmatch(unicodedata.name(chr(code), "")):
                table[code] = named[1].lower() if named[1] else str(_DIGITS.index(named[2]))
    return table


@cache
def styled_letter() -> re.Pattern[str]:
    """Anything that ``unstyled`` would write otherwise."""
    return re.compile(f"[{''.join(map(re.escape, map(chr, _styled())))}]")
