"""The learned text model: the same everywhere, explained, and kept as a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidRuleset, InvalidTextModel
from contracts.ids import Code
from contracts.ruleset import LEARNED, default_ruleset, default_ruleset_text, parse_ruleset
from detectors.content import read_content
from detectors.example import post, signup
from detectors.learned import Learned
from detectors.text_feature import SIZE, piece_places, telling_words
from detectors.text_model import bundled_model, model_text, parse_model
from detectors.wording import read_wording

SPAM = "Please subscribe to my channel and check out my new videos"


def words(text: str) -> list[bytes]:
    content = read_content(post(text))
    return telling_words(content, read_wording(content))


@given(st.text(max_size=500))
def test_there_is_a_place_for_each_byte(text: str) -> None:
    own = words(text)
    places = piece_places(own)
    assert len(places) == max(1, sum(len(word) + 1 for word in own))
    assert ((places >= 0) & (places < SIZE)).all()


def test_places_are_the_same_on_every_machine() -> None:
    assert piece_places([b"abc", b"de"]).tolist() == piece_places([b"abc", b"de"]).tolist()
    assert piece_places([b"subscribe"])[:3].tolist() == [22981, 1415, 24625]


def test_links_are_words_where_anything_is_written() -> None:
    assert words("https://x.example/a") == [b"<link>"]
    website = read_content(signup(website="https://x.example/a"))
    assert telling_words(website, read_wording(website)) == []
    assert words("see https://x.example/a")[-1] == b"<link>"
    assert words("see https://en.wikipedia.org/wiki/Tree")[-1] == b"<known>"


def test_it_is_read_as_it_was_written() -> None:
    model = bundled_model()
    again = parse_model(model_text(model))
    assert model_text(again) == model_text(model)
    assert np.array_equal(again.weights, model.weights)
    assert again.logit(words(SPAM)) == model.logit(words(SPAM))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "doorstaff-text-model-9"},
        {"weights": "????"},
        {"weights": ""},
        {"threshold": "high"},
        {"scale": float("nan")},
        {"bits": 3},
    ],
)
def test_what_is_no_model_is_refused(change: dict[str, Any]) -> None:
    fields = json.loads(model_text(bundled_model())) | change
    with pytest.raises(InvalidTextModel, match="no text model"):
        parse_model(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "[]", "nothing", "{}", "[" * 100_000])
def test_so_is_what_is_no_json(text: str) -> None:
    with pytest.raises(InvalidTextModel):
        parse_model(text)


def test_the_strongest_words_are_its_evidence() -> None:
    model = bundled_model()
    tokens = model.strongest(words(SPAM))
    assert {"subscribe", "channel"} <= {token.word for token in tokens}
    assert [token.weight for token in tokens] == sorted(
        (token.weight for token in tokens), reverse=True
    )
    (found,) = Learned(default_ruleset(), model).observe(post(SPAM, kind="comment"))
    assert found.evidence["model"] == "default-1"
    assert found.evidence["percent"] >= found.evidence["limit_percent"]


def test_no_ruleset_lets_it_hold_an_account_alone() -> None:
    rules = default_ruleset()
    priced = rules.signals[LEARNED]
    assert min(priced.points, rules.groups[priced.group]) < rules.thresholds.hold
    strong = default_ruleset_text().replace(
        "text.learned: { points: 40, group: text }", "text.learned: { points: 90, group: media }"
    )
    with pytest.raises(InvalidRuleset, match="must not hold an account alone"):
        parse_ruleset(strong)


def test_one_that_is_not_priced_costs_and_says_nothing() -> None:
    rules = default_ruleset()
    signals = {code: rule for code, rule in rules.signals.items() if code != Code("text.learned")}
    silent = Learned(rules.model_copy(update={"signals": signals}), bundled_model())
    assert silent.observe(post(SPAM)) == ()
