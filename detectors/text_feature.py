"""What the learned text signal looks at: pieces of words, hashed.

A piece is five bytes of UTF-8 wherever they begin, so that ``subscribe`` and ``suscribers`` have
much in common, and languages without spaces are read like others. No list of pieces is kept: each
is a place among ``SIZE`` weights, by a hash that is the same on every machine. Links and contacts
are words of their own, whatever they are: ``<link>``, ``<known>`` for one to a site that everybody
links to, ``<phone>``.

Words and pairs of words as features were measured too: cross-validated on the labelled comments
they add nothing to the pieces, and cost as much again (docs/decisions/0102).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.content import Content
from detectors.lists import NameList, bundled
from detectors.wording import Wording

BITS = 15
SIZE = 1 << BITS
PIECE_BYTES = 5
MAX_WORDS = 400
"""What is read of a longer text: so many words, three quarters of them from its beginning."""
MAX_LINKS = 1
"""That there is a link says something; how many there are is for the density of links to judge."""
MAX_LETTERS = 20_000

_HEAD_WORDS = MAX_WORDS * 3 // 4
_WORD_BYTES = 8
_BLANKS = b" " * _WORD_BYTES
_PIECE = np.dtype("<u8")
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_DOWN = np.uint64(64 - BITS)
_PIECE_MASK = np.uint64((1 << 8 * PIECE_BYTES) - 1)

Places = NDArray[np.int64]


def telling_words(content: Content, wording: Wording) -> list[bytes]:
    """The words that are looked at, with what stands for a link and a contact behind them.

    A signup's website, or the links beside a post, are no words where nothing is written.
    """
    words = wording.words
    if len(words) > MAX_WORDS:
        words = words[:_HEAD_WORDS] + words[-(MAX_WORDS - _HEAD_WORDS) :]
    if content.text and (content.links or content.contacts):
        words = words + [_link_word(link.host) for link in content.links[:MAX_LINKS]]
        words += [f"<{contact.kind}>".encode() for contact in content.contacts[:MAX_LINKS]]
    return words


def _link_word(host: str) -> bytes:
    """By the list that ships: what was learned does not change when a platform's own does."""
    return b"<known>" if host in _KNOWN else b"<link>"


_KNOWN = NameList("allowed_domains", bundled("allowed_domains"))


class Pieces(NamedTuple):
    """The pieces of some texts, one text after another.

    Attributes:
        places: Where the weights lie; between two texts are some that belong to none.
        bounds: Where each text begins and ends in these.
        counts: How many pieces each text has.
    """

    places: Places
    bounds: list[int]
    counts: list[int]

    @classmethod
    def of(cls, texts: Sequence[list[bytes]], begin: int) -> Pieces:
        """Those of the texts from ``begin`` on, as many as make ``MAX_LETTERS`` bytes together."""
        letters: list[bytes] = []
        bounds: list[int] = []
        counts: list[int] = []
        at = 0
        for words in islice(texts, begin, None):
            line = b" ".join(words)[:MAX_LETTERS]
            if letters and at + len(line) > MAX_LETTERS:
                break
            letters += (line, _BLANKS)
            counts.append(len(line) + 1)
            bounds += (at, at + len(line) + 1)
            at += len(line) + _WORD_BYTES
        return cls(_places(b"".join((*letters, b" "))), bounds, counts)


def piece_places(words: list[bytes]) -> Places:
    """Where the weights of the pieces of a text lie, one for each byte.

    Returns:
        ``int64[n]``, where ``n`` is the length of the words with one space behind each.
    """
    return _places(b" ".join(words)[:MAX_LETTERS] + _BLANKS)


def _places(letters: bytes) -> Places:
    pieces = np.ndarray((len(letters) - _WORD_BYTES + 1,), _PIECE, letters, 0, (1,))
    hashes = pieces & _PIECE_MASK
    hashes *= _MIX
    hashes >>= _DOWN
    return hashes.view(np.int64)
