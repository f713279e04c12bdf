"""One line that says what an alert is about, as a colleague would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.ids import Facet
from contracts.screening import Match, Screening

_SHOWN = 2
_COUNTED = {
    "device": ("device farm on one device", "device farm on {} devices"),
    "payment": ("one shared card", "{} shared cards"),
    "reference": ("uploading one work", "uploading {} works"),
    "near_text": ("writing nearly the same", "writing nearly the same"),
}
_NAMED = {
    "email_stem": "numbered mailboxes like {}",
    "link_domain": "posting {}",
    "contact": "giving the contact {}",
    "title_template": "with titles like {}",
}
_FIRST = ("device", "payment", "email_stem", "link_domain", "contact", "text_template", "near_text")
NETWORKS = ("subnet", "ip")


def campaign_headline(accounts: int, facets: Mapping[Facet, int], network: Facet | None) -> str:
    """Say how many accounts, what kind of thing this is, and where from.

    ``42 accounts, device farm on 3 devices, posting cheap-tickets.example, subnet 203.0.113.0/24``

    Args:
        accounts: How many.
        facets: What ties them, with how many accounts each; the largest are named.
        network: The address or network that most of them came from, if there is one.
    """
    values: dict[str, list[str]] = {}
    for facet in sorted(facets, key=lambda facet: (-facets[facet], facet)):
        kind, _, value = facet.partition(":")
        values.setdefault(kind, []).append(value)
    parts = [f"{accounts} accounts"]
    parts += [_tie(kind, values[kind]) for kind in sorted(values, key=_order)]
    if network is not None:
        kind, _, value = network.partition(":")
        parts.append(f"{'address' if kind == 'ip' else kind} {value}")
    return ", ".join(parts)


def media_headline(screening: Screening) -> str:
    """Say which works an upload shows; else, where a person should look."""
    if screening.matches or not screening.prohibited:
        return match_headline(screening.title, screening.matches)
    at_s = int(max(screening.prohibited, key=lambda hit: hit.score).at_s)
    named = f"upload “{screening.title}”" if screening.title else "an upload"
    return f"Perhaps prohibited content at {at_s // 60}:{at_s % 60:02d} in {named}"


def match_headline(title: str, matches: Iterable[Match]) -> str:
    """Say which work, and how much of it: ``“Night Train” for 0:45 in upload “Concert”``."""
    seconds: dict[str, float] = {}
    for match in matches:
        shown = match.upload_end_s - match.upload_start_s
        seconds[match.title] = seconds.get(match.title, 0.0) + shown
    works = " and ".join(
        f"“{work}” for {int(shown) // 60}:{int(shown) % 60:02d}" for work, shown in seconds.items()
    )
    return f"{works} in upload “{title}”" if title else f"{works} in an upload"


def _tie(kind: str, values: list[str]) -> str:
    if kind in _COUNTED:
        one, many = _COUNTED[kind]
        return one if len(values) == 1 else many.format(len(values))
    if kind == "text_template":
        return f"writing “{values[0].partition(' ~')[0]} …” again and again"
    said = _NAMED.get(kind, f"sharing {kind.replace('_', ' ').replace('+', ' and ')} {{}}")
    return said.format(_some(values))


def _some(values: list[str]) -> str:
    shown = ", ".join(values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"


def _order(kind: str) -> tuple[int, str]:
    return (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind)
