"""Lettering: what the letters and repetitions of a text say, whatever it links to."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import ClassVar

from contracts.event import Event
from contracts.ids import Code
from contracts.ruleset import Ruleset
from contracts.signal import Evidence, Finding
from detectors.content import Content, read_content
from detectors.example import Example, post, signup
from detectors.wording import Wording, read_wording

MIN_LOOKALIKES = 2
MIN_INVISIBLE = 3
MIN_STUFFED_WORDS = 30
MIN_REPEATS = 8
MIN_PHRASE_SHARE = 0.2
MIN_HASHTAGS = 15
SHOWN_PHRASES = 3

_HASHTAG = re.compile(r"(?<!\w)#[^\W\d]\w{1,40}")


class Lettering:
    """Finds words in borrowed letters, hidden or turned signs, and stuffed keywords."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(post("Buy v\u0456agra and le\u0432itra here"), ("text.lookalikes",)),
        Example(post("Win ca\u200bsh, fr\u200bee mon\u200bey now"), ("text.invisible",)),
        Example(post("Visit \u202eterces\u202c today"), ("text.reversed",)),
        Example(
            post("cheap pills online buy cheap pills order cheap pills now " * 5), ("text.stuffed",)
        ),
        Example(
            post(" ".join(f"#party{letter}" for letter in "abcdefghijklmnopqrst")),
            ("text.stuffed",),
        ),
        Example(signup(bio="Fr\u200bee mon\u200bey, ca\u200bsh"), ("text.invisible",)),
        # Honest texts.
        Example(post("We measure 5 \u03bcm of TNF\u03b1 in a workshop on SQL.")),
        Example(post("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645, \u200f2026\u200f")),
        Example(post("\U0001f468\u200d\U0001f469\u200d\U0001f467 are all welcome")),
        Example(post("We meet in the old town hall, as every year, and talk about trees. " * 4)),
        Example(post("Jazz, jazz, jazz! All that jazz.")),
    )

    def __init__(self, ruleset: Ruleset) -> None:
        self._priced: frozenset[str] = frozenset(
            code for code, rule in ruleset.signals.items() if rule.mode != "off"
        )

    def observe(
        self, event: Event, content: Content | None = None, wording: Wording | None = None
    ) -> tuple[Finding, ...]:
        """Find what the ruleset prices; each code at most once.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
            wording: What ``read_wording`` made of that.
        """
        if event.type == "upload":
            return ()
        content = content or read_content(event)
        return self.find(content, wording or read_wording(content))

    def find(self, content: Content, wording: Wording) -> tuple[Finding, ...]:
        """The findings of a content that has been read."""
        found: list[tuple[str, Evidence]] = []
        if content.lookalikes >= MIN_LOOKALIKES:
            found.append(("text.lookalikes", {"words": content.lookalikes}))
        if content.invisible_in_words >= MIN_INVISIBLE:
            found.append(("text.invisible", {"in_words": content.invisible_in_words}))
        if content.reversed:
            found.append(("text.reversed", {"times": content.reversed}))
        if stuffed := stuffing(content.text, wording.words):
            found.append(("text.stuffed", stuffed))
        if not found:
            return ()
        return tuple(
            Finding(code=Code(code), evidence=evidence)
            for code, evidence in found
            if code in self._priced
        )


def stuffing(text: str, words: list[bytes]) -> Evidence | None:
    """How far a text consists of one phrase over and over, or of hashtags.

    A phrase is two words in a row, two different ones. Prose of any length repeats ``of the`` in a
    few of a hundred places; here it is ``MIN_PHRASE_SHARE`` of them. What has digits is no word: a
    timetable repeats itself.

    Args:
        text: As it was written.
        words: Its words (``detectors.wording``).
    """
    if text.count("#") >= MIN_HASHTAGS:
        hashtags = len(_HASHTAG.findall(text))
        if hashtags >= MIN_HASHTAGS and hashtags * 2 > len(words):
            return {"hashtags": hashtags, "words": len(words)}
    if len(words) < MIN_STUFFED_WORDS or len({*words}) * 3 > len(words):
        return None
    words = [word for word in words if b"0" not in word]
    if len(words) < MIN_STUFFED_WORDS:
        return None
    phrases = Counter(pairwise(words))
    top = [
        (pair, times)
        for pair, times in phrases.most_common(SHOWN_PHRASES)
        if times >= MIN_REPEATS and pair[0] != pair[1]
    ]
    if not top or sum(times for _, times in top) < MIN_PHRASE_SHARE * len(words):
        return None
    shown = {b" ".join(pair).decode("utf-8", "replace"): times for pair, times in top}
    return {"phrases": shown, "words": len(words)}
