"""Texts made up by templates, spam and honest, for the model that ships to learn from.

The templates lie in ``tuning/corpus`` and were written for this project, so that what is learned
from them may be shipped. The same seed gives the same texts.
"""

from __future__ import annotations

import random
import re
from functools import cache
from importlib import resources

from contracts.event import Post, from_epoch_ms
from contracts.ids import AccountId, EventId
from tuning.fit import LabelledText, labelled

SHOUTED, CAPITALISED, MISTYPED = 0.1, 0.4, 0.1
"""Shares of texts; the second one counts from the first on."""

_SLOT = re.compile(r"\{([a-z]+)\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_ENDS = ("", "", "", "!", "!!", ".", " :)", " 👍")
_BEGINS = ("", "", "", "", "Hi! ", "wow. ", "hey, ", "OK: ")


def made_texts(*, each: int, seed: int = 1) -> list[LabelledText]:
    """Texts of every template, ``each`` of them; a template's texts are one group."""
    draw = random.Random(seed)
    texts = []
    for name, is_spam in (("spam", True), ("honest", False)):
        for number, template in enumerate(templates(name)):
            for _ in range(each):
                post = _post(_varied(draw, _filled(draw, template)), number)
                texts.append(labelled(post, is_spam=is_spam, group=f"{name}-{number}"))
    return texts


@cache
def templates(name: str) -> tuple[str, ...]:
    """The templates of a file, without its comments."""
    text = resources.files("tuning").joinpath("corpus", f"{name}.txt").read_text("utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def slots() -> dict[str, tuple[str, ...]]:
    """What fills each slot."""
    found = (line.partition(":") for line in templates("slots"))
    return {name: tuple(value.strip() for value in values.split("|")) for name, _, values in found}


def _filled(draw: random.Random, template: str) -> str:
    text = template
    while choice := _CHOICE.search(text):
        text = text[: choice.start()] + draw.choice(choice[1].split("|")) + text[choice.end() :]
    while slot := _SLOT.search(text):
        text = text[: slot.start()] + draw.choice(slots()[slot[1]]) + text[slot.end() :]
    return re.sub(r"\{0\}", lambda _: str(draw.randrange(10)), text)


def _varied(draw: random.Random, text: str) -> str:
    """As people type: some shout, some drop a letter, some write on."""
    style = draw.random()
    if style < SHOUTED and "http" not in text:
        text = text.upper()
    elif style < CAPITALISED:
        text = text[:1].upper() + text[1:]
    if draw.random() < MISTYPED:
        at = draw.randrange(len(text))
        text = text[:at] + text[at + 1 :]
    return f"{draw.choice(_BEGINS)}{text}{draw.choice(_ENDS)}"


def _post(text: str, number: int) -> Post:
    return Post(
        event_id=EventId(f"made-{number}"),
        account_id=AccountId("made"),
        occurred_at=from_epoch_ms(0),
        kind="comment",
        text=text,
    )
