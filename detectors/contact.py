"""Ways to somebody off the platform that are no links: phone numbers, handles, wallets.

Only what is precise: a number counts as a phone number by its shape and what stands before it, a
wallet by its checksum or its shape.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Literal, NamedTuple

MAX_CONTACTS = 100

ContactKind = Literal["phone", "support_number", "messenger", "handle", "wallet"]


class Contact(NamedTuple):
    """One way to somebody.

    Attributes:
        kind: A ``support_number`` is a phone number offered as some company's help line; a
            ``messenger`` is a number or handle on a messenger, a ``handle`` one on a network.
        value: Digits with a leading ``+`` if written, the handle, or the address.
        context: What made it one: the words before it, or the coin.
    """

    kind: ContactKind
    value: str
    context: str


_MESSENGERS = r"whats?\s?app|telegram|wechat|weixin|viber|kik|skype|signal|line\s?id|icq|zalo"
_NETWORKS = r"twitter|instagram|insta|ig|snapchat|snap|tiktok|facebook|fb|onlyfans|discord|x\.com"

_LONG_NUMBER = re.compile(r"\d[\d().\s/-]{6,20}\d")
_LONG_ASCII_NUMBER = re.compile(r"[0-9][0-9().\s/-]{6,20}[0-9]")
"""The same for a text of ASCII, where it is found in a third of the time."""
_HANDLE = re.compile(r"@[a-zA-Z0-9_]{3}")
_WALLET = re.compile(r"1[0-9a-zA-Z]{24}|3[0-9a-zA-Z]{24}|0x[0-9a-fA-F]{40}|bc1[0-9a-z]{11}")
"""Each branch begins with a letter of its own, so that the engine looks for those first."""
_PHONE = re.compile(r"(?<![\w./=&-])\+?\(?\d(?:[ .()/-]{0,3}\d){7,14}+(?![\w/=])(?!\.\d)")
_SUPPORT = re.compile(
    r"\b(?:technical|tech|airlines?|airways|antivirus|printer|router|wallet|account\s{1,3}recovery"
    r"|quickbooks|norton|mcafee|geek\s{1,3}squad|microsoft|outlook|gmail|yahoo|facebook|instagram"
    r"|amazon|paypal|venmo|cash\s{0,3}app|coinbase|binance|metamask|expedia|roku|epson|netflix)"
    r"\s{1,3}(?:[a-z]{1,12}\s{1,3}){0,2}"
    r"(?:support|services?|care|help|helpline|phone|number|toll[\s-]?free)\b"
    r"|\bcustomer\s{1,3}(?:support|service|care)\s{1,3}(?:[a-z-]{1,12}\s{1,3})?number"
    r"|\bsupport\s{1,3}(?:phone\s{1,3})?number"
    r"|\btoll[\s-]?free\s{1,3}(?:[a-z]{1,12}\s{1,3})?(?:help|support)",
    re.I,
)
"""Help lines of companies that have none on an event page; a plain box office is not meant."""
_MESSENGER = re.compile(
    rf"\b({_MESSENGERS})\b[^\w@+]{{0,4}}(?:(?:me|us|group|number|no|id|at|on|contact|chat|is|via|handle|user|username)"
    r"[^\w@+]{1,4}){0,3}(@[a-z0-9_.]{4,32}|\+?\(?\d(?:[ .()-]{0,2}\d){7,14}+)",
    re.I,
)
_NETWORK_HANDLE = re.compile(
    rf"\b({_NETWORKS})\b[^\w@]{{0,4}}(?:(?:me|us|at|is|on|account|page|handle|profile)[^\w@]{{1,4}}){{0,2}}"
    r"@([a-z0-9_.]{3,32})",
    re.I,
)
_ETHER = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
_BITCOIN = re.compile(r"\b(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})\b")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

SUPPORT_REACH_CHARS = 60
"""How far before a number the words stand that make it a support number."""


def find_contacts(text: str) -> tuple[Contact, ...]:
    """Contacts in reading order of each kind, each once; at most ``MAX_CONTACTS``."""
    long_number = _LONG_ASCII_NUMBER if text.isascii() else _LONG_NUMBER
    has_number = long_number.search(text) is not None
    has_handle = "@" in text and _HANDLE.search(text) is not None
    has_wallet = ("1" in text or "3" in text or "0x" in text) and _WALLET.search(text) is not None
    if not (has_number or has_handle or has_wallet):
        return ()
    contacts: dict[str, Contact] = {}
    if has_wallet:
        _add_wallets(text, contacts)
    if has_number or has_handle:
        for found in _MESSENGER.finditer(text):
            value = _digits(found[2]) if found[2][0] != "@" else found[2]
            contacts.setdefault(value, Contact("messenger", value, found[1].lower()))
    if has_handle:
        for found in _NETWORK_HANDLE.finditer(text):
            contacts.setdefault(found[2], Contact("handle", f"@{found[2]}", found[1].lower()))
    if has_number:
        _add_phones(text, contacts)
    return tuple(contacts.values())[:MAX_CONTACTS]


def _add_wallets(text: str, contacts: dict[str, Contact]) -> None:
    for found in _ETHER.finditer(text):
        contacts.setdefault(found[0], Contact("wallet", found[0], "ether"))
    for found in _BITCOIN.finditer(text):
        if _is_bitcoin(found[0]):
            contacts.setdefault(found[0], Contact("wallet", found[0], "bitcoin"))


def _add_phones(text: str, contacts: dict[str, Contact]) -> None:
    for found in _PHONE.finditer(text):
        if len(contacts) >= MAX_CONTACTS:
            break
        value = _digits(found[0])
        if value in contacts or not _is_phone(found[0], value):
            continue
        before = text[max(0, found.start() - SUPPORT_REACH_CHARS) : found.start()]
        if offered := _SUPPORT.search(before):
            contacts[value] = Contact("support_number", value, offered[0].lower())
        else:
            contacts[value] = Contact("phone", value, "")


def _is_phone(written: str, value: str) -> bool:
    """Ten to fifteen digits (E.164), grouped or with a ``+``; no date, ISBN or serial number."""
    digits = len(value.removeprefix("+"))
    if not 10 <= digits <= 15:  # noqa: PLR2004 -- E.164
        return False
    if value.startswith("+"):
        return True
    groups = re.findall(r"\d+", written)
    if digits > 11 or len(groups) < 3 or groups[0][:3] in {"978", "979"}:  # noqa: PLR2004 -- ISBN
        return False
    if any(_YEAR.fullmatch(group) for group in groups) and any(len(g) < 3 for g in groups):  # noqa: PLR2004
        return False  # 01.05.2024
    if all(len(group) == 3 for group in groups[1:]):  # noqa: PLR2004 -- 2.124.821.694 views
        return False
    return max(len(group) for group in groups) <= 5 and len(groups[-1]) >= 2  # noqa: PLR2004


def _digits(written: str) -> str:
    return ("+" if written.lstrip("(").startswith("+") else "") + re.sub(r"\D", "", written)


def _is_bitcoin(address: str) -> bool:
    """Base58Check for old addresses; for bech32 its alphabet and length are enough."""
    if address.startswith("bc1"):
        return any(char.isdigit() for char in address[3:]) and len(address) in {42, 62}
    number = 0
    for char in address:
        number = number * 58 + _BASE58.index(char)
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]
