"""One line that says what an alert is about, as a colleague would."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.ids import Facet
from contracts.screening import Match

_SHOWN = 2


def campaign_headline(accounts: int, facets: Iterable[Facet]) -> str:
    """Say how many accounts, and what ties them: ``42 accounts on one device``."""
    values: dict[str, list[str]] = {}
    for facet in facets:
        kind, _, value = facet.partition(":")
        values.setdefault(kind, []).append(value)
    ties = [_tie(kind, values[kind]) for kind in sorted(values, key=_order)]
    return f"{accounts} accounts {' and '.join(ties)}"


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
    count = len(values)
    match kind:
        case "device":
            return "on one device" if count == 1 else f"on {count} shared devices"
        case "email_stem":
            return f"with numbered mailboxes like {_some(values)}"
        case "link_domain":
            return f"linking to {_some(values)}"
        case "payment":
            return "paying by one card" if count == 1 else f"paying by {count} shared cards"
        case _:
            return f"sharing {kind.replace('_', ' ')} {_some(values)}"


def _some(values: list[str]) -> str:
    shown = ", ".join(values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"


def _order(kind: str) -> tuple[int, str]:
    first = ("device", "payment", "email_stem", "link_domain")
    return (first.index(kind) if kind in first else len(first), kind)
