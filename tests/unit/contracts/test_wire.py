"""What we write is read back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from contracts.dead_letter import DeadLetter
from contracts.ids import derived_id
from contracts.screening import Screening
from contracts.verdict import Verdict
from contracts.wire import decode, encode
from tests.unit.contracts.messages import LETTER, VERDICT, WRITTEN

kinds = pytest.mark.parametrize("value", WRITTEN, ids=lambda value: type(value).__name__)


@kinds
def test_comes_back_as_it_went(value: Any) -> None:
    raw = encode(value)
    assert decode(raw, type(value)) == value
    assert decode(raw.decode(), type(value)) == value
    assert encode(decode(raw, type(value))) == raw


@kinds
def test_a_field_more_is_left_out(value: Any) -> None:
    raw = json.dumps({**json.loads(encode(value)), "new_field": 1})
    assert decode(raw, type(value)) == value


def test_fields_come_in_the_order_of_their_declaration() -> None:
    assert list(json.loads(encode(VERDICT)))[:4] == [
        "event_id",
        "account_id",
        "occurred_at",
        "risk",
    ]


def test_times_end_in_z() -> None:
    fields = json.loads(
        encode(structs.replace(VERDICT, occurred_at=datetime(2026, 1, 2, tzinfo=UTC)))
    )
    assert fields["occurred_at"] == "2026-01-02T00:00:00Z"


@given(st.binary(), st.none() | st.binary())
def test_a_dead_letter_keeps_every_byte(value: bytes, key: bytes | None) -> None:
    letter = replace(LETTER, value=value, key=key)
    assert decode(encode(letter), DeadLetter) == letter


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "raw",
    [
        *[b"", b"{", b"[]", b"null", b"{}", b'{"event_id": 7}', b"\xff", b'{"event_id": "\xff"}'],
        pytest.param(NESTED, id="nested"),
        pytest.param(b'{"unknown":%b}' % NESTED, id="nested in a field"),
    ],
)
def test_what_is_not_of_the_kind_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(raw, Screening)


def test_an_action_that_is_none_is_refused() -> None:
    raw = encode(VERDICT).replace(b'"hold"', b'"maybe"')
    with pytest.raises(msgspec.ValidationError, match="maybe"):
        decode(raw, Verdict)


def test_a_derived_id_is_the_same_in_every_process() -> None:
    assert derived_id("campaign", "device:ab12") == "campaign-2bc889f1874d05b5c3db"


@given(st.lists(st.text(alphabet="ab:", max_size=3), min_size=1, max_size=3))
def test_a_derived_id_tells_its_parts_apart(parts: list[str]) -> None:
    assert derived_id("x", *parts) == derived_id("x", *parts)
    assert derived_id("x", *parts) != derived_id("x", "".join(parts) + "!")
    assert derived_id("x", *parts, "") != derived_id("x", *parts)
