"""What the platform tells us: signups, posts, uploads and decisions, validated at the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self, cast

from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from contracts.errors import InvalidEvent
from contracts.event_struct import (
    MAX_COUNT,
    MAX_ID_CHARS,
    MAX_LINE_CHARS,
    MAX_LINKS,
    MAX_TEXT_CHARS,
    SignupRow,
    is_ipv4,
    post_fields,
    signup_row,
)
from contracts.ids import AccountId, AlertId, EventId, UploadId

MAX_ALERT_ID_CHARS = 64
"""What the columns of ``store.schema`` hold, as ``MAX_ID_CHARS``."""


def _without_nul(identifier: str) -> str:
    if "\x00" in identifier:
        msg = "must not hold a NUL character"
        raise ValueError(msg)
    return identifier


# PostgreSQL has no NUL in its texts. Free texts lose theirs where they are stored; an identifier
# that did would be another one.
_NO_NUL = AfterValidator(_without_nul)
_ID = Field(min_length=1, max_length=MAX_ID_CHARS, json_schema_extra={"pattern": "^[^\\u0000]*$"})
_ALERT_ID = Field(max_length=MAX_ALERT_ID_CHARS, json_schema_extra={"pattern": "^[^\\u0000]*$"})

Identifier = Annotated[str, _ID, _NO_NUL]
Line = Annotated[str, Field(max_length=MAX_LINE_CHARS)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # 0001-01-01T00:00:00+14:00
        msg = "must lie between the years 1 and 9999 in UTC"
        raise ValueError(msg) from None


def _address_text(written: object) -> str:
    """An address in its one canonical spelling."""
    if isinstance(written, str) and is_ipv4(written):
        return written  # as nearly all are: spares two objects
    try:
        return str(ip_address(cast("str", written)))
    except (TypeError, ValueError):
        msg = "value is not a valid IPv4 or IPv6 address"
        raise ValueError(msg) from None


Address = Annotated[str, BeforeValidator(_address_text, json_schema_input_type=IPvAnyAddress)]
Timestamp = Annotated[AwareDatetime, AfterValidator(_in_utc)]
DecisionAction = Literal["approve", "ban", "suspend", "ask_documents", "escalate", "mark_vip"]
PostKind = Literal["event_page", "profile", "comment", "message"]


class BaseEvent(BaseModel):
    """What every event carries. Unknown fields are left out, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: Annotated[EventId, _ID, _NO_NUL]
    """The idempotency key: a second event with the same id is a repeat, and is dropped."""
    occurred_at: Timestamp
    """When it happened on the platform, with a zone; kept in UTC."""
    account_id: Annotated[AccountId, _ID, _NO_NUL]

    @property
    def occurred_at_ms(self) -> int:
        """Milliseconds since the Unix epoch, rounded down."""
        return epoch_ms(self.occurred_at)


class Signup(BaseEvent):
    """A new account. At least one of email, ip and device_id is given."""

    type: Literal["signup"] = "signup"
    email: Line | None = None
    ip: Address | None = None
    """IPv4 or IPv6, kept in its canonical spelling."""
    user_agent: Line | None = None
    device_id: Line | None = None
    name: Line | None = None
    organization: Line | None = None
    phone: Line | None = None
    website: Line | None = None
    bio: Annotated[str, Field(max_length=MAX_TEXT_CHARS)] | None = None
    referrer: Line | None = None
    country: Line | None = None
    payment_fingerprint: Line | None = None
    past_events: Count | None = None
    """Events that the organizer has held before, where the platform knows it."""
    tickets_sold: Count | None = None
    """For all of these together."""
    domain_created_at: Timestamp | None = None
    """When the mailbox's domain was registered, where the platform looked it up."""

    @model_validator(mode="after")
    def _has_something_to_go_by(self) -> Self:
        if not (self.email or self.ip or self.device_id):
            msg = "one of email, ip and device_id must be given"
            raise ValueError(msg)
        return self


class Post(BaseEvent):
    """Something an account wrote for others to read."""

    type: Literal["post"] = "post"
    post_id: Identifier | None = None
    account_created_at: Timestamp | None = None
    """When the account signed up, where the platform says; without it the account is not new."""
    kind: PostKind
    title: Line = ""
    text: Annotated[str, Field(max_length=MAX_TEXT_CHARS)] = ""
    """Plain text, HTML or Markdown."""
    links: Annotated[tuple[Line, ...], Field(max_length=MAX_LINKS)] = ()
    """Links that the platform keeps beside the text."""
    past_events: Count | None = None
    """Events that the account has held before, where the platform says."""
    tickets_sold: Count | None = None
    """For all of these together."""


