"""Hosts that pose as a known name, or as the platform's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import idna

from detectors.confusable import reads_as
from detectors.domain import registrable_domain

MIN_TYPO_CHARS = 7
"""A shorter name is one letter away from too many honest words."""
MIN_JOINED_CHARS = 5
ENDS_CHARS = 3

_LURES = frozenset(
    re.findall(
        r"\w+",
        " account accounts alert app auth billing bonus cancel care claim client confirm"
        " customer deal free gift giveaway help helpdesk id info invoice login mail my now"
        " number official offer online pay payment phone portal prize promo recover"
        " recovery refund reward safe secure security service services shop signin signup"
        " support ticket tickets tix unlock update user validate verification verify"
        " wallet web win",
    )
)
_LEET = str.maketrans("013456789", "oleasbtbg")
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))


class Brands:
    """Known names by the first label of their own domains.

    Args:
        domains: The names' own domains; whatever is under them is theirs.
    """

    def __init__(self, domains: Iterable[str]) -> None:
        self._own = frozenset(domains)
        self._names = {domain.partition(".")[0]: domain for domain in self._own}
        self._typos: dict[str, str] = {}
        for name in self._names:
            if len(name) >= MIN_TYPO_CHARS:
                self._typos |= dict.fromkeys((name, *_without_one(name)), name)
        self._lengths = frozenset(
            len(name) + off for name in self._typos.values() for off in (-1, 0, 1)
        )
        self._heads = frozenset(name[:ENDS_CHARS] for name in self._names)
        self._tails = frozenset(name[-ENDS_CHARS:] for name in self._names)

    def posed_as(self, host: str, domain: str) -> tuple[str, str] | None:
        """The domain that a host poses as, and how; None for most.

        Args:
            host: As ``ascii_host`` gives it.
            domain: Its registrable domain.
        """
        label, _, _ = domain.partition(".")
        if domain in self._own or label in self._names:
            return None  # amazon.de is Amazon's, as far as a list can know
        if len(host) > len(domain) + 4 and (posed := self._as_subdomain(host)):
            return posed, "its address stands before another"
        name = _unicode(label)
        if "-" in name and (joined := self._joined(name.split("-"))):
            return joined, "its name with a word of trust"
        if name.isascii() and name.isalpha() and not self._begins_or_ends(label):
            return None
        for read in _readings(name):
            if read != label and read in self._names:
                return self._names[read], "letters that look alike"
        return self._typo(_plain(name))

    def _begins_or_ends(self, label: str) -> bool:
        """Whether it has the first or last letters of a name: few disguises change both."""
        return label[:ENDS_CHARS] in self._heads or label[-ENDS_CHARS:] in self._tails

    def _as_subdomain(self, host: str) -> str | None:
        for name, domain in self._names.items():
            if name in host and f".{domain}." in f".{host}.":
                return domain
        return None

    def _joined(self, words: list[str]) -> str | None:
        for word in words:
            for read in _readings(word):
                if len(read) >= MIN_JOINED_CHARS and read in self._names:
                    rest = [other for other in words if other != word]
                    if any(other in _LURES for other in rest):
                        return self._names[read]
        return None

    def _typo(self, label: str) -> tuple[str, str] | None:
        if len(label) < MIN_TYPO_CHARS - 1:
            return None
        if len(label) not in self._lengths:
            return None
        for written in (label, *_without_one(label)):
            if (name := self._typos.get(written)) and _is_one_off(label, name):
                return self._names[name], "one letter off"
        return None


def own_domains(written: Iterable[str]) -> frozenset[str]:
    """The registrable domains of what a ruleset names as the platform's own."""
    return frozenset(
        registrable_domain(domain) or domain.removeprefix("www.") for domain in written
    )


def _readings(name: str) -> Iterator[str]:
    plain = _plain(name)
    yield plain
    if any(char.isdecimal() for char in plain):
        yield plain.translate(_LEET)
        yield plain.replace("1", "i").translate(_LEET)
    for pair, letter in _PAIRS:
        if pair in plain:
            yield plain.replace(pair, letter)


def _plain(name: str) -> str:
    return name if name.isascii() else reads_as(name)


def _without_one(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _is_one_off(label: str, name: str) -> bool:
    """Whether one letter was left out, put in, changed or swapped with its neighbour."""
    if label == name or abs(len(label) - len(name)) > 1:
        return False
    differ = [at for at, (one, other) in enumerate(zip(label, name, strict=False)) if one != other]
    if len(label) != len(name):
        longer, shorter = sorted((label, name), key=len, reverse=True)
        at = differ[0] if differ else len(shorter)
        return longer[:at] + longer[at + 1 :] == shorter
    if len(differ) == 1:
        return True
    at = differ[0]
    return differ == [at, at + 1] and label[at : at + 2] == name[at : at + 2][::-1]


def _unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label
