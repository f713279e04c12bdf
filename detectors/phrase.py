"""Many phrases looked for in one text at once, in one pass of one automaton.

Scripts that write no spaces, and Korean, which joins endings to words, are searched for the
characters themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from detectors.automaton import Automaton
from detectors.wording import plain_words

_JOINED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]"
)


_MAY_BE_JOINED = re.compile(rb"[\xe0\xe1\xe3-\xed]")
"""How a character of those begins in UTF-8."""


class Phrase(NamedTuple):
    """A phrase of a list.

    Attributes:
        name: Of the list.
        entry: As the list has it.
        tells_alone: Whether it is enough by itself.
    """

    name: str
    entry: str
    tells_alone: bool


class Phrases:
    """Finds the phrases of some lists.

    Args:
        lists: Entries by the name of their list: words with spaces between, a ``*`` behind a word
            for any ending, a ``!`` before the first for what tells alone. One that has only words
            of any ending is never found: ``is_phrase`` says no to it.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._phrases: list[Phrase] = []
        self._joined: list[tuple[Phrase, tuple[bytes, ...]]] = []
        patterns: list[str] = []
        for name, entries in sorted(lists.items()):
            for entry in sorted(entries):
                phrase = Phrase(name, entry.lstrip("!"), entry.startswith("!"))
                if _JOINED.search(phrase.entry):
                    parts = tuple(b"".join(plain_words(one)) for one in phrase.entry.split())
                    self._joined.append((phrase, parts))
                elif _has_whole_word(words := tuple(_words_of(phrase.entry))):
                    self._phrases.append(phrase)
                    patterns.append(_pattern(words))
        self._automaton = Automaton(patterns)
        first = sorted({parts[0] for _, parts in self._joined})
        self._any_joined = re.compile(b"|".join(map(re.escape, first))) if first else None

    def find(self, texts: Sequence[list[bytes]]) -> list[list[Phrase]]:
        """The phrases of each text, once each, by list and entry.

        Args:
            texts: Words as ``detectors.wording`` gives them.
        """
        lines = [b" %b " % b" ".join(words) for words in texts]
        which = self._automaton.found_in_each(lines)
        found = [[self._phrases[number] for number in numbers] for numbers in which]
        if self._any_joined is not None:
            for at, line in enumerate(lines):
                if not line.isascii() and _MAY_BE_JOINED.search(line):
                    found[at] += self._joined_in(b"".join(texts[at]))
        return [sorted(phrases) if phrases else phrases for phrases in found]

    def _joined_in(self, text: bytes) -> list[Phrase]:
        """Of those in scripts without spaces."""
        if self._any_joined is None or not self._any_joined.search(text):
            return []
        return [phrase for phrase, parts in self._joined if all(part in text for part in parts)]


def is_phrase(entry: str) -> bool:
    """Whether an entry can be found: it has a whole word."""
    entry = entry.lstrip("!")
    return bool(_JOINED.search(entry)) or _has_whole_word(_words_of(entry))


def _has_whole_word(words: Iterable[tuple[bytes, bool]]) -> bool:
    return any(not any_ending for _, any_ending in words)


def _words_of(entry: str) -> Iterator[tuple[bytes, bool]]:
    for piece in entry.split():
        words = plain_words(piece.rstrip("*"))
        for word in words[:-1]:
            yield word, False
        if words:
            yield words[-1], piece.endswith("*")


def _pattern(words: Iterable[tuple[bytes, bool]]) -> str:
    """The words in a row, as they stand in a line of words with a blank between."""
    return f" {' '.join(re.escape(word.decode()) + '[^ ]*' * free for word, free in words)} "
