"""Ordinary events go short ways through the reader; all of them end where the long way does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.ruleset import bench_ruleset
from bench.traffic import Traffic
from contracts.event import Decision, Event, parse_event, parse_event_slowly
from contracts.ruleset import Lists, Ruleset
from detectors.domain import public_suffix, registrable_domain
from detectors.hint import Hint, Hints, hints_of, hints_of_each
from detectors.lists import Listings
from detectors.reader import Reader
from tests.obfuscation.suite import Case, cases

NEVER = re.compile("(?!)")
RULESET = bench_ruleset(12).model_copy(
    update={
        "lists": Lists(
            blocked_domains=("evil.co.uk", "deep.under.example.com"), allowed_domains=("b.example",)
        )
    }
)
READER = Reader(RULESET)

HOST_PARTS = (
    "com co.uk uk ck www a kawasaki.jp city.kawasaki.jp github.io top bit.ly google.com play"
    " mailinator.com xn--pypal-4ve -x a_b 0x7f 127 1 EX \u00e9 example.com under deep evil"
    " evil.co.uk b.example zip gmail.com googlemail.com web.de"
)
HOST = st.lists(st.sampled_from([*HOST_PARTS.split(), "b" * 62]), min_size=1, max_size=4).map(
    ".".join
)
WEBSITE = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "http://", "//", "", "mailto:", "hxxp://", "http://u@"]),
    HOST,
    st.sampled_from(["", "/p", "?q=1", "/a|b", ":80/x", "."]),
)
PIECES = (
    "hello|example.com|dot|com|www.a.co.uk|it's|(a)|[.]|hxxp://x[.]y|&amp;|<b>|.|..|;|@abc_d|wow!"
    "|telegram|\u00e9|\u201cq\u201d|x.y.z|https://foo.com/x|1|2026|b.com|+1 (888) 555-0123|\u200b"
    "|\n|example dot com|customer support number|We plant trees."
)
WORDS = st.lists(st.sampled_from(PIECES.split("|")), max_size=7).flatmap(
    lambda words: st.sampled_from([" ", ""]).map(lambda between: between.join(words))
)
LOCAL = st.text("abcxyzkwtr019._+-'\u00e9", max_size=14) | st.sampled_from(
    ["anna.bauer84", "xkqzvwplrt", "a1b2c3d4e5", "a.n.n.a.k", "anna", "knightsbridge"]
)
LINE = st.none() | WORDS
SIGNUP = st.fixed_dictionaries(
    {"device_id": st.sampled_from(["d", " none ", "0-0", "x" * 200, "UNKNOWN", "02:00"])},
    optional={
        "email": st.builds("{}@{}".format, LOCAL, HOST) | WORDS,
        "ip": st.sampled_from(["10.1.2.3", "127.0.0.1", "::1", "2001:db8::5"]),
        "website": WEBSITE | WORDS,
        "bio": LINE,
        "name": LINE,
        "organization": LINE,
        "user_agent": LINE,
        "payment_fingerprint": st.sampled_from(["card", "n/a", None]),
    },
)
POST = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["event_page", "profile", "comment", "message"]),
        "text": WORDS,
        "links": st.lists(WEBSITE, max_size=2),
    }
)


def message(kind: str, fields: dict[str, Any]) -> bytes:
    head = {"type": kind, "event_id": "e", "account_id": "a", "occurred_at": "2026-01-01T00:00:00Z"}
    return json.dumps({**head, **fields}).encode()


def all_hints_of(text: str) -> set[int]:
    """All hints but those that are exact, whatever the text."""
    return {*hints_of(text), *Hint} - ({Hint.UNUSUAL, Hint.FOREIGN} - {*hints_of(text)})


def all_hints_of_each(texts: Sequence[str]) -> list[Hints]:
    return [*map(all_hints_of, texts)]


@contextmanager
def only_long_ways() -> Iterator[None]:
    with ExitStack() as stack:
        for name in (
            "url._PLAIN",
            "domain._ORDINARY_HOST",
            "identity._CALM",
            "identity._ORDINARY_NAME",
        ):
            stack.enter_context(patch(f"detectors.{name}", NEVER))
        for room in ("contact", "defang", "text", "url", "wallet"):
            stack.enter_context(patch(f"detectors.{room}.hints_of", all_hints_of))
        stack.enter_context(patch("detectors.content.hints_of_each", all_hints_of_each))
        for room in ("domain", "lists"):
            stack.enter_context(patch(f"detectors.{room}.name_under", lambda *_: None))
        yield


def read_by_the_long_way(raw: bytes, reader: Reader = READER) -> object:
    with only_long_ways():
        return reader.read(scored(parse_event_slowly(raw)))


def scored(event: Event | Decision) -> Event:
    assert not isinstance(event, Decision)
    return event


@given(SIGNUP)
def test_a_signup_reads_the_same_either_way(fields: dict[str, Any]) -> None:
    raw = message("signup", fields)
    assert READER.read(scored(parse_event(raw))) == read_by_the_long_way(raw)


@given(POST)
def test_a_post_reads_the_same_either_way(fields: dict[str, Any]) -> None:
    raw = message("post", fields)
    assert READER.read(scored(parse_event(raw))) == read_by_the_long_way(raw)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.way)
def test_a_disguise_reads_the_same_either_way(case: Case) -> None:
    for text in (case.text, case.text.upper(), case.text.title()):
        raw = message("post", {"kind": case.kind, "text": text})
        assert READER.read(scored(parse_event(raw))) == read_by_the_long_way(raw)


@pytest.mark.parametrize("facets", [6, 12])
def test_the_benchs_traffic_reads_the_same_either_way(facets: int) -> None:
    reader = Reader(bench_ruleset(facets))
    for raw in Traffic(start=datetime(2026, 1, 1, tzinfo=UTC)).messages(300):
        assert reader.read(scored(parse_event(raw))) == read_by_the_long_way(raw, reader)


@given(HOST)
def test_a_domain_that_is_on_no_list_is_said_to_be_so_rightly(host: str) -> None:
    listings = Listings.of(RULESET)
    if (domain := listings.unlisted_domain(host)) is None:
        return
    assert domain == registrable_domain(host)
    assert listings.standing(host) == "other"
    assert public_suffix(host) not in listings.suspicious_suffixes.entries
    for names in (listings.blocked, listings.shorteners, listings.disposable_mail):
        assert host not in names


def test_a_listed_suffix_lists_all_suffixes_under_it() -> None:
    blocking = Ruleset(version="1", groups={}, lists=Lists(blocked_domains=("uk",)))
    assert Listings.of(blocking).unlisted_domain("a.co.uk") is None
    assert Listings.of(RULESET).unlisted_domain("a.co.uk") == "a.co.uk"


@given(st.lists(WORDS | st.sampled_from([case.text for case in cases()]), max_size=40))
def test_hints_of_several_texts_are_those_of_each(texts: list[str]) -> None:
    assert [{*hints} for hints in hints_of_each(texts)] == [{*hints_of(text)} for text in texts]


def test_a_line_before_or_after_changes_no_hint_to_none() -> None:
    for case in cases():
        alone = {*hints_of(case.text)}
        assert alone <= {*hints_of(f"{case.text}\nnothing")}
        assert alone <= {*hints_of(f"nothing\n{case.text}")}
