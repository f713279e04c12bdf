"""What a text may hold, told by one pass over it.

Most texts hold none of what the reader looks for, and each look costs. So every disguise, contact
and markup has a hint: a pattern that lets through all that the real one finds, and more. RE2 makes
one automaton of all of them, which tells which ones a text of 500 characters has in the time in
which ``re`` searches for one of them (``detectors.automaton``).

The hints are for texts of Western letters; where ``FOREIGN`` is told too, who asks must not rely on
those about words and digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum, auto

from detectors.automaton import Automaton
from detectors.lists import bundled
from detectors.number_word import NUMBER_WORDS, TIMES


class Hint(IntEnum):
    """One thing that a text may hold."""

    MARKUP = 0
    """Of HTML, Markdown or BBCode, or a character reference."""
    UNUSUAL = auto()
    """Exactly: what Western prose has not, before it is folded."""
    FOREIGN = auto()
    """Exactly: what Western prose has not, after that."""
    ACCENTED_SUFFIX = auto()
    ODD_SCHEME = auto()
    BRACKETS = auto()
    PARTED_LETTERS = auto()
    SPELT_DOT = auto()
    COMMA = auto()
    ESCAPED = auto()
    WWW = auto()
    SPELT_NUMBER = auto()
    BACKWARDS = auto()
    ODD_DOT = auto()
    LINK = auto()
    LONG_WORD = auto()
    LONG_NUMBER = auto()
    NAME = auto()
    """Of a messenger or network, with something beside it that may be a handle."""
    MAIL = auto()
    VANITY_NUMBER = auto()


NAMES = tuple(sorted(bundled("messengers") | bundled("networks")))
"""Of messengers and networks."""

_A = r"[a-z0-9\x{80}-\x{10ffff}]"
_S = r"[\x09-\x0d\x1c-\x20\x{80}-\x{10ffff}]"
_SURE_TLDS = r"(?:com|net|org|biz|info|ru|xyz|co\.uk|com\.br)"


def _any(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(re.escape(word) for word in words))})"


_NAMES = _any(name for name in NAMES if name.isascii()).replace(r"\ ", f"{_S}*")
_NAMED = f"(?:{_NAMES}|t\\.?g|wa)"
_BESIDE = r"[^a-z0-9_@]"
_COUNT = _any(NUMBER_WORDS).replace("ü", "[üÜ]")
_BETWEEN = rf"(?:[0-9.,-]|{_S})"
_N, _D = r"(?:[^a-z0-9]|[oilbsz])", "[0-9]"
_LETTERS_AMONG_DIGITS = "|".join(
    f"{_D}(?:[^a-z0-9]*{_D}){{{before - 1}}}[^a-z0-9]*[oilbsz](?:{_N}*{_D}){{{max(6 - before, 1)}}}"
    for before in range(1, 7)
)
"""Six digits, and a letter that may stand for one between the first and the last of them."""

_PATTERNS = {
    Hint.MARKUP: r"</?[a-z]|<!--|\]\(|\]:|\[/|\*\*|__|~~|`|&",
    Hint.UNUSUAL: (
        r"[^\x00-\x{ac}\x{ae}-\x{130}\x{132}-\x{17f}\x{2010}-\x{2026}\x{2030}-\x{203a}\x{20ac}]"
    ),
    Hint.FOREIGN: (
        r"[^\x00-\x{aa}\x{ac}-\x{b6}\x{b8}-\x{17f}\x{2010}-\x{2021}\x{2023}-\x{2026}\x{2030}-\x{2038}"
        r"\x{203a}\x{20ac}]"
    ),
    # To ``re`` an i and an s are accented letters too: they differ from some by their case alone.
    Hint.ACCENTED_SUFFIX: r"\.[a-z]{0,3}[is\x{c0}-\x{24f}\x{1e00}-\x{1eff}]",
    Hint.ODD_SCHEME: (
        r"h(?:xx|tx|xt|\*\*|\+\+|__|--|\.\.)p|http(?:[^s:]|s[^:]|s?:(?:[^/]|/[^/]|//[^a-z0-9_\[])|$)"
        r"|https?:?/?/?$|:/(?:[^/]|$)|(?:^| )ttp"
    ),
    Hint.BRACKETS: (
        rf"[\[({{<][ \t]?(?:[.,:@]"
        rf"|(?:at?|d[o0]t|d o t|punkt|punto|ponto|nokta|period|point|stop|pt)[ \t]?[\])}}>]"
        rf"|{_A}*[\x{{80}}-\x{{10ffff}}])|\.[\])}}]{_A}|\.[\[({{]"
    ),
    Hint.PARTED_LETTERS: rf" {_A} {_A} {_A}|\. {_A} {_A}",
    Hint.SPELT_DOT: "dot|d0t|punkt|punto|ponto|nokta| point (?:com|fr)",
    Hint.COMMA: rf"[,;]{_SURE_TLDS}|,[0-9]{{3}},[0-9]{{4}}",
    Hint.ESCAPED: r"[%\\]",
    Hint.WWW: "www",
    Hint.SPELT_NUMBER: rf"{_COUNT}{_BETWEEN}+(?:{_any(TIMES)}{_BETWEEN}+)*{_COUNT}",
    Hint.BACKWARDS: r"moc\.|//:",
    Hint.ODD_DOT: (
        r"[ \n\"'+*~|_\\]\.|\.(?:[)\]}({.]|c0m|0rg|n3t|c o|co m|n e|ne t|o r|or g"
        r"|[ \n](?:com|net|org|biz|info|ru|xyz|co\.uk|c o|n e|o r)(?:[^a-z0-9_]|$))"
    ),
    Hint.LINK: rf"\.{_A}|:[/\\]",
    Hint.LONG_WORD: r"[0-9a-z]{25}",
    Hint.LONG_NUMBER: f"{_D}(?:{_N}*{_D}){{9}}|{_LETTERS_AMONG_DIGITS}",
    Hint.NAME: (
        rf"{_NAMED}{_BESIDE}*(?:(?:me|us|group|number|no|id|at|on|contact|chat|is|via|handle|user"
        rf"|username|now|here|channel|add|only|my|our|pe|par|account|page|profile){_BESIDE}+)*"
        rf"(?:@|[0-9][^a-z]{{7}})"
        rf"|{_NAMED}(?:{_S}*(?:[:=>-]+|{_S}(?:is|id|user|username|handle|name|acc(?:ount)?|number)"
        rf"(?:{_S}?(?:[:=>-]|is))?)){_S}?[>@]?{_S}?[a-z][a-z0-9_.]{{3}}"
        rf"|@[a-z0-9_.]{{3}}[a-z0-9_.]*{_BESIDE}+(?:on|in|at|via)?{_BESIDE}*{_NAMED}"
        rf"|#[0-9]{{4}}|tg://resolve|wa[ :]{{1,3}}(?:\+|62|08[1-9])|vx|qq"
        r"|[\x{130}\x{131}\x{17f}\x{212a}]"
    ),
    Hint.MAIL: (
        rf"@[a-z0-9\-\x{{80}}-\x{{10ffff}}]|at{_S}+(?:g{_S}?mail|yahoo|hotmail|outlook|proton|mail|yandex|aol|gmx|icloud)"
        rf"|gmail{_S}?(?::|=|is|id)"
    ),
    Hint.VANITY_NUMBER: r"1[ .-]8(?:00|33|44|55|66|77|88)[ .-]",
}  # fmt: skip


_AUTOMATON = Automaton(_PATTERNS[hint] for hint in Hint)
_ALL = frozenset(Hint)

Hints = Collection[int]


def hints_of(text: str) -> Hints:
    """Which of the hints a text has; none for most.

    Linear in the text's length. A text that is no Unicode (lone surrogates) has all.
    """
    try:
        return _AUTOMATON.found(text.encode().lower())
    except UnicodeEncodeError:
        return _ALL


def hints_of_each(texts: Sequence[str]) -> list[Hints]:
    """The same of several texts."""
    try:
        return [*_AUTOMATON.found_in_each([text.encode().lower() for text in texts])]
    except UnicodeEncodeError:
        return [*map(hints_of, texts)]
