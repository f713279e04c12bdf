"""E-mail addresses taken apart, and what of them several accounts of one person share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detectors.domain import ascii_host
from detectors.lists import Listings, bundled

GOOGLE_MAIL = frozenset({"gmail.com", "googlemail.com"})
MIN_STEM_CHARS = 3

_TAIL = re.compile(r"[0-9._+-]*$")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address in the form in which two spellings of it are equal.

    Attributes:
        local: Lower case, without a plus tag and, at Google, without dots.
        domain: Lower case, punycode; ``gmail.com`` for ``googlemail.com``.
        tag: What stood behind the plus.
        dots: How many dots the local part had as it was written.
    """

    local: str
    domain: str
    tag: str
    dots: int


def parse_mailbox(address: str) -> Mailbox | None:
    """Take an address apart; None for what is none."""
    written, at, host = address.strip().lower().rpartition("@")
    domain = ascii_host(host) if at and written else None
    if domain is None or "." not in domain:
        return None
    local, _, tag = written.partition("+")
    if not local:  # `+tag@` is one mailbox of its own
        local, tag = written, ""
    dots = local.count(".")
    if domain in GOOGLE_MAIL:
        domain, local = "gmail.com", local.replace(".", "")
    return Mailbox(local, domain, tag, dots)


def email_stem(mailbox: Mailbox, listings: Listings) -> str | None:
    """What is left of an enumerated address: ``anna.k`` of ``anna.k17``, with its domain.

    Returns:
        None where too little is left to tie two accounts by, and for a role such as ``info`` at a
        domain of its own: colleagues share it, and ``info2`` beside ``info1`` is no attack.
    """
    stem = mailbox.local[: _TAIL.search(mailbox.local).start()]  # type: ignore[union-attr]
    if len(stem) < MIN_STEM_CHARS:
        return None
    if stem in bundled("role_mailboxes") and mailbox.domain not in listings.free_mail:
        return None
    return f"{stem}@{mailbox.domain}"
