"""The short way from JSON to an event, for messages in which nothing is odd.

pydantic decides what an event is and says what is wrong with one that is none; ``msgspec`` reads
the ordinary signup and post in half of the time. What is let in here is a part of what pydantic
lets in, with the same values, and everything else is left to it: a refusal, a field more, a time or
an address written otherwise (docs/decisions/0061). Tests hold the two together.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, MsgspecError, Struct, field
from msgspec.json import Decoder
from msgspec.structs import asdict, force_setattr

from contracts import ids

MAX_TEXT_CHARS = 1_000_000
MAX_LINKS = 1_000
MAX_ID_CHARS = 256
MAX_LINE_CHARS = 2_048
MAX_COUNT = 1_000_000_000

EventId = Annotated[ids.EventId, Meta(min_length=1, max_length=MAX_ID_CHARS)]
AccountId = Annotated[ids.AccountId, Meta(min_length=1, max_length=MAX_ID_CHARS)]
_Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
_Line = Annotated[str, Meta(max_length=MAX_LINE_CHARS)]
_Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
_Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
"""RFC 3339 in UTC, no finer than microseconds: what ``fromisoformat`` reads as pydantic does."""

MAX_SECONDS = 4_096
_SECONDS: dict[str, int] = {}
"""Seconds that were read before, in milliseconds: many events happen in the same one."""
_SECOND_CHARS = len("2026-11-22T19:00:00")
_FRACTIONS = {"Z": 0, **{f".{ms:03}Z": ms for ms in range(1_000)}}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_OCTETS = frozenset(map(str, range(256)))


class SignupRow(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """``contracts.event.Signup`` as ``parse_event`` reads it where there is nothing odd in it.

    The same to whoever reads it, and made in a quarter of the time.
    """

    event_id: EventId
    written_at: str = field(name="occurred_at")
    """When it happened, as it was written."""
    account_id: AccountId
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
    past_events: _Count | None = None
    tickets_sold: _Count | None = None
    occurred_at_ms: int = field(name="", default=0)
    """Milliseconds since the Unix epoch, rounded down; ``signup_row`` sets it."""

    @property
    def occurred_at(self) -> datetime:
        """When it happened on the platform, in UTC."""
        return datetime.fromisoformat(self.written_at)

    @property
    def domain_created_at(self) -> datetime | None:
        """None: a signup that tells of it is read by pydantic."""
        return None


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
    past_events: _Count | None = None
    tickets_sold: _Count | None = None


_signup = Decoder(SignupRow).decode
_post = Decoder(_Post).decode


def signup_row(raw: bytes) -> SignupRow | None:
    """A signup, validated; None where pydantic decides."""
    try:
        row = _signup(raw)
        at_ms = _moment_ms(row.written_at)
    except (MsgspecError, ValueError):
        return None
    ip = row.ip
    if (
        at_ms is None
        or (ip is not None and not is_ipv4(ip))
        or not (ip or row.email or row.device_id)
        or "\x00" in row.event_id
        or "\x00" in row.account_id
    ):
        return None
    force_setattr(row, "occurred_at_ms", at_ms)
    return row


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


def is_ipv4(text: str) -> bool:
    """Whether it is an IPv4 address in its one canonical spelling."""
    octets = text.split(".")
    return len(octets) == 4 and _OCTETS.issuperset(octets)  # noqa: PLR2004 -- RFC 791


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None


def _moment_ms(text: str) -> int | None:
    """``_moment`` in milliseconds since the Unix epoch, rounded down."""
    second_ms, fraction_ms = (
        _SECONDS.get(text[:_SECOND_CHARS]),
        _FRACTIONS.get(text[_SECOND_CHARS:]),
    )
    if second_ms is not None and fraction_ms is not None:
        return second_ms + fraction_ms
    at = _moment(text)
    if at is None:
        return None
    if len(_SECONDS) == MAX_SECONDS:
        _SECONDS.clear()
    since = at - _EPOCH
    second_ms = (since.days * 86_400 + since.seconds) * 1_000
    _SECONDS[text[:_SECOND_CHARS]] = second_ms
    return second_ms + since.microseconds // 1_000
