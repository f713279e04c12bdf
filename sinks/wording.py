"""An alert in words that a trust team reads: the same on the console and in Slack.

What attackers wrote (names, domains, titles) is in here too: control characters, which could
rewrite a terminal, and characters that turn the direction of text are taken out, and lines are
bounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from contracts.alert import Alert, AlertStatus
from contracts.screening import Match, MatchedBy
from contracts.verdict import Reason

MAX_VALUE_CHARS = 200
MAX_LISTED = 5

_UNITS = {"s": "s", "m": "min", "h": "h", "d": "d"}

_STATUS: dict[AlertStatus, str] = {
    "opened": "New",
    "escalated": "Escalated",
    "grown": "Grown",
    "closed": "Closed",
}


def clean(text: str, *, max_chars: int = MAX_VALUE_CHARS) -> str:
    """One line of at most ``max_chars``, with nothing in it that acts on what shows it."""
    kept = "".join(
        " " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign
        for sign in text[: max_chars * 4]
        if unicodedata.category(sign) not in {"Cf", "Cs"} or sign == "\u200d"
    )
    line = " ".join(kept.split())
    return line if len(line) <= max_chars else f"{line[: max_chars - 1].rstrip()}…"


def clock_time(seconds: float) -> str:
    """Seconds into a video as ``mm:ss``, or ``h:mm:ss`` from an hour on, as the console has it."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3_600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def headline(alert: Alert) -> str:
    """``New: hold · risk 92 · 42 accounts on one device``."""
    return f"{_STATUS[alert.status]}: {alert.action} · risk {alert.risk} · {clean(alert.title)}"


def accounts_line(alert: Alert) -> str:
    """``42 accounts: a1, a2, a3, a4, a5 and 37 more``."""
    noun = "account" if alert.account_count == 1 else "accounts"
    return f"{alert.account_count} {noun}: {_some(alert.account_ids, total=alert.account_count)}"


def reason_line(reason: Reason) -> str:
    """``velocity.device.24h +45 — 12 or more accounts in 24 h on device:ab12``."""
    said = evidence_text(reason.evidence)
    line = f"{clean(reason.code)} {reason.points:+d}"
    return f"{line} — {said}" if said else line


def match_line(match: Match) -> str:
    """``01:23 to 01:45 of the upload is 10:02 to 10:24 of “Night Train”, 97 % alike``."""
    upload = f"{clock_time(match.upload_start_s)} to {clock_time(match.upload_end_s)}"
    work = f"{clock_time(match.reference_start_s)} to {clock_time(match.reference_end_s)}"
    title = clean(match.title)
    likeness = _LIKENESS[match.by].format(match.score * 100)
    return f"{upload} of the upload is {work} of “{title}”, {likeness}"


_LIKENESS: dict[MatchedBy, str] = {
    "picture": "{:.0f} % alike",
    "sound": "by its sound alone, {:.0f} % sure",
    "both": "picture and sound, {:.0f} % sure",
}


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """What was counted first, then whatever else the detector noted, by its name."""
    rest = {name: value for name, value in evidence.items() if value not in (None, "", [], {})}
    counted = []
    if (measured := _measured(rest)) is not None:
        counted.append(measured)
    if (window := rest.pop("window", None)) is not None:
        counted.append(f"in {_window(window)}")
    if (facet := rest.pop("facet", None)) is not None:
        counted.append(f"on {_value(facet)}" if counted else _value(facet))
    parts = [" ".join(counted)] if counted else []
    if rest.pop("estimated", False) is True:
        error = rest.pop("error", None)
        parts.append("estimated" if error is None else f"estimated, give or take {_value(error)}")
    parts += [_note(name, value) for name, value in rest.items()]
    return clean(", ".join(parts), max_chars=2 * MAX_VALUE_CHARS)


def _measured(rest: dict[str, Any]) -> str | None:
    """What a velocity rule measured, taken out of the rest: at least so much."""
    accounts = rest.pop("accounts", None)
    if (percent := rest.pop("new_accounts_percent", None)) is not None:
        return f"{_value(accounts)} or more accounts, {_value(percent)} % or more of them new,"
    if (bits := rest.pop("surprise_bits", None)) is not None:
        odds = f"unusual by {_value(bits)} bits or more"
        return f"{_value(accounts)} or more accounts, {odds},"
    if accounts is not None:
        return f"{_value(accounts)} or more accounts"
    if (events := rest.pop("events", None)) is not None:
        return f"{_value(events)} or more events"
    if "of" in rest and (distinct := rest.pop("distinct", None)) is not None:
        return f"{_value(distinct)} or more different values of {_value(rest.pop('of'))}"
    return None


def _note(name: str, value: Any) -> str:
    label = clean(name.replace("_", " "))
    if value is True:
        return label
    if isinstance(value, int | float) and name.endswith("_s"):
        return f"{label.removesuffix(' s')} {clock_time(value)}"
    return f"{label} {_value(value)}"


def _value(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3g}" if abs(value) < 1_000 else f"{value:.0f}"  # noqa: PLR2004
        case Mapping():
            return "(" + ", ".join(_note(str(name), one) for name, one in value.items()) + ")"
        case list() | tuple():
            return _some(tuple(_value(one) for one in value), total=len(value))
        case _:
            return clean(str(value))


def _window(window: Any) -> str:
    """``24h`` as ``24 h``, ``10m`` as ``10 min``."""
    parts = re.fullmatch(r"(\d+)([smhd])", str(window))
    return f"{parts[1]} {_UNITS[parts[2]]}" if parts else clean(str(window))


def _some(values: tuple[str, ...], *, total: int) -> str:
    listed = ", ".join(clean(value, max_chars=80) for value in values[:MAX_LISTED])
    more = total - min(len(values), MAX_LISTED)
    return f"{listed} and {more} more" if more > 0 else listed
