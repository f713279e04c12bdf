"""Examples that every detector brings: an event, and the codes it is to be found guilty of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.event import Event, Post, PostKind, Signup

_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Example:
    """An event and the codes, all of them, that its detector finds under the default ruleset.

    A negative example has no codes.
    """

    event: Event
    codes: tuple[str, ...] = ()


def post(text: str, *, kind: PostKind = "event_page", **fields: Any) -> Post:
    """A post for an example."""
    return Post(event_id="example", account_id="a", occurred_at=_AT, kind=kind, text=text, **fields)


def signup(**fields: Any) -> Signup:
    """A signup for an example."""
    fields.setdefault("device_id", "d")
    return Signup(event_id="example", account_id="a", occurred_at=_AT, **fields)
