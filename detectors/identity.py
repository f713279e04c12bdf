"""Identity: what a signup says about itself that does not ring true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar

from contracts.event import Event, Signup
from contracts.event_struct import SignupRow
from contracts.ids import Code
from contracts.ruleset import Ruleset
from contracts.signal import Evidence, Finding
from detectors.confusable import reads_as
from detectors.contact import find_contacts
from detectors.domain import CACHED_HOSTS, public_suffix
from detectors.example import Example, post, signup
from detectors.lists import Listings
from detectors.mailbox import Mailbox, parse_mailbox
from detectors.text import clean
from detectors.url import Link, find_links

MIN_GIBBERISH_CHARS = 8
MIN_CONSONANTS_IN_A_ROW = 6
MIN_LETTER_DIGIT_TURNS = 5
MAX_VOWEL_SHARE = 0.2
MIN_TUMBLED_DOTS = 3
MIN_SHARED_CHARS = 3
MAX_TAG_CHARS = 40

_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]+")
_MANY_CONSONANTS = re.compile(f"[bcdfghjklmnpqrstvwxz]{{{MIN_CONSONANTS_IN_A_ROW}}}")
_CALM = re.compile(
    f"(?:[bcdfghjklmnpqrstvwxz]{{0,{MIN_CONSONANTS_IN_A_ROW - 1}}}+[aeiouy._-])*+"
    f"[bcdfghjklmnpqrstvwxz]{{0,{MIN_CONSONANTS_IN_A_ROW - 1}}}+[0-9]*+"
)
"""A local part with one number at the end at most, and no long run of consonants: most are that."""
_THREE_NUMBERS = re.compile(r"[0-9][^0-9]++[0-9]++[^0-9]++[0-9]")
"""What a local part has that turns five times between letters and digits."""
_TELLING = re.compile(r"[.:@]|(?:\d\D{0,3}+){7}")
"""What a name with a link or a number in it must have; most names have not, and cost nothing."""
_ORDINARY_NAME = re.compile(r"[A-Za-z ,'&-]*+")
_LETTERS = re.compile(r"[^\W\d_]+")
_YEAR_TAG = re.compile(r"[a-z]*(?:19|20)\d\d")
_TURN = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")


class Identity:
    """Finds what is wrong with a signup's mailbox and names. A post has none."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(signup(email="anna@mailinator.com"), ("identity.disposable_mailbox",)),
        Example(signup(email="a@sub.guerrillamail.com"), ("identity.disposable_mailbox",)),
        Example(signup(email="xkqzvwplrt@gmail.com"), ("identity.gibberish_local",)),
        Example(signup(email="a1b2c3d4e5@gmail.com"), ("identity.gibberish_local",)),
        Example(signup(email="a.n.n.a.k@gmail.com"), ("identity.tumbled_mailbox",)),
        Example(signup(email="anna+17@example.org"), ("identity.tumbled_mailbox",)),
        Example(
            signup(email="anna.kay@example.org", name="Joan Doering"),
            ("identity.local_unlike_name",),
        ),
        Example(signup(email="anna@cheap.top"), ("identity.suspicious_suffix",)),
        Example(signup(name="Anna www.best-pills.example.com"), ("identity.link_in_name",)),
        Example(signup(name="Win at https://casino.example.com"), ("identity.link_in_name",)),
        Example(signup(organization="Call +1 (888) 555-0123"), ("identity.contact_in_name",)),
        # Honest people and houses.
        Example(signup(email="anna.kay84@example.org", name="Kay-Uwe Anders")),
        Example(signup(email="box.office@example.org", name="Jo")),
        Example(signup(email="xiaolong.li@example.org", name="\u674e\u5c0f\u9f99")),
        Example(signup(email="jo+tickets2026@example.org", name="Jo Doering")),
        Example(signup(email="anna.k17@gmail.com", name="Anna K.", organization="K. & Sons Ltd.")),
        Example(signup(email="knightsbridge@example.org", organization="Booking.com")),
        Example(signup(email="krzysztof.szczepanski@wp.pl", name="Krzysztof Szczepański")),
        Example(signup(email="schwarzschild1999@web.de", name="J. R. Smith Jr.")),
        Example(signup(email="info@acme.io", name="Node.js Berlin", organization="acme.io")),
        Example(signup(email="me+tickets@gmail.com", name="李小龙")),
        Example(signup(email="not an address", name="St. John's Theatre Co.")),
        Example(post("write to anna@mailinator.com")),
    )

    def __init__(self, ruleset: Ruleset, listings: Listings | None = None) -> None:
        self._listings = listings or Listings.of(ruleset)
        self._priced: frozenset[str] = frozenset(
            code for code, rule in ruleset.signals.items() if rule.mode != "off"
        )
        self._of_domain = lru_cache(maxsize=CACHED_HOSTS)(self._in_domain)

    def observe(self, event: Event, mailbox: Mailbox | None = None) -> tuple[Finding, ...]:
        """Find what the ruleset prices; each code at most once.

        Args:
            event: The event.
            mailbox: What ``parse_mailbox`` made of its address, where that is at hand.
        """
        if event.type != "signup":
            return ()
        if mailbox is None and event.email:
            mailbox = parse_mailbox(event.email)
        found = self._in_mailbox(mailbox) if mailbox else []
        if not (_is_ordinary(event.name) and _is_ordinary(event.organization)):
            found += _in_names(event)
        if mailbox and event.name and (unlike := unlike_name(mailbox.written, event.name)):
            found.append(("identity.local_unlike_name", unlike))
        if not found:
            return ()
        return tuple(
            Finding(code=Code(code), evidence=evidence)
            for code, evidence in found
            if code in self._priced
        )

    def _in_mailbox(self, mailbox: Mailbox) -> list[tuple[str, Evidence]]:
        found: list[tuple[str, Evidence]] = []
        if not self._listings.unlisted_domain(mailbox.domain):
            for code, name, entry in self._of_domain(mailbox.domain):
                found.append((code, {"list": name, "entry": entry}))
        if reason := gibberish(mailbox.local):
            found.append(("identity.gibberish_local", reason))
        if mailbox.domain == "gmail.com" and mailbox.dots >= MIN_TUMBLED_DOTS:
            found.append(("identity.tumbled_mailbox", {"dots": mailbox.dots}))
        elif mailbox.tag and _is_counted(mailbox.tag):
            found.append(("identity.tumbled_mailbox", {"tag": mailbox.tag[:MAX_TAG_CHARS]}))
        return found

    def _in_domain(self, domain: str) -> tuple[tuple[str, str, str], ...]:
        """Code, list and entry of each list that a mailbox's domain is on."""
        listings, suffix = self._listings, public_suffix(domain)
        suffixes = listings.suspicious_suffixes
        found = (
            ("identity.blocked_mailbox", listings.blocked, listings.blocked.hit(domain)),
            (
                "identity.disposable_mailbox",
                listings.disposable_mail,
                listings.disposable_mail.hit(domain),
            ),
            (
                "identity.suspicious_suffix",
                suffixes,
                suffix if suffix in suffixes.entries else None,
            ),
        )
        return tuple((code, names.name, entry) for code, names, entry in found if entry)


