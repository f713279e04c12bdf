"""Ways to somebody off the platform that are no links: numbers, handles, mail addresses, wallets.

Only what is precise: a number counts as a phone number by its shape and what stands around it, a
wallet by its checksum or its shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from detectors.hint import NAMES, Hint, Hints, hints_of
from detectors.lists import bundled
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


def _any_of(list_name: str) -> str:
    """A pattern of the names of a bundled list, the longest first."""
    names = sorted(bundled(list_name), key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace(r"\ ", r"\s{0,3}") for name in names)


_MESSENGERS = rf"{_any_of('messengers')}|t\.?g(?=\W{{0,3}}@)"
_CJK_MESSENGERS = (
    r"\u5fae\u4fe1\u53f7?|\u52a0[\u5fae\u8587](?!\u4fe1)|\u5a01\u4fe1|\u8587\u4fe1|\u52a0\s?v\s?\u4fe1?|(?<![a-z0-9])(?:v\s?\u4fe1|qq\s?\u7fa4?|vx)"
    r"|\u7535\u62a5|\u98de\u673a"
)
_NETWORKS = _any_of("networks")

_NETWORK = re.compile(_NETWORKS)
_LONG_NUMBER = re.compile(r"\d[\d\W_OoIlBSZ]{6,32}\d")
_LONG_ASCII_NUMBER = re.compile(r"[0-9][0-9().\s/\[\]{}_*~|<>=:+OoIlBSZ-]{6,32}[0-9]")
"""The same for a text of ASCII, where it is found in a third of the time."""
_HANDLE = re.compile(r"@[a-zA-Z0-9_]{3}")
_PHONE = re.compile(
    r"(?<![\w./=&-])\+?\(?\d(?:[ .()/\u2010-\u2015\u2212-]{0,3}\d){7,14}+(?![\w/=])(?!\.\d)"
)
_ASCII_SEPARATORS = r" \n.()\[\]{}/\\_~*|:=<>^'-"
_SEPARATORS = (
    r"\u00ab\u00bb\u00b7\u2010-\u205e\u2190-\u21ff\u2212\u2500-\u257f\u25a0-\u27bf\u2b00-\u2bff"
    rf"\u3008-\u3011\U0001f300-\U0001faff{_ASCII_SEPARATORS}"
)


def _toll_free(separators: str) -> re.Pattern[str]:
    between = f"[{separators}]"
    return re.compile(
        rf"(?<![\w/=&])(?:\+?[1lI]{between}{{0,4}})?\(?8{between}{{0,3}}([0oO2-8]){between}{{0,3}}"
        rf"(?:\1|[0oO])(?:{between}{{0,4}}[0-9OoIlBSZ]){{7}}(?![\w=])"
    )


def _any_number(separators: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w/=&])\+?\(?\d(?:[{separators}]{{0,4}}[0-9OoIlBSZ]){{8,13}}(?![\w=])"
    )


_TOLL_FREE = (_toll_free(_SEPARATORS), _toll_free(_ASCII_SEPARATORS))
"""+1 800, 833 to 888, with whatever between the digits: the numbers of call centres."""
_ANY_NUMBER = (_any_number(_SEPARATORS), _any_number(_ASCII_SEPARATORS))
_TOLL_FREE_CODES = frozenset(("800", "822", "833", "844", "855", "866", "877", "880", "888"))
_VANITY = re.compile(
    r"\b1[ .-]8(?:00|33|44|55|66|77|88)[ .-](?=[0-9-]{0,8}[A-Z])[A-Z0-9]{3,10}(?:-[A-Z0-9]{2,8})?\b"
)
_AS_DIGITS = str.maketrans("OoIlBSZ", "0011852")

_BRANDS, _SERVICE = _any_of("help_lines"), _any_of("service_words")
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
    rf"({_CJK_MESSENGERS})\s?(?:\u53f7|\u53f7\u7801|id)?\s?"
    r"[:\uff1a=\u2600-\u27bf\U0001f300-\U0001faff]{0,3}\s?([a-z][\w-]{5,19}|\d{5,11})(?![\w])",
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
    r"\b([\w][\w.+-]{1,63})\s{1,2}(?:at|AT)\s{1,2}((?:g\s?mail|yahoo|hotmail|outlook|proton(?:mail)?|mail|yandex|aol|gmx|icloud)"
    r"\.(?:com|ru|de|me|net|co\.uk))\b"
)
_BROKEN_MAIL = re.compile(
    r"@(gmail|yahoo|hotmail|outlook|proton|mail|yandex|aol|gmx|icloud)[ \t]{1,2}(com|ru|de|net)\b",
    re.I,
)
_LOCAL_PART = re.compile(r"\w[\w.+-]{0,63}\Z")
_GMAIL_NAME = re.compile(
    r"\bgmail\s?(?::|=|is|id)\s?((?=[a-z._]{0,29}\d)[a-z][a-z0-9._]{5,29})\b(?!@)", re.I
)
_SIGNAL_NAME = re.compile(r"\.\d{2,}\Z")
"""Signal's user names end with a full stop and digits, which the word's other sense does not."""
_TELEGRAM_LINK = re.compile(r"\btg://resolve\?domain=(\w{4,32})", re.I)
_WA_NUMBER = re.compile(r"\bWA[ :]{1,3}((?:\+|62|08[1-9])\d?(?:[ .-]?\d){8,12})(?!\d)")
"""WhatsApp as Indonesia writes it, and no zip code of a state's."""
_LETTER_FOR_DIGIT = re.compile(r"[0-9][ .-]?[OoIlBSZA-Z]|[OoIlBSZ][ .-]?[0-9]")
_TIMES = re.compile(r"\d[:,]\d{2}\b.*\d[:,]\d{2}\b")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ASK = re.compile(
    r"\b(?:call|dial|text|phone|ring|sms|tel|telephone|mobile|cell|hotline|helpline|toll[\s-]?free|contact|reach)\b"
    r"|\u260e|\u2706|\U0001f4de|\U0001f4f1|\u260f",
    re.I,
)

