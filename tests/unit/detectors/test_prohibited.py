"""Phrases of prohibited industries: found in any language, and not on honest pages."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ruleset import Industry, default_ruleset
from detectors.example import post
from detectors.knowledge import Knowledge
from detectors.lists import bundled, bundled_names
from detectors.phrase import Phrases, is_phrase
from detectors.prohibited import LIST, Prohibited
from detectors.wording import plain_words

RULES = default_ruleset()
DETECTOR = Prohibited(RULES)


def industries(text: str) -> list[str]:
    found = DETECTOR.observe(post(text))
    return list(found[0].evidence["industries"]) if found else []


@pytest.mark.parametrize("industry", get_args(Industry))
def test_each_industry_has_a_list_of_phrases_that_can_be_found(industry: str) -> None:
    name = LIST.format(industry)
    assert name in bundled_names()
    assert all(map(is_phrase, bundled(name)))
    for entry in bundled(name):
        found = Phrases({"one": [entry]}).find([plain_words(entry.strip("!").replace("*", "s"))])[0]
        assert [phrase.entry for phrase in found] == [entry.strip("!")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Buy viagra online!", ["medicines"]),
        ("BUY-XANAX today", ["medicines"]),
        ("Viagra ohne Rezept? Potenzmittel kaufen, diskret", ["medicines"]),
        ("играй: казино онлайн", ["gambling"]),
        ("专业代写论文 加微信", ["cheating"]),
        ("오늘의 토토사이트추천", ["gambling"]),
        ("مشاهدة مباشر مجانا", ["piracy"]),
        ("घर बैठे पैसे कमाएं", ["money"]),
        ("Watch full movie, and hire a hacker", ["piracy", "services"]),
        ("A talk on gambling and debt, with a roulette wheel for the raffle", []),
        ("viagra", []),  # one weak word
        ("The chemist who found sildenafil, sold as viagra, gives a lecture", []),
    ],
)
def test_finds_what_is_sold(text: str, found: list[str]) -> None:
    assert industries(text) == found


def test_names_list_and_entry() -> None:
    (found,) = DETECTOR.observe(post("Get your no deposit bonus"))
    assert found.evidence["entries"] == [
        {"list": "prohibited_gambling", "entry": "no deposit bonus*"}
    ]


def test_only_what_the_ruleset_prohibits() -> None:
    lenient = Prohibited(RULES.model_copy(update={"prohibited": ("weapons",)}))
    assert lenient.observe(post("Buy viagra online!")) == ()
    assert lenient.observe(post("guns for sale"))


def test_a_newer_list_takes_the_place_of_the_one_that_ships() -> None:
    newer = Knowledge(names={"prohibited_weapons": frozenset({"!catapults"})})
    detector = Prohibited(RULES, newer)
    assert detector.observe(post("Catapults!"))
    assert detector.observe(post("guns for sale")) == ()


@given(st.text(max_size=400))
def test_reads_any_text(text: str) -> None:
    DETECTOR.observe(post(text))


@given(
    st.lists(
        st.sampled_from(("buy", "viagra", "online", "cheap", "tea", "в", "казино")), max_size=12
    )
)
def test_finds_what_a_search_word_by_word_finds(words: list[str]) -> None:
    entries = ["!buy viagra", "!cheap tea online", "в казин*", "tea", "!казино"]
    text = f" {' '.join(words)} "
    expected = {
        entry.strip("!")
        for entry in entries
        if f" {entry.strip('!*')}{'' if '*' in entry else ' '}" in text
    }
    found = Phrases({"own": entries}).find([plain_words(text)])[0]
    assert {phrase.entry for phrase in found} == expected
