"""A reason as a sentence: the evidence, said as a colleague would say it.

A detector that has no sentence of its own here is not hidden: its code is read out, and its
evidence stands beside it as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from console.moment import exact, length, offset
from contracts.signal import Evidence
from contracts.verdict import Reason

MAX_SHOWN = 5
_FACETS = {
    "asn": "the network {}",
    "contact": "the contact {} in their texts",
    "device": "one device, {}",
    "email_domain": "the mail domain {}",
    "email_stem": "the mailbox stem {}",
    "ip": "the address {}",
    "link_domain": "links to {}",
    "near_text": "nearly the same text, {}",
    "payment": "one means of payment, {}",
    "phone": "the phone number {}",
    "subnet": "the network {}",
    "text_template": "one text with its slots filled, “{}”",
    "title_template": "titles made like “{}”",
}
_PLAIN = {
    "contact.messenger": "The text moves readers to a messenger.",
    "contact.support_number": "The text passes a telephone number off as customer support.",
    "contact.wallet": "The text asks for money at a cryptocurrency wallet.",
    "identity.blocked_mailbox": "The mailbox is at a blocked domain.",
    "identity.contact_in_name": "A name field carries a contact.",
    "identity.disposable_mailbox": "The mailbox is a disposable one.",
    "identity.gibberish_local": "The mailbox name looks typed at random.",
    "identity.link_in_name": "A name field carries a link.",
    "identity.suspicious_suffix": "The mailbox is under a suffix that is mostly abused.",
    "identity.local_unlike_name": "The mailbox name has nothing of the account's name.",
    "identity.tumbled_mailbox": "The mailbox is one with its dots moved about.",
    "link.anchor_mismatch": "A link shows one site and leads to another.",
    "link.blocked_domain": "The text links to a blocked domain.",
    "link.density": "The text is dense with links.",
    "link.disguised": "A link is disguised from filters.",
    "link.first_seconds": "The account posted a link within seconds of its signup.",
    "link.hidden": "A link is hidden from readers.",
    "link.mixed_script_host": "A link's host mixes alphabets to pass for another.",
    "link.numeric_host": "A link leads to a bare address instead of a name.",
    "link.homograph": "A link's host poses as a known name.",
    "link.mail_mismatch": "The mail address and the links are of different owners.",
    "link.punycode_host": "A link's host is an internationalised name.",
    "link.shortener": "A link goes through a shortener.",
    "link.suspicious_suffix": "A link is under a suffix that is mostly abused.",
    "link.userinfo": "A link dresses up as another site before the @.",
    "media.match": "The upload shows a known work.",
    "media.prohibited": "A frame may show prohibited content; a person should look.",
    "media.sound_match": "The upload sounds like a known work; its picture shows none.",
    "media.review": "The upload shows a known work whose policy asks for a review.",
    "text.invisible": "Invisible characters stand inside words.",
    "text.lookalikes": "Words borrow letters of another alphabet.",
    "text.reversed": "A control character turns the text around.",
    "text.stuffed": "The text repeats keywords and says little else.",
    "text.learned": "The text reads like spam seen before.",
    "text.prohibited": "The text sells what the terms of service do not allow.",
    "vip.organizer": "The account looks like a large organizer.",
}
_WINDOWS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a reason says, and the evidence that the words leave out, by name."""

    text: str
    rest: tuple[tuple[str, str], ...] = ()


def sentence(reason: Reason) -> Sentence:
    """Say a reason in words."""
    family = ".".join(reason.code.split(".")[:2])
    say = _SENTENCES.get(reason.code) or _SENTENCES.get(family) or _SENTENCES.get(_head(family))
    if say is not None and (said := say(reason.evidence)) is not None:
        text, used = said
        rest = {name: value for name, value in reason.evidence.items() if name not in used}
    else:
        text, rest = _PLAIN.get(reason.code) or _fallback(reason), dict(reason.evidence)
    return Sentence(text, tuple((_spaced(name), _value(value)) for name, value in rest.items()))


def window_words(window: str) -> str:
    """``10m`` is ``10 minutes``; what is no window is left as it is."""
    if (parts := re.fullmatch(r"(\d+)([smhd])", window)) is None:
        return window
    unit = _WINDOWS[parts[2]]
    if parts[1] == "1":
        return f"an {unit}" if unit == "hour" else f"a {unit}"
    return f"{parts[1]} {unit}s"