MIN_TRUE_DIGITS = 6
"""Of a number in which letters stand for digits."""
MIN_DIGITS = 10
MAX_NUMBERS = 200
"""Of each shape that are looked at in a stretch of numbers: a table of figures has more."""
ROOM_CHARS = 16
SUPPORT_REACH_CHARS = 60
"""How far from a number the words stand that make it a support number."""


def find_contacts(text: str, hints: Hints | None = None) -> tuple[Contact, ...]:
    """Contacts in reading order of each kind, each once; at most ``MAX_CONTACTS``.

    Args:
        text: A text as ``detectors.text`` cleans it.
        hints: Those that it has, where they are at hand.
    """
    hints = hints_of(text) if hints is None else hints
    if _OF_CONTACTS.isdisjoint(hints):
        return ()
    is_foreign = Hint.FOREIGN in hints
    contacts: dict[str, Contact] = {}
    for value, coin in find_wallets(text, hints):
        contacts.setdefault(value, Contact("wallet", value, coin))
    spans: list[tuple[int, int]] = []
    if is_foreign or Hint.LONG_NUMBER in hints:
        spans += _spans(_LONG_ASCII_NUMBER if text.isascii() else _LONG_NUMBER, text)
    has_at = "@" in text
    low = text.lower()
    if (is_foreign or Hint.NAME in hints) and _may_name(low):
        for contact in _named(text, has_number=bool(spans), has_at=has_at):
            contacts.setdefault(contact.value, contact)
            if len(contacts) >= MAX_CONTACTS:
                break
    if Hint.MAIL in hints and (
        has_at or "mail" in low or any(f" at {name}" in low for name in _MAIL_PROVIDERS)
    ):
        for mail in _mails(text):
            contacts.setdefault(mail.value, mail)
    if Hint.VANITY_NUMBER in hints and _VANITY.search(text):
        spans.append((0, len(text)))
    for begin, end in spans:
        _add_phones(text, begin, end, contacts)
        if len(contacts) >= MAX_CONTACTS:
            break
    return tuple(contacts.values())[:MAX_CONTACTS]


_OF_CONTACTS = frozenset(
    {Hint.FOREIGN, Hint.LONG_WORD, Hint.LONG_NUMBER, Hint.NAME, Hint.MAIL, Hint.VANITY_NUMBER}
)


