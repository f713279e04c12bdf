"""The words of a text, against a plain statement of what they are."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from detectors.wording import Wording, plain_words

BLANKS = re.compile("[^0-9a-z\u0080-\U0010ffff]|[\u00a0\u201c\u201d\u2028\u3002\uff01\u0964]")
"""Between words, of the signs below."""

SIGNS = (
    "abcXYZ 0189'.,-!\u2019\u201c\u201d\u00df\u00c4\u00e4\u0130\u0131\u03a3\u03c3\u03c2\u03b1\u0391"
    "\u6f22\u3002\u00a0\u2028\uff01\u0434\u0416\u0964\U0001f600"
)


def words_of(text: str) -> list[bytes]:
    kept = BLANKS.sub(" ", text.lower().replace("'", "").replace("\u2019", ""))
    return [re.sub("[0-9]", "0", word).encode() for word in kept.split(" ") if word]


@given(st.text(SIGNS))
def test_words_are_lower_case_with_digits_told_apart_no_more(text: str) -> None:
    assert Wording(text).words == words_of(text)
    assert plain_words(text) == words_of(text)


@given(st.text(SIGNS))
def test_written_words_are_the_same_as_their_author_wrote_them(text: str) -> None:
    wording = Wording(text)
    assert len(wording.written) == len(wording.words)
    for word, written in zip(wording.words, wording.written, strict=True):
        assert word.decode() == written.decode().lower() or "\u03a3" in text or "\u0130" in text


def test_half_of_a_pair_of_surrogates_is_no_word() -> None:
    assert plain_words("one \ud800 two") == [b"one", b"two"]
