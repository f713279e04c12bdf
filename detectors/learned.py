"""The learned text signal: what an account writes reads like spam that was seen before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from contracts.event import Event
from contracts.ruleset import LEARNED, Ruleset
from contracts.signal import Finding
from detectors.content import Content, read_content
from detectors.example import Example, post, signup
from detectors.text_feature import telling_words
from detectors.text_model import TextModel, percent
from detectors.wording import Wording, read_wording

MIN_BIO_WORDS = 12
"""What is written of oneself in fewer words, without a link or a contact, says too little."""


class Learned:
    """Finds what reads like spam to a model.

    Args:
        ruleset: Whether it prices the finding.
        model: What was learned.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            post("Check out my channel and subscribe please, I do covers!", kind="comment"),
            ("text.learned",),
        ),
        Example(
            post("Make $500 a day with this simple trick, sign up now at http://lucky.example"),
            ("text.learned",),
        ),
        Example(post("What a beautiful song, my mother played it on Sundays", kind="comment")),
        Example(
            post(
                "Join us for an evening of jazz in the old town hall. Doors open at 19:00, and the"
                " bar is open until midnight. Tickets: https://www.eventbrite.com/e/123"
            )
        ),
        Example(
            signup(
                website="https://trees.example.net",
                bio="We plant trees in the city and tell of it at school since 1998.",
            )
        ),
        Example(signup(website="https://trees.example.net")),
        Example(signup(email="anna@example.org")),
    )

    def __init__(self, ruleset: Ruleset, model: TextModel) -> None:
        rule = ruleset.signals.get(LEARNED)
        self._priced = rule is not None and rule.mode != "off"
        self._model = model

    def observe(
        self, event: Event, content: Content | None = None, wording: Wording | None = None
    ) -> tuple[Finding, ...]:
        """Find what the ruleset prices.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
            wording: What ``read_wording`` made of that, where that is at hand.
        """
        content = content or read_content(event)
        return self.observe_all((event,), (content,), (wording or read_wording(content),))[0]

    def observe_all(
        self, events: Sequence[Event], contents: Sequence[Content], wordings: Sequence[Wording]
    ) -> list[tuple[Finding, ...]]:
        """Find the same in several events at once."""
        if not self._priced:
            return [()] * len(events)
        texts = [*map(_told, events, contents, wordings)]
        logits = iter(self._model.logits([words for words in texts if words]))
        return [self._judged(words, next(logits)) if words else () for words in texts]

    def _judged(self, words: list[bytes], logit: float) -> tuple[Finding, ...]:
        model = self._model
        if logit < model.threshold:
            return ()
        evidence = {
            "percent": percent(logit),
            "limit_percent": percent(model.threshold),
            "tokens": [f"{token.word} +{token.weight}" for token in model.strongest(words)],
            "model": model.name,
        }
        return (Finding(code=LEARNED, evidence=evidence),)


def _told(event: Event, content: Content, wording: Wording) -> list[bytes]:
    """The words to judge an event by; none if it says too little."""
    if (
        event.type == "signup"
        and len(wording.words) < MIN_BIO_WORDS
        and not (content.written_links or content.contacts)
    ):
        return []
    return telling_words(content, wording)
