"""What stands at the end of a run, however it went, and how two runs differ.

A run says things more than once: a verdict is amended, an alert grows, and after a crash some of it
is said again. What counts is what stands when all is said: the last verdict about each event, and
the newest revision of each alert that was not closed into another. Two runs over the same events
are equal when these are, byte for byte.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from contracts.ids import derived_id

EXAMPLES = 3
"""Shown of each kind of difference."""

MAX_SHOWN_CHARS = 240
"""Of one field's value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The messages that stand, as they came: verdicts by ``event_id``, alerts by ``alert_id``."""

    verdicts: Mapping[str, bytes]
    alerts: Mapping[str, bytes]

    @classmethod
    def of(cls, verdicts: Iterable[bytes], alerts: Iterable[bytes]) -> Standing:
        """Fold messages, in the order in which they came on their partition or in their file."""
        return cls(
            verdicts={_fields(raw)["event_id"]: raw for raw in verdicts},
            alerts=newest_alerts(alerts),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that does not stand as it should.

    Attributes:
        kind: ``verdict`` or ``alert``.
        what: ``missing``, ``extra``, or the names of the fields that differ, else ``bytes``.
        subject: Its ``event_id`` or ``alert_id``.
        expected: The message of the undisturbed run; None for what is extra.
        found: The message of the run in question; None for what is missing.
    """

    kind: str
    what: str
    subject: str
    expected: bytes | None
    found: bytes | None

    def __str__(self) -> str:
        lines = [f"{self.kind} {self.subject}: {self.what}"]
        one, other = (_fields(raw) if raw else {} for raw in (self.expected, self.found))
        names = _differing(one, other) if one and other else []
        for name in names:
            was, is_now = _apart(one.get(name), other.get(name))
            lines.append(f"    - {name}: {_short(was)}")
            lines.append(f"    + {name}: {_short(is_now)}")
        if not names:
            lines += [f"    - {_short(self.expected.decode())}"] if self.expected else []
            lines += [f"    + {_short(self.found.decode())}"] if self.found else []
        return "\n".join(lines)


def newest_alerts(alerts: Iterable[bytes]) -> dict[str, bytes]:
    """The newest revision of each alert that was not closed into another."""
    newest: dict[str, tuple[int, bytes]] = {}
    for raw in alerts:
        alert = _fields(raw)
        before = newest.get(alert["alert_id"])
        if before is None or alert["revision"] >= before[0]:
            newest[alert["alert_id"]] = (alert["revision"], raw)
    return {alert_id: raw for alert_id, (_, raw) in newest.items() if not is_part_of_another(raw)}


def is_part_of_another(raw: bytes) -> bool:
    """Whether an alert was closed because what it is about turned out to belong to a campaign."""
    alert = _fields(raw)
    campaign_id = alert.get("campaign_id")
    return (
        alert["status"] == "closed"
        and campaign_id is not None
        and alert["alert_id"] != derived_id("campaign", campaign_id)
    )


def differences(expected: Standing, found: Standing) -> list[Difference]:
    """All that is missing, extra or other in ``found``; in the order of their ids."""
    return [
        *_between("verdict", expected.verdicts, found.verdicts),
        *_between("alert", expected.alerts, found.alerts),
    ]


def report(found: Iterable[Difference]) -> str:
    """How many differences there are of each kind, and examples; empty where there is none."""
    by_kind: dict[tuple[str, str], list[Difference]] = defaultdict(list)
    for difference in found:
        by_kind[difference.kind, difference.what].append(difference)
    counts = Counter({kind: len(those) for kind, those in by_kind.items()})
    lines = []
    for (kind, what), count in counts.most_common():
        lines.append(f"{count} {kind}s: {what}")
        lines += [f"  {line}" for one in by_kind[kind, what][:EXAMPLES] for line in _lines(one)]
    return "\n".join(lines)


def _between(
    kind: str, expected: Mapping[str, bytes], found: Mapping[str, bytes]
) -> Iterable[Difference]:
    for subject in sorted(expected.keys() | found.keys()):
        one, other = expected.get(subject), found.get(subject)
        if one != other:
            yield Difference(
                kind=kind, what=_what(one, other), subject=subject, expected=one, found=other
            )


def _what(expected: bytes | None, found: bytes | None) -> str:
    if found is None:
        return "missing"
    if expected is None:
        return "extra"
    return ", ".join(_differing(_fields(expected), _fields(found))) or "bytes"


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def _fields(raw: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(raw)
    return fields


def _apart(one: Any, other: Any) -> tuple[Any, Any]:
    """Of two lists, only what the other does not have; all of them where that is nothing."""
    if not (isinstance(one, list) and isinstance(other, list)):
        return one, other
    left = [item for item in one if item not in other]
    right = [item for item in other if item not in one]
    return (left, right) if left or right else (one, other)


def _lines(difference: Difference) -> list[str]:
    return str(difference).splitlines()


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}… ({len(text)})"