_Said = tuple[str, set[str]] | None


def _velocity(evidence: Evidence) -> _Said:
    facet, window = evidence.get("facet"), evidence.get("window")
    measured = _measured(evidence)
    if not (isinstance(facet, str) and ":" in facet and measured and window):
        return None
    kind, _, value = facet.partition(":")
    shared = _FACETS.get(kind, f"the {_spaced(kind)} {{}}").format(value)
    said, used = measured
    text = f"{said} shared {shared} within {window_words(str(window))}"
    used |= {"facet", "window"}
    if (since := _time(evidence.get("since"))) is not None:
        text, used = f"{text}, since {exact(since)}", used | {"since"}
    if evidence.get("unseen_before") is True:
        text, used = f"{text}; nobody had seen it before", used | {"unseen_before"}
    if (bits := evidence.get("surprise_bits")) is not None:
        text += f"; by what is usual there, that is unlikely by {bits} bits or more"
    if evidence.get("estimated") is True:
        error = evidence.get("error")
        text += "; estimated" + ("" if error is None else f", give or take {_number(error)}")
        used |= {"estimated", "error"}
    return f"{text}.", used


def _measured(evidence: Evidence) -> tuple[str, set[str]] | None:
    """What a rule measured, at least so much; and the evidence that says it."""
    accounts = evidence.get("accounts")
    if accounts and (percent := evidence.get("new_accounts_percent")) is not None:
        said = f"{_number(accounts)} or more accounts, {percent} % or more of them new,"
        return said, {"accounts", "new_accounts_percent"}
    if accounts:
        return f"{_number(accounts)} or more accounts", {"accounts", "surprise_bits"}
    if events := evidence.get("events"):
        return f"{_number(events)} or more events", {"events"}
    if (distinct := evidence.get("distinct")) and (of := evidence.get("of")):
        said = f"{_number(distinct)} or more different values of {_spaced(str(of))}"
        return said, {"distinct", "of"}
    return None


def _media(evidence: Evidence) -> _Said:
    if (said := _work(evidence, "shows")) is None:
        return None
    return f"{said[0]}.", said[1]


def _sound(evidence: Evidence) -> _Said:
    if (said := _work(evidence, "sounds like")) is None:
        return None
    return f"{said[0]}; its picture shows none.", said[1]


def _work(evidence: Evidence, does: str) -> _Said:
    seconds, works = evidence.get("matched_seconds"), evidence.get("references")
    if not isinstance(seconds, int | float) or not works:
        return None
    shown = f"The upload {evidence['upload_id']}" if evidence.get("upload_id") else "The upload"
    count = len(works) if isinstance(works, list | tuple) else 1
    text = f"{shown} {does} {length(seconds)} of {_count(count, 'known work')}"
    if evidence.get("retroactive") is True:
        text += ", found after a work was added"
    return text, {"matched_seconds", "references", "upload_id", "retroactive"}


def _prohibited(evidence: Evidence) -> _Said:
    label, score, at_s = (evidence.get(name) for name in ("label", "score", "at_s"))
    if not (label and isinstance(score, int | float) and isinstance(at_s, int | float)):
        return None
    text = f"At {offset(at_s)} the upload may show {_spaced(str(label))}, {score:.0%} sure."
    return f"{text} A person should look.", {"label", "score", "at_s"}


_SENTENCES: dict[str, Callable[[Evidence], _Said]] = {
    "velocity": _velocity,
    "media": _media,
    "media.sound_match": _sound,
    "media.prohibited": _prohibited,
}


def _fallback(reason: Reason) -> str:
    words = _spaced(reason.code.replace(".", ": ", 1).replace(".", " "))
    return f"{words[:1].upper()}{words[1:]}."


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        between = "; " if any(isinstance(item, dict) for item in value) else ", "
        shown = between.join(_value(item) for item in value[:MAX_SHOWN])
        return shown if len(value) <= MAX_SHOWN else f"{shown} and {len(value) - MAX_SHOWN} more"
    if isinstance(value, dict):
        return ", ".join(f"{_spaced(str(name))} {_value(own)}" for name, own in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def _number(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else str(number)


def _count(number: Any, noun: str) -> str:
    if not isinstance(number, int):
        return f"{number} {noun}s"
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _head(family: str) -> str:
    return family.partition(".")[0]
