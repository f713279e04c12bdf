"""Prohibited industries: what the platform's terms of service do not allow to be sold there.

Not a list of words: a lecture on opioids names tramadol, and a charity holds a casino night. What
tells is what sellers say: ``buy tramadol``, ``no deposit bonus``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from contracts.event import Event
from contracts.ids import Code
from contracts.ruleset import Ruleset
from contracts.signal import Finding
from detectors.content import Content, read_content
from detectors.example import Example, post, signup
from detectors.knowledge import BUNDLED, Knowledge
from detectors.phrase import Phrase, Phrases
from detectors.wording import Wording, read_wording

PROHIBITED = Code("text.prohibited")
LIST = "prohibited_{}"
WORDS_TO_A_WEAK_ONE = 150
"""A long text has weak words by chance: it needs one more for each so many words."""
MIN_WEAK = 2
MAX_SHOWN = 5


class Prohibited:
    """Finds what is sold against the terms of service.

    Args:
        ruleset: Which industries are prohibited.
        knowledge: Whose lists of phrases are used.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(post("Buy tramadol online, overnight delivery"), ("text.prohibited",)),
        Example(post("Spin now: no deposit bonus for new players!"), ("text.prohibited",)),
        Example(post("Best essay writing services, from 9 dollars a page"), ("text.prohibited",)),
        Example(post("Chiefs vs Bills live stream free", kind="comment"), ("text.prohibited",)),
        Example(post("Онлайн-казино: бонус за регистрацию"), ("text.prohibited",)),
        Example(post("想要在线赌场吗注册即送"), ("text.prohibited",)),
        Example(post("Kredit ohne Schufa, sofort auf Ihr Konto"), ("text.prohibited",)),
        Example(signup(bio="Compra viagra sin receta"), ("text.prohibited",)),
        Example(post("jackpot, roulette and blackjack all night"), ("text.prohibited",)),
        # Honest pages.
        Example(post("Casino night for a good cause: roulette with toy money, and a raffle")),
        Example(post("Lecture: tramadol, oxycodone and the opioid crisis")),
        Example(post("How to write an essay. A course of the university's writing centre")),
        Example(post("We stream the concert live, free of charge, on our own site")),
        Example(post("A talk on wallets, mining and why I would not buy bitcoin")),
        Example(post("Buy your tickets online, without waiting. Slots from 10:00 on")),
        Example(signup(email="anna@example.org")),
    )

    def __init__(self, ruleset: Ruleset, knowledge: Knowledge = BUNDLED) -> None:
        rule = ruleset.signals.get(PROHIBITED)
        self._priced = rule is not None and rule.mode != "off"
        self._phrases = Phrases(
            {industry: knowledge.names_of(LIST.format(industry)) for industry in ruleset.prohibited}
        )

    def observe(
        self, event: Event, content: Content | None = None, wording: Wording | None = None
    ) -> tuple[Finding, ...]:
        """Find what the ruleset prices.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
            wording: What ``read_wording`` made of that, where that is at hand.
        """
        wording = wording or read_wording(content or read_content(event))
        return self.observe_all((wording,))[0]

    def observe_all(self, wordings: Sequence[Wording]) -> list[tuple[Finding, ...]]:
        """Find the same in the wordings of several events at once."""
        if not self._priced:
            return [()] * len(wordings)
        texts = [wording.words for wording in wordings]
        found = self._phrases.find(texts)
        return [
            _finding(phrases, len(words)) if phrases else ()
            for phrases, words in zip(found, texts, strict=True)
        ]


def _finding(found: list[Phrase], words: int) -> tuple[Finding, ...]:
    telling = _telling(found, words)
    if not telling:
        return ()
    evidence = {
        "industries": sorted({phrase.name for phrase in telling}),
        "entries": [
            {"list": LIST.format(phrase.name), "entry": phrase.entry}
            for phrase in telling[:MAX_SHOWN]
        ],
    }
    return (Finding(code=PROHIBITED, evidence=evidence),)


def _telling(found: list[Phrase], words: int) -> list[Phrase]:
    """What tells alone, and the weak ones of an industry that has enough of them."""
    telling = [phrase for phrase in found if phrase.tells_alone]
    weak = [phrase for phrase in found if not phrase.tells_alone]
    needed = MIN_WEAK + words // WORDS_TO_A_WEAK_ONE
    for industry in sorted({phrase.name for phrase in weak}):
        own = [phrase for phrase in weak if phrase.name == industry]
        if len(own) >= needed or (telling and any(one.name == industry for one in telling)):
            telling += own
    return telling
