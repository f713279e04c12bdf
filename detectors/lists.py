"""Lists of names: what is bundled, with origin and date, and what the ruleset adds.

A bundled list is a text file under ``detectors/lists``: one name a line, ``#`` begins a comment,
and the first lines say where the names are from and when they were taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Literal

import disposable_email_domains

from contracts.ruleset import Lists, Ruleset
from detectors.domain import name_under, ordinary_suffixes

PACKAGED = "disposable_mail_domains"
"""The list that comes with the package ``disposable-email-domains``, not with ours."""

_FIXED = frozenset(
    {
        "ambiguous_suffixes",
        "confusables",
        "help_lines",
        "messengers",
        "networks",
        "placeholders",
        "role_mailboxes",
        "service_words",
    }
)
"""Lists that are part of how texts are read, not of what is thought of them."""

Standing = Literal["allowed", "open_page", "other"]


@dataclass(frozen=True, slots=True)
class NameList:
    """A list of domains; a name on it stands for all that is under it."""

    name: str
    entries: frozenset[str]

    def hit(self, host: str) -> str | None:
        """The entry that ``host`` is, or is under; the longest one."""
        entries = self.entries
        while host not in entries:
            _, dot, host = host.partition(".")
            if not dot:
                return None
        return host

    def __contains__(self, host: str) -> bool:
        return host in self.entries or self.hit(host) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listings:
    """Every list that the detectors consult, the ruleset's names added."""

    blocked: NameList
    allowed: NameList
    """Platforms that everybody links to: never a facet and never a reason."""
    open_pages: NameList
    """Where anybody opens a page to promote themselves: social networks, shops, fund-raisers."""
    shorteners: NameList
    disposable_mail: NameList
    free_mail: NameList
    suspicious_suffixes: NameList
    brands: NameList
    """Whom others pose as; being there says nothing of a link."""
    names: Mapping[str, bool]
    """Every name on a list and every public suffix; true for a suffix that is on no list."""

    def unlisted_domain(self, host: str) -> str | None:
        """The registrable domain of a host, where no list says anything of it.

        None for one that is listed, or is not surely unlisted: then look further. As nearly every
        host is an unlisted one of its own, this is a few look-ups for all lists at once.
        """
        return name_under(host, self.names)

    def standing(self, host: str) -> Standing:
        """What everybody links to, where anybody opens a page, or neither; the longest entry wins.

        ``play.google.com`` is an open page although ``google.com`` is allowed.
        """
        allowed, opened = self.allowed.hit(host), self.open_pages.hit(host)
        if allowed is None and opened is None:
            return "other"
        return "allowed" if len(allowed or "") >= len(opened or "") else "open_page"

    @classmethod
    def of(cls, ruleset: Ruleset, names: Mapping[str, frozenset[str]] | None = None) -> Listings:
        """Bundled lists and the ruleset's names; what the ruleset allows is on no bundled list.

        Args:
            ruleset: What it adds, and allows.
            names: Whole lists by name, in place of the bundled ones.
        """
        return _listings(ruleset.lists, frozenset((names or {}).items()))


@lru_cache(maxsize=8)
def _listings(added: Lists, newer: frozenset[tuple[str, frozenset[str]]]) -> Listings:
    names = dict(newer)

    def known(name: str) -> frozenset[str]:
        return names[name] if name in names else bundled(name)

    allowed = frozenset((*added.allowed_domains, *added.own_domains))
    blocked = (known("blocked_domains") - allowed) | {*added.blocked_domains}
    disposable = known("disposable_mail_domains") - known("free_mail_domains") - allowed
    lists = {
        "blocked": NameList("blocked_domains", blocked),
        "allowed": NameList("allowed_domains", (known("allowed_domains") - blocked) | allowed),
        "open_pages": _less("open_pages", known("open_pages"), allowed),
        "shorteners": NameList("shorteners", (known("shorteners") - allowed) | {*added.shorteners}),
        "disposable_mail": NameList(
            "disposable_mail_domains", disposable | {*added.disposable_mail_domains}
        ),
        "free_mail": _less("free_mail_domains", known("free_mail_domains"), ()),
        "suspicious_suffixes": _less("suspicious_suffixes", known("suspicious_suffixes"), ()),
    }
    listed = NameList("any", frozenset().union(*(one.entries for one in lists.values())))
    ordinary = {
        name: is_ordinary and name not in listed
        for name, is_ordinary in ordinary_suffixes().items()
    }
    brands = NameList("brands", known("brands"))
    return Listings(**lists, brands=brands, names=ordinary | dict.fromkeys(listed.entries, False))


@cache
def bundled(name: str) -> frozenset[str]:
    """The names of a bundled list, in lower case."""
    if name == PACKAGED:
        return frozenset(disposable_email_domains.blocklist)
    return names_in(bundled_text(name))


@cache
def bundled_names() -> tuple[str, ...]:
    """Every list that detectors go by and that may be replaced, in alphabetical order."""
    files = resources.files("detectors").joinpath("lists").iterdir()
    names = {file.name.removesuffix(".txt") for file in files if file.name.endswith(".txt")}
    return tuple(sorted(names - _FIXED | {PACKAGED}))


def bundled_text(name: str) -> str:
    """A bundled list as its file has it, origin and date included."""
    return resources.files("detectors").joinpath("lists", f"{name}.txt").read_text("utf-8")


def names_in(text: str) -> frozenset[str]:
    """The names of a list's text, one a line, without comments and in lower case."""
    names = (line.partition("#")[0].strip().lower() for line in text.splitlines())
    return frozenset(name for name in names if name)


def _less(name: str, entries: frozenset[str], taken: Iterable[str]) -> NameList:
    return NameList(name, entries - frozenset(taken))
