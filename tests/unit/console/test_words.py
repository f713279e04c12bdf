from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import moment
from console.sentence import sentence, window_words
from console.timeline import WIDTH, timelines
from contracts.ids import Code
from contracts.ruleset import default_ruleset
from contracts.verdict import Reason
from tests.unit.console.examples import AT, a_match


def test_every_signal_that_ships_has_its_own_words() -> None:
    for code in default_ruleset().signals:
        said = sentence(Reason(code=code, points=10, evidence={"list": "blocked"}))
        assert said.text.count(":") == 0, f"{code} has no sentence"
        assert said.rest == (("list", "blocked"),)


def test_every_facet_that_is_counted_has_its_own_words() -> None:
    for rule in default_ruleset().velocity:
        evidence = {"facet": f"{rule.facet}:x", "accounts": 1_234, "window": "1h"}
        said = sentence(Reason(code=rule.code, points=10, evidence=evidence)).text
        assert said.startswith("1,234 or more accounts shared ")
        assert said.endswith(" within an hour.")


def test_the_first_sighting_is_told_as_a_time() -> None:
    evidence = {"facet": "device:x", "accounts": 3, "window": "24h", "since": AT.isoformat()}
    said = sentence(Reason(code=Code("velocity.device.24h"), points=10, evidence=evidence))
    assert said.text.endswith("within 24 hours, since 14 Mar 2026, 20:15:07 UTC.")
    assert said.rest == ()


def test_an_unknown_code_is_read_out_with_its_evidence() -> None:
    reason = Reason(
        code=Code("audio.same_track"), points=5, evidence={"track_id": [1, 2], "x": True}
    )
    said = sentence(reason)
    assert said.text == "Audio: same track."
    assert said.rest == (("track id", "1, 2"), ("x", "yes"))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=9) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["facet", "accounts", "window", "matched_seconds", "references", "since", "x"]
)


@given(
    code=st.sampled_from(["velocity.device.24h", "media.match", "link.density", "new"]) | st.text(),
    evidence=st.dictionaries(NAMES, json),
)
def test_whatever_the_evidence_is_it_can_be_said(code: str, evidence: dict[str, object]) -> None:
    said = sentence(Reason(code=Code(code), points=1, evidence=evidence))
    assert said.text


@pytest.mark.parametrize(
    ("window", "words"),
    [("24h", "24 hours"), ("1h", "an hour"), ("1d", "a day"), ("10m", "10 minutes"), ("x", "x")],
)
def test_windows(window: str, words: str) -> None:
    assert window_words(window) == words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "just now"), (59, "just now"), (180, "3 min ago"), (7_200, "2 h ago")],
)
def test_a_short_while_ago(seconds: int, text: str) -> None:
    assert moment.ago(AT, now=AT + timedelta(seconds=seconds)) == text


def test_long_ago_and_the_future_are_dates() -> None:
    assert moment.ago(AT, now=AT + timedelta(days=2)) == "14 Mar 2026, 20:15"
    assert moment.ago(AT, now=AT - timedelta(days=2)) == "14 Mar 2026, 20:15"


def test_lengths_and_places() -> None:
    assert [moment.offset(s) for s in (0, 7.4, 59.6, 3_723)] == ["0:00", "0:07", "1:00", "1:02:03"]
    assert [moment.length(s) for s in (10.2, 119, 750, 7_200)] == [
        "10 s",
        "119 s",
        "12 min 30 s",
        "2 h",
    ]


seconds = st.floats(0, 50_000)


@given(st.lists(st.tuples(seconds, seconds, seconds, seconds), min_size=1, max_size=20))
def test_every_stretch_lies_on_its_bar(times: list[tuple[float, float, float, float]]) -> None:
    matches = [
        a_match(
            upload_start_s=min(a, b),
            upload_end_s=max(a, b),
            reference_start_s=min(c, d),
            reference_end_s=max(c, d),
        )
        for a, b, c, d in times
    ]
    (timeline,) = timelines(matches)
    for band in timeline.bands:
        for x, width in (
            (band.upload_x, band.upload_width),
            (band.reference_x, band.reference_width),
        ):
            assert x >= 0
            assert width > 0
            assert x + width <= WIDTH + 0.2
    for ticks in (timeline.upload_ticks, timeline.reference_ticks):
        assert len(ticks) <= 7
        assert all(0 <= tick.x <= WIDTH for tick in ticks)
    longest = max(match.upload_end_s for match in matches)
    assert timeline.matched_s <= longest + 1e-6


def test_one_picture_a_reference_the_longest_first() -> None:
    other = a_match(reference_id="ref-2", title="Other", upload_end_s=100.0)
    assert [it.title for it in timelines([a_match(), other, a_match()])] == ["Other", "Night Train"]


@pytest.mark.parametrize(
    ("code", "evidence", "words"),
    [
        (
            "media.sound_match",
            {"upload_id": "u1 shows", "references": ["r"], "matched_seconds": 21.0},
            "The upload u1 shows sounds like 21 s of 1 known work; its picture shows none.",
        ),
        (
            "media.prohibited",
            {"upload_id": "u1", "label": "anus_exposed", "score": 0.9, "at_s": 75.0},
            "At 1:15 the upload may show anus exposed, 90% sure. A person should look.",
        ),
        ("media.prohibited", {"label": "x"}, "A frame may show prohibited content;"),
    ],
)
def test_what_is_heard_and_what_to_look_at_are_said(
    code: str, evidence: dict[str, Any], words: str
) -> None:
    said = sentence(Reason(code=Code(code), points=60, evidence=evidence))
    assert said.text.startswith(words)
