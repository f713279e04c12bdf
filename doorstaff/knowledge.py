"""Which lists and which text model a worker takes: those kept in SQL, else those that ship."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Engine, inspect

from contracts.errors import ContractError, InvalidNameList
from detectors.knowledge import BUNDLED, Knowledge
from detectors.lists import bundled_names, names_in
from detectors.phrase import is_phrase
from detectors.text_model import parse_model
from doorstaff.database import found_database
from doorstaff.errors import DoorstaffError
from doorstaff.settings import Settings
from store.knowledge import TEXT_MODEL, KnownText, all_knowledge
from store.schema import knowledge as table

MAX_PROBLEMS = 5
MAX_ENTRY_CHARS = 253

_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")

PHRASES = "prohibited_"
"""How the names of lists of phrases begin; the others hold domains."""


def knowledge_of(engine: Engine) -> Knowledge:
    """What is kept in a database at the newest schema.

    Raises:
        DoorstaffError: What is kept cannot be used; with what to do.
    """
    with engine.connect() as connection:
        return _knowledge(all_knowledge(connection))


def choose_knowledge(settings: Settings, *, model: Path | None = None) -> Knowledge:
    """What a worker would take, for commands that only look; nothing is made or migrated for it.

    Args:
        settings: Where the database is.
        model: A text model's file, in place of the one that is kept.

    Raises:
        InvalidTextModel: The file holds none.
        DoorstaffError: It cannot be read.
    """
    known = BUNDLED
    with found_database(settings) as engine:
        if engine is not None and inspect(engine).has_table(table.name):
            known = knowledge_of(engine)
    if model is None:
        return known
    return Knowledge(names=known.names, model=parse_model(read_text(model)))


def read_text(file: Path) -> str:
    """A file's text.

    Raises:
        DoorstaffError: It cannot be read.
    """
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read: {error}"
        raise DoorstaffError(message) from None


def check_names(name: str, text: str, *, file: str) -> frozenset[str]:
    """The names of a list's text: domains, or phrases for the prohibited industries.

    Raises:
        InvalidNameList: With the first lines that are none.
    """
    if name.startswith(PHRASES):
        kind, is_entry = "a phrase with a whole word", is_phrase
    else:
        kind, is_entry = "a domain", is_domain
    problems = [
        f"{file}:{number}: {entry[:60]!r} is not {kind}"
        for number, line in enumerate(text.splitlines(), 1)
        if (entry := line.partition("#")[0].strip().lower())
        and (len(entry) > MAX_ENTRY_CHARS or not is_entry(entry))
    ]
    if problems:
        raise InvalidNameList(tuple(problems[:MAX_PROBLEMS]))
    names = names_in(text)
    if not names:
        raise InvalidNameList((f"{file}: no names in it; one a line, # begins a comment",))
    return names


def is_domain(entry: str) -> bool:
    """Whether it is written like a domain, or a suffix."""
    return _DOMAIN.fullmatch(entry) is not None


def _knowledge(kept: tuple[KnownText, ...]) -> Knowledge:
    known = bundled_names()
    try:
        return Knowledge(
            names={
                one.name: check_names(one.name, one.body, file=one.name)
                for one in kept
                if one.name in known
            },
            model=next((parse_model(one.body) for one in kept if one.name == TEXT_MODEL), None),
        )
    except ContractError as error:
        message = (
            f"what `doorstaff lists` and `doorstaff model` keep cannot be used: {error}; put it"
            " right, or go back to what ships with `lists reset` or `model reset`"
        )
        raise DoorstaffError(message) from None
