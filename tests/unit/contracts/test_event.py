"""Events at the door: what is let in, and what a refusal says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import contracts.event_struct
import store.schema
from contracts.errors import InvalidEvent
from contracts.event import (
    MAX_ALERT_ID_CHARS,
    Decision,
    Post,
    Signup,
    Upload,
    epoch_ms,
    from_epoch_ms,
    happened_at,
    parse_event,
    parse_event_slowly,
    rfc3339,
)
from contracts.event_struct import (
    MAX_ID_CHARS,
    MAX_LINE_CHARS,
    MAX_LINKS,
    SignupRow,
    is_ipv4,
    post_fields,
    signup_row,
)

SIGNUP: dict[str, Any] = {
    "type": "signup",
    "event_id": "e1",
    "account_id": "a1",
    "occurred_at": "2026-11-22T19:00:00Z",
    "email": "anna@example.org",
    "ip": "203.0.113.7",
    "device_id": "d1",
}
POST: dict[str, Any] = {
    "type": "post",
    "event_id": "e2",
    "account_id": "a1",
    "occurred_at": "2026-11-22T19:00:00Z",
    "kind": "comment",
    "text": "hello",
    "links": ["https://example.org"],
}
UPLOAD: dict[str, Any] = {
    "type": "upload",
    "event_id": "e3",
    "account_id": "a1",
    "occurred_at": "2026-11-22T19:00:00Z",
    "upload_id": "u1",
    "uri": "https://example.org/film.mp4",
    "sha256": "0" * 64,
}
DECISION: dict[str, Any] = {
    "type": "decision",
    "decision_id": "d1",
    "occurred_at": "2026-11-22T19:00:00Z",
    "account_ids": ["a1", "a2"],
    "action": "ban",
    "reviewer": "mara",
}
PRIVATE = "anna.private@example.org"


def parse(fields: dict[str, Any], **changes: Any) -> Any:
    return parse_event(json.dumps({**fields, **changes}))


def reason_of(raw: bytes | str) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_event(raw)
    return caught.value.reason


def refusal_of(fields: dict[str, Any]) -> str | None:
    try:
        parse(fields)
    except InvalidEvent as error:
        return error.reason
    return None


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


@pytest.mark.parametrize(
    ("fields", "kind"), [(SIGNUP, Signup), (POST, Post), (UPLOAD, Upload), (DECISION, Decision)]
)
def test_reads_each_type_and_writes_it_back_the_same(
    fields: dict[str, Any], kind: type[Signup | Post | Upload | Decision]
) -> None:
    event = parse_event_slowly(json.dumps(fields))
    assert type(event) is kind
    assert parse_event(event.model_dump_json()) == event


def test_unknown_fields_are_left_out() -> None:
    assert parse(SIGNUP, plan="gold") == parse(SIGNUP)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (without(SIGNUP, "type"), "type: must be one of signup, post, upload, decision"),
        ({**SIGNUP, "type": PRIVATE}, "type: must be one of signup, post, upload, decision"),
        (without(SIGNUP, "event_id"), "signup.event_id: Field required"),
        (
            {**SIGNUP, "event_id": ""},
            "signup.event_id: String should have at least 1 character",
        ),
        (
            {**SIGNUP, "account_id": "x" * 257},
            "signup.account_id: String should have at most 256 characters",
        ),
        (
            {**SIGNUP, "account_id": 17},
            "signup.account_id: Input should be a valid string",
        ),
        (
            {**SIGNUP, "occurred_at": "2026-11-22T19:00:00"},
            "signup.occurred_at: Input should have timezone info",
        ),
        (
            {**SIGNUP, "occurred_at": "0001-01-01T00:00:00+14:00"},
            "signup.occurred_at: must lie between the years 1 and 9999 in UTC",
        ),
        (
            {**SIGNUP, "ip": PRIVATE},
            "signup.ip: value is not a valid IPv4 or IPv6 address",
        ),
        (
            without(SIGNUP, "email", "ip", "device_id"),
            "signup: one of email, ip and device_id must be given",
        ),
        (
            {**without(SIGNUP, "ip", "device_id"), "email": ""},
            "signup: one of email, ip and device_id must be given",
        ),
        (
            {**POST, "kind": PRIVATE},
            "post.kind: Input should be 'event_page', 'profile', 'comment' or 'message'",
        ),
        (
            {**POST, "links": ["x"] * (MAX_LINKS + 1)},
            "post.links: Tuple should have at most 1000 items after validation, not 1001",
        ),
        (
            {**UPLOAD, "sha256": PRIVATE},
            "upload.sha256: String should match pattern '^[0-9a-f]{64}$'",
        ),
        (
            {**DECISION, "action": PRIVATE},
            "decision.action: Input should be 'approve', 'ban', 'suspend', 'ask_documents',"
            " 'escalate' or 'mark_vip'",
        ),
        (
            {**DECISION, "account_ids": []},
            "decision.account_ids: Tuple should have at least 1 item after validation, not 0",
        ),
        ({**DECISION, "account_ids": ["a", 1]}, "decision.account_ids.1: Input should be a valid"),
        (
            {**DECISION, "account_ids": ["a", "x" * 257]},
            "decision.account_ids.1: String should have at most 256 characters",
        ),
        (
            {**DECISION, "alert_id": "x" * 65},
            "decision.alert_id: String should have at most 64 characters",
        ),
    ],
)
def test_a_refusal_names_the_field_and_what_would_do(fields: dict[str, Any], reason: str) -> None:
    assert reason_of(json.dumps(fields)).startswith(reason)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (SIGNUP, "event_id"),
        (SIGNUP, "account_id"),
        (POST, "post_id"),
        (UPLOAD, "upload_id"),
        (DECISION, "decision_id"),
        (DECISION, "reviewer"),
        (DECISION, "alert_id"),
    ],
)
def test_an_identifier_has_no_nul(fields: dict[str, Any], name: str) -> None:
    reason = f"{fields['type']}.{name}: must not hold a NUL character"
    assert refusal_of({**fields, name: f"{PRIVATE}\x00"}) == reason


def test_no_account_of_a_decision_has_a_nul() -> None:
    refusal = refusal_of({**DECISION, "account_ids": ["a1", "a\x002"]})
    assert refusal == "decision.account_ids.1: must not hold a NUL character"


def test_a_nul_in_a_free_text_is_let_in() -> None:
    assert parse(DECISION, reason="a\x00b").reason == "a\x00b"
    assert parse(POST, title="a\x00b", text="\x00").title == "a\x00b"


def test_an_identifier_is_at_most_as_long_as_its_column() -> None:
    decisions, uploads = store.schema.decisions.c, store.schema.upload_fingerprints.c
    assert str(decisions.alert_id.type) == f"VARCHAR({MAX_ALERT_ID_CHARS})"
    for column in (
        decisions.decision_id,
        decisions.reviewer,
        uploads.upload_id,
        uploads.account_id,
        uploads.event_id,
    ):
        assert str(column.type) == f"VARCHAR({MAX_ID_CHARS})"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[1", "[" * 5_000, '{"a": \ud800}'])
def test_what_is_not_json_is_called_so_or_not_text(raw: bytes | str) -> None:
    assert any(words in reason_of(raw) for words in ("not JSON", "valid string"))


@pytest.mark.parametrize("fields", [SIGNUP, POST, UPLOAD, DECISION])
def test_no_refusal_holds_a_value(fields: dict[str, Any]) -> None:
    for name in fields:
        for bad in (PRIVATE, {PRIVATE: PRIVATE}, [PRIVATE] * 2_000, 10**400, None):
            refusal = refusal_of({**fields, name: bad}) or ""
            assert PRIVATE not in refusal


def test_a_long_list_of_problems_is_cut_short() -> None:
    bad = {**DECISION, "account_ids": ["a1", *[1] * 30]}
    reason = reason_of(json.dumps(bad))
    assert reason.count("decision.account_ids") == 5
    assert reason.endswith("; and 25 more")


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_noise_is_an_invalid_event_and_nothing_else(raw: bytes | str) -> None:
    with pytest.raises(InvalidEvent):
        parse_event(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.sampled_from([SIGNUP, POST, UPLOAD, DECISION]).flatmap(
        lambda fields: st.tuples(st.just(fields), st.sampled_from(sorted(fields)), JSON)
    )
)
def test_any_json_in_any_field_is_an_event_or_an_invalid_one(
    case: tuple[dict[str, Any], str, Any],
) -> None:
    fields, name, value = case
    refusal = refusal_of({**fields, name: value})
    if refusal is None:
        event = parse(fields, **{name: value})
        assert parse_event(event.model_dump_json()) == event
    else:
        assert refusal


@given(
    st.datetimes(
        datetime(2, 1, 1),  # noqa: DTZ001 -- the zone follows
        datetime(9998, 12, 31),  # noqa: DTZ001 -- the zone follows
        timezones=st.integers(-14 * 60, 14 * 60).map(
            lambda minutes: timezone(timedelta(minutes=minutes))
        ),
    )
)
def test_times_are_kept_in_utc(at: datetime) -> None:
    event = parse(SIGNUP, occurred_at=at.isoformat())
    assert event.occurred_at == at
    assert event.occurred_at.tzinfo is UTC
    assert event.occurred_at_ms == epoch_ms(at)


FIRST_MS = epoch_ms(datetime(1, 1, 1, tzinfo=UTC))
LAST_MS = epoch_ms(datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))


@given(st.integers(FIRST_MS, LAST_MS))
def test_milliseconds_and_times_are_two_spellings_of_one_moment(at_ms: int) -> None:
    at = from_epoch_ms(at_ms)
    assert epoch_ms(at) == at_ms
    assert at.tzinfo is UTC
    text = rfc3339(at_ms)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == at


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_round_down_and_keep_the_order(one: datetime, other: datetime) -> None:
    early, late = sorted((one, other))
    assert epoch_ms(early) <= epoch_ms(late)
    assert timedelta() <= early - from_epoch_ms(epoch_ms(early)) < timedelta(milliseconds=1)


def test_known_moments() -> None:
    assert epoch_ms(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert rfc3339(1_795_374_000_000) == "2026-11-22T19:00:00Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999000Z"


TIMES = st.sampled_from(
    [
        "2026-11-22T19:00:00Z",
        "2026-11-22T19:00:00.123456Z",
        "2026-11-22T19:00:00.1+00:00",
        "2026-11-22T23:59:59.999999999Z",
        "2026-11-22T19:00:00+01:00",
        "2026-11-22t19:00:00z",
        "2026-11-22 19:00:00Z",
        "2026-11-22T19:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T19:00:60Z",
        "2026-02-30T19:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-W47-7T19:00:00Z",
        "20261122T190000Z",
        "2026-11-22T19:00:00",
        "\u0662026-11-22T19:00:00Z",
    ]
) | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat().replace("+00:00", "Z"))
ADDRESSES = (
    st.sampled_from(
        ["01.2.3.4", "1.2.3.4\n", "1.2.3", "1.2.3.256", "::ffff:1.2.3.4", "2001:DB8::1"]
    )
    | st.ip_addresses().map(str)
    | st.text(max_size=8)
)
LINES = (
    st.none()
    | st.text(max_size=8)
    | st.sampled_from(["x" * MAX_LINE_CHARS, "\U0001f600" * MAX_LINE_CHARS, "x" * 2_049, "\x00"])
)
IDS = (
    st.text(max_size=8)
    | st.sampled_from(["\u00e9" * MAX_ID_CHARS, "x" * (MAX_ID_CHARS + 1), "a\x00", "\ud800", "e1"])
    | st.just(17)
)
ANYTHING: dict[str, st.SearchStrategy[Any]] = {
    "event_id": IDS,
    "account_id": IDS,
    "occurred_at": TIMES | st.just(1_795_374_000),
    "type": st.sampled_from(["signup", "post", "upload", None]),
    "email": LINES,
    "ip": ADDRESSES | st.none() | st.just(3_405_803_783),
    "device_id": LINES,
    "user_agent": LINES,
    "bio": LINES,
    "plan": st.just("gold"),
    "post_id": IDS,
    "account_created_at": TIMES | st.none(),
    "kind": st.sampled_from(["comment", "event_page", "novel", None]),
    "title": LINES,
    "text": LINES,
    "links": st.lists(LINES, max_size=3) | st.just(["x"] * (MAX_LINKS + 1)) | st.none(),
}
CHANGES = st.fixed_dictionaries({}, optional=ANYTHING)


FIELDS = {
    "signup": (*Signup.model_fields, "occurred_at_ms"),
    "post": (*Post.model_fields, "occurred_at_ms"),
    "upload": tuple(Upload.model_fields),
}


def outcome(parse_it: Any, raw: bytes) -> tuple[str, Any]:
    try:
        event = parse_it(raw)
    except InvalidEvent as error:
        return "refused", error.reason
    return event.type, {name: getattr(event, name) for name in FIELDS[event.type]}


@given(st.sampled_from([SIGNUP, POST, UPLOAD]), CHANGES, st.sets(st.sampled_from(sorted(ANYTHING))))
def test_the_short_way_lets_in_what_pydantic_does_with_the_same_values(
    fields: dict[str, Any], changes: dict[str, Any], gone: set[str]
) -> None:
    changed = {**fields, **changes}
    for message in (changed, without(changed, *gone), without(fields, *gone)):
        for ensure_ascii in (True, False):
            text = json.dumps(message, ensure_ascii=ensure_ascii)
            raw = text.encode("utf-8", "surrogatepass")
            assert outcome(parse_event, raw) == outcome(parse_event_slowly, raw)


@pytest.mark.parametrize(
    "more",
    [
        b'"plan": "\xff"',
        b'"email": "\xff"',
        b'"email": "\xed\xa0\x80"',
        b'"event_id": "\xff"',
        b'"\xff": 1',
        b'"plan": ' + b"[" * 250 + b"]" * 250,
        b'"plan": ' + b"1" * 5_000,
        b'"plan": NaN',
        b'"email": "\\ud800"',
        b'"email": "a\tb"',
        b'"email": "a\\tb"',
        b'"event_id": "again"',
        b'"occurred_at": 7, "occurred_at": "2026-11-22T19:00:01Z"',
        b'"type": "post"',
        b'"type": "signup"',
        b'"event\\u005fid": "escaped"',
        b'"event_id": "\\u0000"',
    ],
)
@pytest.mark.parametrize("fields", [SIGNUP, POST], ids=["signup", "post"])
def test_odd_json_is_taken_and_refused_as_by_pydantic(fields: dict[str, Any], more: bytes) -> None:
    raw = json.dumps(fields).encode().removesuffix(b"}") + b", " + more + b"}"
    assert outcome(parse_event, raw) == outcome(parse_event_slowly, raw)


@pytest.mark.parametrize("at", ["2026-11-22T19:00:00Z", "2026-11-22T19:00:00.123456Z"])
def test_an_ordinary_signup_goes_the_short_way_and_reads_the_same(at: str) -> None:
    raw = json.dumps({**SIGNUP, "occurred_at": at}).encode()
    row, model = parse_event(raw), parse_event_slowly(raw)
    assert isinstance(row, SignupRow)
    assert outcome(lambda _: row, raw) == outcome(lambda _: model, raw)
    with pytest.raises(AttributeError):
        row.account_id = "b"  # type: ignore[misc, assignment]


def test_an_ordinary_post_goes_the_short_way() -> None:
    raw = json.dumps(POST).encode()
    values = post_fields(raw)
    assert values == parse_event_slowly(raw).__dict__
    assert list(values) == list(parse_event_slowly(raw).__dict__)
    event: Any = parse_event(raw)
    assert event == parse_event_slowly(raw)
    assert event.model_copy(update={"account_id": "b"}).account_id == "b"
    assert event.model_dump_json() == parse_event_slowly(raw).model_dump_json()
    with pytest.raises(ValidationError, match="frozen"):
        event.account_id = "b"


@given(
    st.ip_addresses(v=4).map(str)
    | st.text("0123456789. x\u0661", max_size=9)
    | st.lists(st.integers(0, 300).map(str), min_size=3, max_size=5).map(".".join)
)
def test_an_address_of_four_octets_is_one_in_its_canonical_spelling(text: str) -> None:
    try:
        canonical = str(IPv4Address(text))
    except ValueError:
        canonical = ""
    assert is_ipv4(text) == (canonical == text != "")


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["auto", "seconds", "milliseconds"]))
def test_the_short_way_reads_times_to_the_millisecond(at: datetime, timespec: str) -> None:
    text = at.isoformat(timespec=timespec).replace("+00:00", "Z")
    for _ in range(2):  # the second is known by then
        row = signup_row(json.dumps({**SIGNUP, "occurred_at": text}).encode())
        assert row is not None
        assert row.occurred_at_ms == epoch_ms(datetime.fromisoformat(text))
        assert row.occurred_at == datetime.fromisoformat(text)


def test_seconds_that_were_read_are_kept_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts.event_struct, "MAX_SECONDS", 3)
    contracts.event_struct._SECONDS.clear()
    for second in range(10):
        raw = json.dumps({**SIGNUP, "occurred_at": f"2026-11-22T19:00:0{second}Z"}).encode()
        assert signup_row(raw) is not None
        assert len(contracts.event_struct._SECONDS) <= 3


@given(st.sampled_from([SIGNUP, POST, UPLOAD]), st.integers(FIRST_MS, LAST_MS))
def test_an_event_is_moved_in_time_and_nothing_else(fields: dict[str, Any], at_ms: int) -> None:
    for parse_it in (parse_event, parse_event_slowly):
        event: Any = parse_it(json.dumps(fields).encode())
        moved = happened_at(event, at_ms)
        assert moved.occurred_at_ms == at_ms
        assert moved.occurred_at == from_epoch_ms(at_ms)
        assert happened_at(moved, event.occurred_at_ms).event_id == event.event_id
