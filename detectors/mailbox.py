"""Mailboxes: addresses taken apart, and what of them several accounts of one person share."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from detectors.domain import ascii_host, registrable_domain
from detectors.lists import Listings, bundled

GOOGLE_MAIL = frozenset({"gmail.com", "googlemail.com"})
MIN_STEM_CHARS = 3
MIN_RANDOM_TURNS = 4
"""From so many turns between letters and digits on, a local part is random: ``k7qz2m9``."""

_TAIL = "0123456789._+-"
_RUN = re.compile(r"[^\W\d_]+|\d+|[\W_]")


class Mailbox(NamedTuple):
    """An address in the form in which two spellings of it are equal.

    Attributes:
        local: Lower case, without a plus tag and, at Google, without dots.
        domain: Lower case, punycode; ``gmail.com`` for ``googlemail.com``.
        tag: What stood behind the plus.
        written: The local part with its dots, and without its tag.
    """

    local: str
    domain: str
    tag: str
    written: str

    @property
    def dots(self) -> int:
        """How many dots the local part had as it was written."""
        return self.written.count(".")


def parse_mailbox(address: str) -> Mailbox | None:
    """Take an address apart; None for what is none."""
    written, at, host = address.strip().lower().rpartition("@")
    domain = ascii_host(host) if at and written else None
    if domain is None or "." not in domain:
        return None
    local, _, tag = written.partition("+")
    if not local:  # `+tag@` is one mailbox of its own
        local, tag = written, ""
    if domain in GOOGLE_MAIL:
        return Mailbox(local.replace(".", ""), "gmail.com", tag, local)
    return Mailbox(local, domain, tag, local)


def email_stem(mailbox: Mailbox, listings: Listings) -> str | None:
    """What is left of an enumerated address: ``anna.k`` of ``anna.k17``, with its domain.

    Returns:
        None where too little is left to tie two accounts by, and for a role such as ``info`` at a
        domain of its own: colleagues share it, and ``info2`` beside ``info1`` is no attack.
    """
    stem = mailbox.local.rstrip(_TAIL)
    if len(stem) < MIN_STEM_CHARS:
        return None
    if stem in bundled("role_mailboxes") and mailbox.domain not in listings.free_mail:
        return None
    return f"{stem}@{mailbox.domain}"


def email_shape(mailbox: Mailbox, listings: Listings) -> str | None:
    """How an address is built: ``aa.a99@gmail.com`` of ``anna.k17`` and of ``peter.m42``.

    Where the stem finds one name with many numbers, the shape finds many names of one generator.
    Names differ in length and counters do not: a word is ``aa``, a single letter ``a``, each digit
    ``9``, and what stands between them stays. A local part that turns between letters and digits
    again and again is random, and only its length tells: ``x8``. The throw-away houses count as one
    domain, ``disposable``: who uses them uses many.

    Honest people share a shape too, at a large provider by the thousand. So it is for rules that
    measure ``surprise``, and for compound facets.

    Returns:
        None for a word alone, which is no shape to speak of.
    """
    runs: list[str] = _RUN.findall(mailbox.written)
    if len(runs) == 1 and runs[0].isalpha():
        return None
    turns = sum(
        one.isalnum() and other.isalnum() and one.isdecimal() != other.isdecimal()
        for one, other in pairwise(runs)
    )
    if turns >= MIN_RANDOM_TURNS:
        shape = f"x{len(mailbox.written)}"
    else:
        shape = "".join(map(_shape_of_run, runs))
    domain = mailbox.domain
    if domain in listings.disposable_mail:
        return f"{shape}@disposable"
    return f"{shape}@{registrable_domain(domain) or domain}"


def _shape_of_run(run: str) -> str:
    if run.isalpha():
        return "a" if len(run) == 1 else "aa"
    return "9" * len(run) if run.isdecimal() else run
