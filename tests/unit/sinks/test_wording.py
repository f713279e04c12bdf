"""Alerts in words: exact where people read them, tame where attackers wrote them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import Code
from contracts.verdict import Reason
from sinks.wording import (
    accounts_line,
    clean,
    clock_time,
    evidence_text,
    headline,
    match_line,
    reason_line,
)
from tests.alerts import CAMPAIGN, MEDIA, alert_like


def test_the_headline_says_what_happened_and_what_was_done() -> None:
    assert headline(CAMPAIGN) == "New: hold · risk 92 · 12 accounts on one device"
    assert headline(alert_like(status="grown")).startswith("Grown: hold")


def test_the_first_accounts_are_listed_and_the_rest_counted() -> None:
    assert accounts_line(CAMPAIGN) == "12 accounts: a1, a2, a3, a4, a5 and 7 more"
    assert accounts_line(MEDIA) == "1 account: a77"


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (
            {"facet": "device:ab12", "accounts": 12, "window": "24h"},
            "12 or more accounts in 24 h on device:ab12",
        ),
        (
            {
                "facet": "ip:203.0.113.7",
                "accounts": 10,
                "window": "10m",
                "estimated": True,
                "error": 6,
            },
            "10 or more accounts in 10 min on ip:203.0.113.7, estimated, give or take 6",
        ),
        (
            {"facet": "ip:203.0.113.7", "surprise_bits": 20, "accounts": 4, "window": "10m"},
            "4 or more accounts, unusual by 20 bits or more, in 10 min on ip:203.0.113.7",
        ),
        (
            {"facet": "ip:x", "new_accounts_percent": 80, "accounts": 5, "window": "1h"},
            "5 or more accounts, 80 % or more of them new, in 1 h on ip:x",
        ),
        ({"facet": "ip:x", "events": 9, "window": "1h"}, "9 or more events in 1 h on ip:x"),
        (
            {"facet": "payment:x", "distinct": 3, "of": "country", "window": "1h"},
            "3 or more different values of country in 1 h on payment:x",
        ),
        ({"domains": ["bit.ly", "t.co"]}, "domains bit.ly, t.co"),
        ({"links": 7, "links_per_100_words": 41.66666}, "links 7, links per 100 words 41.7"),
        ({"start_s": 83.9}, "start 01:24"),
        ({"disposable": True, "why": None, "empty": []}, "disposable"),
        (
            {"nested": {"a": 1, "b": [1, 2, 3, 4, 5, 6, 7]}},
            "nested (a 1, b 1, 2, 3, 4, 5 and 2 more)",
        ),
        ({}, ""),
    ],
)
def test_evidence_is_a_sentence(evidence: dict[str, Any], said: str) -> None:
    assert evidence_text(evidence) == said


def test_a_reason_is_a_line() -> None:
    assert (
        reason_line(CAMPAIGN.reasons[0])
        == "velocity.device.24h +85 — 12 or more accounts in 24 h on device:ab12"
    )
    assert reason_line(Reason(code=Code("identity.vip"), points=-20)) == "identity.vip -20"


def test_a_match_is_told_in_minutes_and_seconds_on_both_sides() -> None:
    assert (
        match_line(MEDIA.matches[0])
        == "01:23 to 01:45 of the upload is 10:02 to 1:00:24 of “Night Train”, 97 % alike"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00"),
        (59.4, "00:59"),
        (59.99, "01:00"),
        (60, "01:00"),
        (3_599, "59:59"),
        (3_600, "1:00:00"),
        (-1, "00:00"),
    ],
)
def test_clock_times(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text


def test_nothing_acts_on_the_terminal() -> None:
    assert clean("a\x1b[2J\x07b\u202ecod\u202c\r\nc") == "a [2J bcod c"


@given(st.text(max_size=2_000))
def test_what_is_shown_is_one_bounded_printable_line(text: str) -> None:
    shown = clean(text, max_chars=50)
    assert len(shown) <= 50
    assert not {"\n", "\r", "\x1b", "\u202e", "\x00"} & set(shown)


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_any_evidence_can_be_said(evidence: dict[str, Any]) -> None:
    assert len(evidence_text(evidence)) <= 400