class Upload(BaseEvent):
    """A video to be screened."""

    type: Literal["upload"] = "upload"
    upload_id: Annotated[UploadId, _ID, _NO_NUL]
    uri: Annotated[str, Field(min_length=1, max_length=4_096)]
    """``file:`` (or a plain path) or ``https:``."""
    title: Line = ""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")] | None = None
    """Where it is to be shown, as ISO 3166-1 has it: for policies that hold in some countries."""


class Decision(BaseModel):
    """What a reviewer decided about one or more accounts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["decision"] = "decision"
    decision_id: Annotated[EventId, _ID, _NO_NUL]
    occurred_at: Timestamp
    account_ids: Annotated[
        tuple[Annotated[AccountId, _ID, _NO_NUL], ...], Field(min_length=1, max_length=10_000)
    ]
    action: DecisionAction
    reviewer: Identifier
    reason: Line = ""
    alert_id: Annotated[AlertId, _ALERT_ID, _NO_NUL] | None = None


EventModel = Signup | Post | Upload
"""What is scored, as it is made and written."""

Event = EventModel | SignupRow
"""The same as it is read: the two kinds of signup read alike."""

_EVENT: TypeAdapter[EventModel | Decision] = TypeAdapter(
    Annotated[EventModel | Decision, Field(discriminator="type")]
)


_ALL_OF_A_POST = set(Post.model_fields)
_set = object.__setattr__


def parse_event(raw: bytes | str) -> Event | Decision:
    """Validate one JSON message.

    Raises:
        InvalidEvent: With a reason that names each bad field and what would do.
    """
    if isinstance(raw, bytes):
        if b'"signup"' in raw:
            if (row := signup_row(raw)) is not None:
                return row
        elif b'"post"' in raw and (fields := post_fields(raw)) is not None:
            return _made_post(fields)
    return parse_event_slowly(raw)


def parse_event_slowly(raw: bytes | str) -> EventModel | Decision:
    """Validate one JSON message by pydantic alone: what ``parse_event`` is held against.

    Raises:
        InvalidEvent: As there.
    """
    try:
        return _EVENT.validate_json(raw)
    except ValidationError as error:
        raise InvalidEvent(_reason(error)) from None


def _made_post(fields: dict[str, Any]) -> Post:
    """A post of values that are valid: what ``model_construct`` does, in a tenth of its time.

    All fields count as set: which of them were left out is not told apart.
    """
    event = Post.__new__(Post)
    _set(event, "__dict__", fields)
    _set(event, "__pydantic_fields_set__", _ALL_OF_A_POST)
    _set(event, "__pydantic_extra__", None)
    _set(event, "__pydantic_private__", None)
    return event


def happened_at(event: Event, at_ms: int) -> Event:
    """The same event at another time, given in milliseconds since the Unix epoch."""
    if isinstance(event, SignupRow):
        return replace(event, written_at=rfc3339(at_ms), occurred_at_ms=at_ms)
    return event.model_copy(update={"occurred_at": from_epoch_ms(at_ms)})


def epoch_ms(at: datetime) -> int:
    """Milliseconds since the Unix epoch, rounded down; exact, without a float between."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000


def from_epoch_ms(at_ms: int) -> datetime:
    """The UTC time of ``epoch_ms``."""
    return _second(at_ms // 1_000) + _MILLISECONDS[at_ms % 1_000]


@lru_cache(maxsize=1_024)
def _second(at_s: int) -> datetime:
    """A second's beginning: events come many a second."""
    return datetime.fromtimestamp(at_s, UTC)


def rfc3339(at_ms: int) -> str:
    """Epoch milliseconds as they go on the wire: ``2026-11-22T19:00:00Z``."""
    return from_epoch_ms(at_ms).isoformat().replace("+00:00", "Z")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = tuple(timedelta(milliseconds=one) for one in range(1_000))


def _reason(error: ValidationError) -> str:
    """Say what was wrong without the values, which may be personal data."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(_problem(problem) for problem in problems[:5]) + (
        f"; and {len(problems) - 5} more" if len(problems) > 5 else ""  # noqa: PLR2004 -- above
    )


def _problem(problem: Any) -> str:
    where = ".".join(str(step) for step in problem["loc"])
    kind, message = problem["type"], problem["msg"]
    if kind == "json_invalid":
        return f"not JSON: {message.removeprefix('Invalid JSON: ')}"
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return "type: must be one of signup, post, upload, decision"
    return f"{where}: {message.removeprefix('Value error, ')}"
