"""A text in outline: what it cannot hold, known before anything is looked for.

Each character is one byte, of which only the sort counts, so a search for a shape (three single
letters in a row, a dot before a letter, many digits near one another) is a search for a few fixed
bytes. One pass of an Aho-Corasick automaton says which telling words there are: names of messengers
and networks, words for digits, spelt-out dots. All of it lets through whatever it does not know, as
letters outside ASCII: who asks looks closer (docs/decisions/0110).
"""

from __future__ import annotations

import re
import string

from ahocorasick_rs import BytesAhoCorasick

from detectors.lists import bundled
from detectors.number_word import NUMBER_WORDS, TIMES

_LETTERS, _DIGITS = string.ascii_letters.encode(), string.digits.encode()
_SHAPES = bytes.maketrans(
    _LETTERS + _DIGITS + b"?", b"a" * len(_LETTERS) + b"a" * len(_DIGITS) + b"a"
)
"""Letters, digits and what is not ASCII are all alike; a ``?`` may be one of the last."""
_AS_DIGITS = b"OoIlBSZ"
_OTHERS = bytes(letter for letter in _LETTERS if letter not in _AS_DIGITS)
_FIGURES = bytes.maketrans(_DIGITS + _OTHERS, b"0" * len(_DIGITS) + b"a" * len(_OTHERS))
"""Digits are alike, and so are the letters that never stand for one."""

_WORD_SIGNS = b"\n\t\r\v\f\x1c\x1d\x1e\x1f:=-()[]{}<>,!?@'+*#/|~\"" + _DIGITS
_WORDS_ALONE = bytes.maketrans(_WORD_SIGNS, b" " * len(_WORD_SIGNS))

NAMES = tuple(sorted(bundled("messengers") | bundled("networks")))
"""Of messengers and networks."""
FIRST_WORDS = frozenset(
    re.split(rb"[ '@]", name.encode())[0]
    for name in (*NAMES, "tg", "t.g", "wa", "vx", "v", "te", "telegr")
    if name.isascii()
)
"""The beginnings of all names, as words that blanks, signs and digits part."""
_COUNTING = frozenset(word.encode("ascii", "replace").replace(b"?", b" ") for word in NUMBER_WORDS)
_SPELT_DOTS = (b"dot", b"punkt", b"punto", b"ponto")

_FOREIGN_SIGN = re.compile(
    "[^\x00-\xaa\xac-\xb6\xb8-\u017f\u2010-\u2021\u2023-\u2026\u2030-\u2038\u203a\u20ac]"
)

_NAME, _COUNT, _DOT, _WWW = range(4)
_TELLING = (
    *((b" %b " % word, _NAME) for word in sorted(FIRST_WORDS)),
    *((b"%b%b%b" % (before, word, after), _COUNT) for word in sorted(_COUNTING)
      for before in (b" ", b".") for after in (b" ", b".")),
    *((word, _DOT) for word in _SPELT_DOTS),
    (b"www", _WWW),
)  # fmt: skip
_BETWEEN_COUNTS = frozenset(word.encode() for word in TIMES)
_SORTS = tuple(sort for _, sort in _TELLING)
_find_telling = BytesAhoCorasick([word for word, _ in _TELLING]).find_matches_as_indexes


class Outline:
    """What a text may hold, and what it is made of.

    Attributes:
        text: The text itself.
        low: Its ASCII characters in lower case, ``?`` for any other; as long as the text.
        shape: Letters and digits as ``a``, and all else as ``low`` has it.
        may_name: Whether there may be the name of a messenger or network.
        may_count: Whether words for digits stand side by side.
        may_spell_dot: Whether there may be a word for a dot.
        has_www: Whether there is a ``www``.
    """

    __slots__ = (
        "_is_western",
        "_raw",
        "has_www",
        "low",
        "may_count",
        "may_name",
        "may_spell_dot",
        "shape",
        "text",
    )

    def __init__(self, text: str) -> None:
        self.text = text
        self._is_western: bool | None = None
        self._raw = raw = text.encode("ascii", "replace")
        self.low = low = raw.lower()
        self.shape = low.translate(_SHAPES)
        self.may_name = self.may_count = self.has_www = False
        self.may_spell_dot = b"d0t" in low
        words, counted = b" %b " % low.translate(_WORDS_ALONE), -1
        for number, begin, end in _find_telling(words, overlapping=True):
            sort = _SORTS[number]
            if sort == _NAME:
                self.may_name = True
            elif sort == _COUNT:
                between = words[counted:begin].replace(b".", b" ") if counted >= 0 else b"since"
                if _BETWEEN_COUNTS.issuperset(between.split()):
                    self.may_count = True
                counted = end - 1
            elif sort == _DOT:
                self.may_spell_dot = True
            else:
                self.has_www = True

    @property
    def is_western(self) -> bool:
        """Whether it is of Western letters and usual punctuation alone."""
        if self._is_western is None:
            self._is_western = self.text.isascii() or _FOREIGN_SIGN.search(self.text) is None
        return self._is_western

    @property
    def figures(self) -> bytes:
        """Digits as ``0``, letters that may stand for one as they are, and other letters as ``a``.

        What is not ASCII is ``?``.
        """
        return self._raw.translate(_FIGURES)
