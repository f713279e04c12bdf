"""Many phrases looked for in one text at once, at the cost of a few set operations.

Each phrase is known by its longest whole word; only where a text has one of these does it cost
anything. Scripts that write no spaces, and Korean, which joins endings to words, are searched for
the characters themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

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


class _Pattern(NamedTuple):
    phrase: Phrase
    words: tuple[tuple[bytes, bool], ...]
    """Each with whether any ending will do."""
    anchor: int
    exact: list[bytes] | None
    """The words, where none of them may have any ending."""


class Phrases:
    """Finds the phrases of some lists.

    Args:
        lists: Entries by the name of their list: words with spaces between, a ``*`` behind a word
            for any ending, a ``!`` before the first for what tells alone. One that has only words
            of any ending is never found: ``is_phrase`` says no to it.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._by_anchor: dict[bytes, list[_Pattern]] = {}
        self._joined: list[tuple[Phrase, tuple[bytes, ...]]] = []
        for name, entries in sorted(lists.items()):
            for entry in sorted(entries):
                phrase = Phrase(name, entry.lstrip("!"), entry.startswith("!"))
                if _JOINED.search(phrase.entry):
                    parts = tuple(b"".join(plain_words(one)) for one in phrase.entry.split())
                    self._joined.append((phrase, parts))
                elif anchor := _anchor(words := tuple(_words_of(phrase.entry))):
                    exact = None if any(free for _, free in words) else [word for word, _ in words]
                    pattern = _Pattern(phrase, words, words.index((anchor, False)), exact)
                    self._by_anchor.setdefault(anchor, []).append(pattern)
        self._anchors = frozenset(self._by_anchor)
        first = sorted({parts[0] for _, parts in self._joined})
        self._any_joined = re.compile(b"|".join(map(re.escape, first))) if first else None

    def find(self, words: list[bytes]) -> list[Phrase]:
        """The phrases of a text, each once, by list and entry.

        Args:
            words: As ``detectors.wording`` gives them.
        """
        found: set[Phrase] = set()
        if anchors := self._anchors.intersection(words):
            for at, word in enumerate(words):
                if word in anchors:
                    found.update(
                        pattern.phrase
                        for pattern in self._by_anchor[word]
                        if _stands(pattern, words, at - pattern.anchor)
                    )
        if self._any_joined is not None:
            text = b"".join(words)
            if not text.isascii() and _MAY_BE_JOINED.search(text) and self._any_joined.search(text):
                found.update(
                    phrase for phrase, parts in self._joined if all(part in text for part in parts)
                )
        return sorted(found) if found else []


def is_phrase(entry: str) -> bool:
    """Whether an entry can be found: it has a whole word."""
    entry = entry.lstrip("!")
    return bool(_JOINED.search(entry)) or _anchor(tuple(_words_of(entry))) is not None


def _anchor(words: tuple[tuple[bytes, bool], ...]) -> bytes | None:
    whole = [word for word, any_ending in words if not any_ending]
    return max(whole, key=len) if whole else None


def _words_of(entry: str) -> Iterator[tuple[bytes, bool]]:
    for piece in entry.split():
        words = plain_words(piece.rstrip("*"))
        for word in words[:-1]:
            yield word, False
        if words:
            yield words[-1], piece.endswith("*")


def _stands(pattern: _Pattern, words: list[bytes], begin: int) -> bool:
    if begin < 0:
        return False
    end = begin + len(pattern.words)
    if pattern.exact is not None:
        return words[begin:end] == pattern.exact
    if end > len(words):
        return False
    return all(
        written.startswith(word) if any_ending else written == word
        for written, (word, any_ending) in zip(words[begin:end], pattern.words, strict=True)
    )
