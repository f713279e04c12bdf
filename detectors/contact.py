"""Ways to somebody off the platform that are no links: numbers, handles, mail addresses, wallets.

Only what is precise: a number counts as a phone number by its shape and what stands around it, a
wallet by its checksum or its shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from detectors.wallet import find_wallets

MAX_CONTACTS = 100

ContactKind = Literal["phone", "support_number", "messenger", "handle", "mail", "wallet"]


class Contact(NamedTuple):
    """One way to somebody.

    Attributes:
        kind: A ``support_number`` is a phone number offered as some company's help line; a
            ``messenger`` is a number or handle on a messenger, a ``handle`` one on a network.
        value: Digits with a leading ``+`` if written, the handle, or the address.
        context: What made it one: the words around it, or the coin.
    """

    kind: ContactKind
    value: str
    context: str


_MESSENGERS = (
    r"whats?\s?'?app|whatsap|watsapp|wats\s?app|w\s?h\s?a\s?t\s?s\s?a\s?p\s?p|te[l1i]egr[a@]m{1,2}|tele\s?gram|t\.?g(?=\W{0,3}@)"
    r"|wechat|weixin|viber|kik|skype|signal|line\s?id|icq|zalo|kakao\s?(?:talk)?|threema|wickr|imo|session\s?id"
    r"|\u0432\u043e?[\u0442\u0446]{1,2}?\u0441?\u0430\u043f{1,2}|\u0432\u0430\u0442\u0441\u0430\u043f|\u0432\u043e\u0442\u0441\u0430\u043f{1,2}"
    r"|\u0442\u0435\u043b\u0435\u0433\u0440\u0430\u043c{1,2}|\u0442\u0435\u043b\u0435\u0433[\u0430\u0435]|\u0432\u0430\u0439\u0431\u0435\u0440|\u0442\u0433"
    r"|\u0648\u0627\u062a\u0633\s?\u0627?\u0628|\u062a[\u064a\u06cc]?\u0644[\u064a\u06cc]?[\u062c\u063a\u06af]\u0631\u0627\u0645"
    r"|\u0935\u094d\u0939\u093e\u091f\u094d\u0938\u0910\u092a|\u0935\u094d\u0939\u093e\u091f\u094d\u0938\u090f\u092a"
    r"|\u091f\u0947\u0932\u0940\u0917\u094d\u0930\u093e\u092e|\u5fae\u4fe1\u53f7?|\u5a01\u4fe1|\u8587\u4fe1|\u7535\u62a5|\u98de\u673a|q{2}\u7fa4?"
    r"|\uce74\ud1a1|\uce74\uce74\uc624\ud1a1?|\ud154\ub808\uadf8\ub7a8|\ub77c\uc778"
)
_CJK_MESSENGERS = r"\u5fae\u4fe1\u53f7?|\u5a01\u4fe1|\u8587\u4fe1|\u52a0\s?v\s?\u4fe1?|v\s?\u4fe1|qq\s?\u7fa4?|vx|\u7535\u62a5|\u98de\u673a"
_NETWORKS = (
    r"twitter|instagram|insta|ig|snapchat|snap|tiktok|tik\s?tok|facebook|fb|onlyfans|discord|x\.com|threads"
    r"|\u0438\u043d\u0441\u0442\u0430(?:\u0433\u0440\u0430\u043c)?|\u0432\u043a|vk"
)

_NETWORK = re.compile(_NETWORKS)
_LONG_NUMBER = re.compile(r"\d[\d\W_OoIlBSZ]{6,32}\d")
_LONG_ASCII_NUMBER = re.compile(r"[0-9][0-9().\s/\[\]{}_*~|<>=:+OoIlBSZ-]{6,32}[0-9]")
"""The same for a text of ASCII, where it is found in a third of the time."""
_HANDLE = re.compile(r"@[a-zA-Z0-9_]{3}")
_PHONE = re.compile(
    r"(?<![\w./=&-])\+?\(?\d(?:[ .()/\u2010-\u2015\u2212-]{0,3}\d){7,14}+(?![\w/=])(?!\.\d)"
)
_SEPARATORS = (
    r" .()\[\]{}/\\_~*|:=<>^'\u00ab\u00bb\u2018\u2019\u2010-\u205e\u2212\u00b7\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\u3008-\u3011"
    r"\u2500-\u257f\u25a0-\u25ff\U0001f4de\U0001f4f1\u260e\u2706-"
)
_TOLL_FREE = re.compile(
    rf"(?<![\w/=&])(?:\+?[1l][{_SEPARATORS}]{{0,4}})?\(?8[{_SEPARATORS}]{{0,3}}([0o2-8])[{_SEPARATORS}]{{0,3}}(?:\1|[0o])"
    rf"(?:[{_SEPARATORS}]{{0,4}}[0-9OoIlBSZ]){{7}}(?![\w=])",
    re.I,
)
"""+1 800, 833 to 888, with whatever between the digits: the numbers of call centres."""
_TOLL_FREE_CODES = frozenset(
    ["800", "822", "833", "844", "855", "866", "877", "880", "881", "888", "889"]
)
_ANY_NUMBER = re.compile(
    rf"(?<![\w/=&])\+?\(?\d(?:[{_SEPARATORS}]{{0,4}}[0-9OoIlBSZ]){{8,13}}(?![\w=])"
)
_VANITY = re.compile(
    r"\b1[ .-]8(?:00|33|44|55|66|77|88)[ .-](?=[0-9-]{0,8}[A-Z])[A-Z0-9]{3,10}(?:-[A-Z0-9]{2,8})?\b"
)
_AS_DIGITS = str.maketrans("OoIlBSZ", "0011852")

_BRANDS = (
    r"technical|tech|airlines?|airways|antivirus|anti-virus|printer|router|wallet|account\s{1,3}recovery|flight"
    r"|quick\s?books|intuit|turbo\s?tax|norton|mcafee|avast|kaspersky|geek\s{1,3}squad|microsoft|windows|office\s{0,2}365"
    r"|outlook|hotmail|gmail|google|yahoo|aol|facebook|instagram|apple|icloud|itunes|iphone|amazon|prime|paypal"
    r"|venmo|zelle|cash\s{0,3}app|coinbase|binance|kraken|crypto\.?com|metamask|trust\s{0,2}wallet|ledger|trezor|blockchain"
    r"|expedia|booking\.com|airbnb|lufthansa|emirates|delta|united|southwest|jetblue|spirit|ryanair|qatar|etihad|avianca|copa"
    r"|roku|netflix|hulu|disney\+?|epson|canon|hp|brother|dell|lenovo|garmin|tomtom|magellan|alexa|ring|comcast|xfinity|at&t|verizon"
    r"|spectrum|cox|chase|wells\s{0,2}fargo|bank\s{1,3}of\s{1,3}america|whatsapp|telegram|robinhood|sage|xero|bitdefender"
)
_SERVICE = (
    r"support|services?|care|help|helpline|help\s?desk|hotline|phone|number|contact|toll[\s-]?free|reservations?|booking"
    r"|cancell?ation|refund|recovery|change\s{1,3}flight|live\s{1,3}(?:person|agent|chat)|representative"
    r"|soporte|servicio|atenci\u00f3n|asistencia|n\u00famero|suporte|atendimento|assistance|service\s{1,3}client|num\u00e9ro"
    r"|kundenservice|kundendienst|kundenbetreuung|hilfe|nummer|assistenza|numero|destek|m\u00fc\u015fteri\s{1,3}hizmetleri"
    r"|\u043f\u043e\u0434\u0434\u0435\u0440\u0436\u043a[\u0430\u0438\u0443]|\u0441\u043b\u0443\u0436\u0431\u0430|\u043d\u043e\u043c\u0435\u0440|\u5ba2\u670d|\u7535\u8bdd|\u30b5\u30dd\u30fc\u30c8"
    r"|\u0938\u0939\u093e\u092f\u0924\u093e|\u0938\u0947\u0935\u093e|\u0928\u0902\u092c\u0930|\u062f\u0639\u0645|\u062e\u062f\u0645\u0629|\u0631\u0642\u0645"
)
_SUPPORT = re.compile(
    rf"\b(?:{_BRANDS})\s{{0,3}}(?:[a-z\u00e0-\u00ff'-]{{1,12}}\s{{1,3}}){{0,3}}(?:{_SERVICE})(?!\w)"
    rf"|(?<!\w)(?:{_SERVICE})\s{{1,3}}(?:[a-z\u00e0-\u00ff'-]{{1,12}}\s{{1,3}}){{0,2}}(?:{_BRANDS})\b"
    r"|\bcustomer\s{1,3}(?:support|service|care)\s{1,3}(?:[a-z-]{1,12}\s{1,3}){0,2}number"
    r"|\bsupport\s{1,3}(?:phone\s{1,3}|helpline\s{1,3})?number"
    r"|\bhelp\s?line\s{1,3}number"
    r"|\btoll[\s-]?free\s{1,3}(?:[a-z]{1,12}\s{1,3})?(?:help|support)",
    re.I,
)
"""Help lines of companies that have none on an event page; a plain box office is not meant."""
_MESSENGER = re.compile(
    rf"(?<![^\W\d_])({_MESSENGERS})(?![a-z])[^\w@+]{{0,6}}(?:(?:me|us|group|number|no|id|at|on|contact|chat|is|via|handle"
    r"|user|username|now|here|channel|add|only|my|our|pe|par|\u043d\u043e\u043c\u0435\u0440|\u043d\u0430|\u043c\u043d\u0435)"
    r"[^\w@+]{1,6}){0,3}(@\s?[a-z0-9_.]{4,32}|\+?\(?\d(?:[ .()\u2010-\u2015/_*~-]{0,3}\d){7,14}+)",
    re.I,
)
_NAMED_MESSENGER = re.compile(
    rf"(?<![^\W\d_])({_MESSENGERS}|{_NETWORKS}|t\.?g|wa)(?![a-z])\s?"
    r"(?:(?:id|user|username|handle|name|acc(?:ount)?|number)(?:\s?(?:[:=\uff1a>\u2192\u27a1-]|is))?"
    r"|[:=\uff1a>\u2192\u27a1\u2600-\u27bf\U0001f300-\U0001faff]+|-|is)\s?[>@]?\s?([a-z][a-z0-9_.]{3,31})\b",
    re.I,
)
_DISCORD = re.compile(r"(?<![\w#])([a-z][\w.]{1,31}#\d{4})(?!\d)", re.I)
_CJK_MESSENGER = re.compile(
    rf"({_CJK_MESSENGERS})\s?(?:\u53f7|\u53f7\u7801|id)?\s?[:\uff1a=]?\s?([a-z][\w-]{{5,19}}|\d{{5,11}})(?![\w])",
    re.I,
)
_NETWORK_HANDLE = re.compile(
    rf"(?<![^\W\d_])({_NETWORKS})(?![a-z])[^\w@]{{0,6}}(?:(?:me|us|at|is|on|account|page|handle|profile|add|my|our)[^\w@]{{1,4}}){{0,2}}"
    r"@\s?([a-z0-9_.]{3,32})",
    re.I,
)
_HANDLE_BEFORE = re.compile(
    rf"@([a-z0-9_.]{{3,32}})[^\w@]{{1,3}}(?:on|in|at|via|\u0432)?[^\w@]{{0,3}}(?<![\w])({_MESSENGERS}|{_NETWORKS}|tg)(?!\w)",
    re.I,
)
_MAIL = re.compile(
    r"(?<![\w.+-])[\w][\w.+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}(?![\w@-])", re.I
)
_SPELT_MAIL = re.compile(
    r"\b([\w][\w.+-]{1,63})\s{1,2}(?:at|AT)\s{1,2}((?:gmail|yahoo|hotmail|outlook|proton(?:mail)?|mail|yandex|aol|gmx|icloud)"
    r"\.(?:com|ru|de|me|net|co\.uk))\b"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_ASK = re.compile(
    r"\b(?:call|dial|text|phone|ring|sms|tel|telephone|mobile|cell|hotline|helpline|toll[\s-]?free|contact|reach)\b"
    r"|\u260e|\u2706|\U0001f4de|\U0001f4f1|\u260f",
    re.I,
)

MIN_TRUE_DIGITS = 6
"""Of a number in which letters stand for digits."""
SUPPORT_REACH_CHARS = 60
"""How far from a number the words stand that make it a support number."""


def find_contacts(text: str) -> tuple[Contact, ...]:
    """Contacts in reading order of each kind, each once; at most ``MAX_CONTACTS``."""
    contacts: dict[str, Contact] = {}
    for value, coin in find_wallets(text):
        contacts.setdefault(value, Contact("wallet", value, coin))
    long_number = _LONG_ASCII_NUMBER if text.isascii() else _LONG_NUMBER
    has_number = long_number.search(text) is not None
    has_at = "@" in text
    if has_number or has_at or any(sign in text for sign in _NAMING_SIGNS):
        for contact in _named(text, has_number=has_number, has_at=has_at):
            contacts.setdefault(contact.value, contact)
            if len(contacts) >= MAX_CONTACTS:
                break
    if has_number:
        _add_phones(text, contacts)
    elif "1-8" in text or "1 8" in text:
        for vanity in _VANITY.finditer(text):
            contacts.setdefault(vanity[0], Contact("phone", vanity[0], "toll-free"))
    return tuple(contacts.values())[:MAX_CONTACTS]


_NAMING_SIGNS = (
    ":",
    "\uff1a",
    "=",
    "\u2192",
    ">",
    "#",
    " is ",
    " id ",
    " - ",
    "\u27a1",
    "\U0001f449",
    "\u4fe1",
    "qq",
    "QQ",
    "\u52a0",
    " at ",
)


def _named(text: str, *, has_number: bool, has_at: bool) -> Iterator[Contact]:
    """Numbers and handles that stand beside the name of a messenger or network; mail addresses."""
    if has_number or has_at:
        for found in _MESSENGER.finditer(text):
            value = found[2] if found[2][0] == "@" else _digits(found[2])
            yield Contact("messenger", value.replace(" ", ""), found[1].lower())
    for found in _NAMED_MESSENGER.finditer(text):
        if _is_a_handle(found[0], found[2]):
            named = found[1].lower()
            kind: ContactKind = "handle" if _NETWORK.fullmatch(named) else "messenger"
            yield Contact(kind, f"@{found[2]}", named)
    if "#" in text and "iscord" in text:
        for found in _DISCORD.finditer(text):
            yield Contact("messenger", found[1], "discord")
    if not text.isascii():
        for found in _CJK_MESSENGER.finditer(text):
            yield Contact("messenger", found[2], found[1].lower())
    if has_at:
        for found in _NETWORK_HANDLE.finditer(text):
            yield Contact("handle", f"@{found[2]}", found[1].lower())
        for found in _HANDLE_BEFORE.finditer(text):
            yield Contact("handle", f"@{found[1]}", found[2].lower())
        for found in _MAIL.finditer(text):
            yield Contact("mail", found[0].lower(), "")
    if " at " in text or " AT " in text:
        for found in _SPELT_MAIL.finditer(text):
            yield Contact("mail", f"{found[1]}@{found[2]}".lower(), "spelt out")


def _is_a_handle(written: str, name: str) -> bool:
    """Whether what follows the name of a messenger is one, and no word of the sentence."""
    told = re.search(r"\b(?:id|user|username|handle)\s?[:=]", written, re.I) is not None
    return told or "@" in written or any(char.isdigit() or char == "_" for char in name)


def _add_phones(text: str, contacts: dict[str, Contact]) -> None:
    for pattern in (_PHONE, _TOLL_FREE, _ANY_NUMBER, _VANITY):
        for found in pattern.finditer(text):
            if len(contacts) >= MAX_CONTACTS:
                return
            value = found[0] if pattern is _VANITY else _digits(found[0].translate(_AS_DIGITS))
            if value in contacts or f"+{value}" in contacts or value.lstrip("+") in contacts:
                continue
            before = text[max(0, found.start() - SUPPORT_REACH_CHARS) : found.start()]
            if (
                pattern is _PHONE
                and not _is_phone(found[0], value)
                and not _is_asked(before, value)
            ):
                continue
            if pattern is _TOLL_FREE and not _is_toll_free(found[0], value):
                continue
            around = before + " " + text[found.end() : found.end() + SUPPORT_REACH_CHARS]
            offered = _SUPPORT.search(around)
            if pattern is _ANY_NUMBER and not (
                _is_phone_by_any_sign(found[0], value) and (offered or _is_asked(before, value))
            ):
                continue
            if offered:
                contacts[value] = Contact("support_number", value, offered[0].lower())
            else:
                toll_free = "toll-free" if pattern is not _PHONE else ""
                contacts[value] = Contact("phone", value, toll_free)


def _is_toll_free(written: str, value: str) -> bool:
    if sum(map(str.isdecimal, written)) < MIN_TRUE_DIGITS:
        return False
    digits = value.lstrip("+")
    digits = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits  # noqa: PLR2004 -- NANP
    return len(digits) == 10 and digits[:3] in _TOLL_FREE_CODES  # noqa: PLR2004 -- NANP


def _is_asked(before: str, value: str) -> bool:
    """Whether the words right before a bare run of digits ask to call it."""
    return 10 <= len(value.lstrip("+")) <= 13 and _ASK.search(before[-25:]) is not None  # noqa: PLR2004 -- E.164


def _is_phone_by_any_sign(written: str, value: str) -> bool:
    return 10 <= len(value.lstrip("+")) <= 13 and not re.search(
        r"\d[:,]\d{2}\b.*\d[:,]\d{2}\b", written
    )


def _is_phone(written: str, value: str) -> bool:
    """Ten to fifteen digits (E.164), grouped or with a ``+``; no date, ISBN or serial number."""
    digits = len(value.removeprefix("+"))
    if not 10 <= digits <= 15:  # noqa: PLR2004 -- E.164
        return False
    if value.startswith("+"):
        return True
    groups = re.findall(r"\d+", written)
    if digits > 11 or not 3 <= len(groups) <= 7 or groups[0][:3] in {"978", "979"}:  # noqa: PLR2004 -- ISBN
        return False
    if any(_YEAR.fullmatch(group) for group in groups) and any(len(g) < 3 for g in groups):  # noqa: PLR2004
        return False  # 01.05.2024
    if all(len(group) == 3 for group in groups[1:]):  # noqa: PLR2004 -- 2.124.821.694 views
        return False
    return max(len(group) for group in groups) <= 5 and len(groups[-1]) >= 2  # noqa: PLR2004


def _digits(written: str) -> str:
    return ("+" if written.lstrip("(").startswith("+") else "") + re.sub(r"\D", "", written)
