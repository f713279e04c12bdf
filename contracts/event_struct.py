"""The short way from JSON to an event, for messages in which nothing is odd.

pydantic decides what an event is and says what is wrong with one that is none; ``msgspec`` reads
the ordinary signup and post in half of the time. What is let in here is a part of what pydantic
lets in, with the same values, and everything else is left to it: a refusal, a field more, a time or
an address written otherwise (docs/decisions/0061). Tests hold the two together.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder
from msgspec.structs import asdict

MAX_TEXT_CHARS = 1_000_000
MAX_LINKS = 1_000
MAX_ID_CHARS = 256
MAX_LINE_CHARS = 2_048

_Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
_Line = Annotated[str, Meta(max_length=MAX_LINE_CHARS)]
_Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
"""RFC 3339 in UTC, no finer than microseconds: what ``fromisoformat`` reads as pydantic does."""

IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.|$)){4}(?<!\.)")
"""An IPv4 address in its one canonical spelling."""


class _Signup(Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """``contracts.event.Signup``, field by field in its order, times and addresses unread."""

    event_id: _Id
    occurred_at: str
    account_id: _Id
    type: Literal["signup"]
    email: _Line | None = None
    ip: str | None = None
    user_agent: _Line | None = None
    device_id: _Line | None = None
    name: _Line | None = None
    organization: _Line | None = None
    phone: _Line | None = None
    website: _Line | None = None
    bio: _Text | None = None
    referrer: _Line | None = None
    country: _Line | None = None
    payment_fingerprint: _Line | None = None


class _Post(Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """``contracts.event.Post``, likewise."""

    event_id: _Id
    occurred_at: str
    account_id: _Id
    type: Literal["post"]
    post_id: _Id | None = None
    account_created_at: str | None = None
    kind: Literal["event_page", "profile", "comment", "message"]
    title: _Line = ""
    text: _Text = ""
    links: Annotated[tuple[_Line, ...], Meta(max_length=MAX_LINKS)] = ()


_signup = Decoder(_Signup).decode
_post = Decoder(_Post).decode


def signup_fields(raw: bytes) -> dict[str, Any] | None:
    """The values of a signup's fields, all of them and validated; None where pydantic decides."""
    try:
        read = _signup(raw)
        at = _moment(read.occurred_at)
    except (MsgspecError, ValueError):
        return None
    ip = read.ip
    if (
        at is None
        or (ip is not None and not IPV4.fullmatch(ip))
        or not (ip or read.email or read.device_id)
        or "\x00" in read.event_id
        or "\x00" in read.account_id
    ):
        return None
    fields = asdict(read)
    fields["occurred_at"] = at
    return fields


def post_fields(raw: bytes) -> dict[str, Any] | None:
    """The values of a post's fields, likewise."""
    try:
        read = _post(raw)
        at = _moment(read.occurred_at)
        created = read.account_created_at
        created_at = None if created is None else _moment(created)
    except (MsgspecError, ValueError):
        return None
    if (
        at is None
        or (created is not None and created_at is None)
        or "\x00" in read.event_id
        or "\x00" in read.account_id
        or (read.post_id is not None and "\x00" in read.post_id)
    ):
        return None
    fields = asdict(read)
    fields["occurred_at"] = at
    fields["account_created_at"] = created_at
    return fields


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