def _spans(long_number: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Where the numbers of a text stand, with some room around."""
    begin = end = -1
    for found in long_number.finditer(text):
        if not _has_digits_enough(found[0]):
            continue
        if end < 0 or found.start() - ROOM_CHARS > end:
            if end >= 0:
                yield begin, end
            begin = max(0, found.start() - ROOM_CHARS)
        end = found.end() + 2 * ROOM_CHARS
    if end >= 0:
        yield begin, end


def _has_digits_enough(number: str) -> bool:
    digits = sum(map(str.isdecimal, number))
    return digits >= MIN_DIGITS or (
        digits >= MIN_TRUE_DIGITS and _LETTER_FOR_DIGIT.search(number) is not None
    )


def _may_name(low: str) -> bool:
    """Whether a text may hold the name of a messenger or network at all."""
    plain = low.encode("ascii", "replace")
    if not _FIRST_WORDS.isdisjoint(plain.translate(_BLANKS).split()):
        return True
    return plain.count(b"?") > low.count("?") and _FOREIGN_NAME.search(low) is not None


_FIRST_WORDS = frozenset(
    re.split(rb"[ '@]", name.encode())[0]
    for name in (*NAMES, "tg", "t.g", "wa", "vx", "v", "te", "telegr")
    if name.isascii()
)
"""The beginnings of all names, as words that blanks, signs and digits part."""
_FOREIGN_NAME = re.compile(
    "|".join(
        re.escape(name)
        for name in (*NAMES, "\u4fe1", "\u52a0\u5fae", "\u52a0\u8587")
        if not name.isascii()
    )
)
_SIGNS = b"\n\t\r:=-()[]{}<>,!?@'+*#/|~\"0123456789"
_BLANKS = bytes.maketrans(_SIGNS, b" " * len(_SIGNS))
_MAIL_PROVIDERS = ("yahoo", "hotmail", "outlook", "proton", "yandex", "aol", "gmx", "icloud")


def _named(text: str, *, has_number: bool, has_at: bool) -> Iterator[Contact]:
    """Numbers and handles that stand beside the name of a messenger or network; mail addresses."""
    if has_number or has_at:
        for found in _MESSENGER.finditer(text):
            value = found[2] if found[2][0] == "@" else _digits(found[2])
            yield Contact("messenger", value.replace(" ", ""), found[1].lower())
    for found in _NAMED_MESSENGER.finditer(text):
        if _is_a_handle(found[0], found[2]) and not _is_in_url(text, found.start()):
            named = found[1].lower()
            kind: ContactKind = "handle" if _NETWORK.fullmatch(named) else "messenger"
            yield Contact(kind, f"@{found[2]}", named)
    yield from _by_address(text)
    if not text.isascii():
        for found in _CJK_MESSENGER.finditer(text):
            if not _is_in_url(text, found.start()):
                yield Contact("messenger", found[2], found[1].lower())
    if has_at:
        yield from _at(text)


def _by_address(text: str) -> Iterator[Contact]:
    """What is one by its own shape."""
    if "tg://" in text:
        for found in _TELEGRAM_LINK.finditer(text):
            yield Contact("messenger", f"@{found[1]}", "tg")
    if "#" in text and "iscord" in text:
        for found in _DISCORD.finditer(text):
            yield Contact("messenger", found[1], "discord")
    if "WA" in text:
        for found in _WA_NUMBER.finditer(text):
            yield Contact("messenger", _digits(found[1]), "wa")


def _at(text: str) -> Iterator[Contact]:
    for found in _NETWORK_HANDLE.finditer(text):
        yield Contact("handle", f"@{found[2]}", found[1].lower())
    for found in _HANDLE_BEFORE.finditer(text):
        yield Contact("handle", f"@{found[1]}", found[2].lower())


def _mails(text: str) -> Iterator[Contact]:
    for found in _MAIL.finditer(text):
        yield Contact("mail", found[0].lower(), "")
    for found in _SPELT_MAIL.finditer(text):
        yield Contact("mail", f"{found[1]}@{found[2].replace(' ', '')}".lower(), "spelt out")
    if "@" in text:
        for found in _BROKEN_MAIL.finditer(text):
            if name := _LOCAL_PART.search(text, max(0, found.start() - 64), found.start()):
                yield Contact("mail", f"{name[0]}@{found[1]}.{found[2]}".lower(), "spelt out")
    for found in _GMAIL_NAME.finditer(text):
        yield Contact("mail", f"{found[1]}@gmail.com".lower(), "spelt out")


def _is_in_url(text: str, at: int) -> bool:
    """Whether a place lies behind the host of a URL, where names are parts of identifiers."""
    begin = max(text.rfind(" ", max(0, at - 2_048), at), text.rfind("\n", max(0, at - 2_048), at))
    return "://" in text[begin + 1 : at]


def _is_a_handle(written: str, name: str) -> bool:
    """Whether what follows the name of a messenger is one, and no word of the sentence."""
    if written.lower().startswith("signal") and "@" not in written:
        return _SIGNAL_NAME.search(name) is not None
    told = re.search(r"\b(?:id|user|username|handle)\s?[:=]", written, re.I) is not None
    return told or "@" in written or any(char.isdigit() or char == "_" for char in name)


def _add_phones(text: str, begin: int, end: int, contacts: dict[str, Contact]) -> None:
    is_ascii = text.isascii()
    toll_free, any_number = _TOLL_FREE[is_ascii], _ANY_NUMBER[is_ascii]
    for pattern in (_PHONE, toll_free, any_number, _VANITY):
        for found in islice(pattern.finditer(text, begin, end), MAX_NUMBERS):
            written = found[0]
            value = written if pattern is _VANITY else _digits(written.translate(_AS_DIGITS))
            if value in contacts or f"+{value}" in contacts or value.lstrip("+") in contacts:
                continue
            before = text[max(0, found.start() - SUPPORT_REACH_CHARS) : found.start()]
            if pattern is _PHONE:
                counts = _is_phone(written, value) or _is_asked(before, value)
            elif pattern is toll_free:
                counts = _is_toll_free(written, value)
            else:
                counts = pattern is _VANITY or _is_phone_by_any_sign(written, value)
            if not counts:
                continue
            offered = _SUPPORT.search(
                f"{before} {text[found.end() : found.end() + SUPPORT_REACH_CHARS]}"
            )
            if offered:
                contacts[value] = Contact("support_number", value, offered[0].lower())
            elif pattern is not any_number or _is_asked(before, value):
                contacts[value] = Contact("phone", value, "" if pattern is _PHONE else "toll-free")


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
    return 10 <= len(value.lstrip("+")) <= 13 and not _TIMES.search(written)  # noqa: PLR2004 -- E.164


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