def gibberish(local: str) -> Evidence | None:
    """Numbers that say a local part was typed by no person; weak evidence, and meant to be.

    Names with long runs of consonants have vowels elsewhere (``knightsbridge``), initials are
    short, and years come last: none of them is found.
    """
    if len(local) < MIN_GIBBERISH_CHARS or _CALM.fullmatch(local) or not local.isascii():
        return None
    if _THREE_NUMBERS.search(local):
        turns = len(_TURN.findall(local))
        if turns >= MIN_LETTER_DIGIT_TURNS:
            return {"letter_digit_turns": turns}
    if not _MANY_CONSONANTS.search(local):
        return None
    letters = re.sub(r"[^a-z]", "", local)
    if len(letters) < MIN_GIBBERISH_CHARS:
        return None
    longest = max(map(len, _CONSONANTS.findall(local)))
    vowel_share = sum(char in "aeiouy" for char in letters) / len(letters)
    if vowel_share < MAX_VOWEL_SHARE:
        return {"consonants_in_a_row": longest, "vowel_share": round(vowel_share, 2)}
    return None


def unlike_name(local: str, name: str) -> Evidence | None:
    """Two words of a local part, neither of which has anything of the name.

    Nicknames, roles and company names are one word; initials, married and transliterated names
    share letters. So it takes two words of ``MIN_SHARED_CHARS`` letters or more on both sides, none
    of which begins as one of the other side does.
    """
    begins = local[:MIN_SHARED_CHARS]
    if begins.isalpha() and begins in name.lower().replace(" ", ""):
        return None  # as nearly everybody's
    words = [word for word in _LETTERS.findall(local) if len(word) >= MIN_SHARED_CHARS]
    if len(words) < 2:  # noqa: PLR2004 -- a given name and a surname
        return None
    letters = _LETTERS.findall(reads_as(name).lower())
    names = [word for word in letters if len(word) >= MIN_SHARED_CHARS]
    if len(names) < 2 or not any(map(str.isascii, names)):  # noqa: PLR2004 -- likewise
        return None
    together, named = "".join(words), "".join(letters)
    if any(word[:MIN_SHARED_CHARS] in named for word in words):
        return None
    if any(word[:MIN_SHARED_CHARS] in together for word in names):
        return None
    return {"words": len(words)}


def _is_counted(tag: str) -> bool:
    """Whether a plus tag counts accounts or is random; ``tickets`` and ``2026`` are neither."""
    digits = sum(map(str.isdecimal, tag))
    return (digits > 0 and not _YEAR_TAG.fullmatch(tag)) or len(_TURN.findall(tag)) > 1


def _is_ordinary(name: str | None) -> bool:
    """Whether a name cannot hold a link or a number, not even one that is spelt out."""
    return not name or (
        _ORDINARY_NAME.fullmatch(name) is not None and "dot" not in name and "DOT" not in name
    )


def _in_names(signup: Signup | SignupRow) -> Iterator[tuple[str, Evidence]]:
    linked = contacted = False
    for field, written in (("name", signup.name), ("organization", signup.organization)):
        if not written:
            continue
        name = clean(written).text
        if not _TELLING.search(name):
            continue
        if not linked and (
            link := next((link for link in find_links(name) if _planted(link)), None)
        ):
            linked = True
            yield "identity.link_in_name", {"field": field, "url": link.url[:200]}
        if not contacted and (contacts := find_contacts(name)):
            contacted = True
            yield (
                "identity.contact_in_name",
                {"field": field, "kind": contacts[0].kind, "value": contacts[0].value},
            )


def _planted(link: Link) -> bool:
    """A company may be called Booking.com; none is called www.booking.com/offer."""
    url = link.url.lower()
    return "://" in url or url.startswith("www.") or len(link.path) > 1
