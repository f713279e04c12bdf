"""The obfuscation suite, and the laws behind it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ruleset import default_ruleset
from detectors.content import read_content
from detectors.defang import refanged
from detectors.example import post
from detectors.link_spam import LinkSpam
from detectors.text import clean
from tests.obfuscation.suite import DOT_WAYS, LETTER_WAYS, NUMBER_WAYS, URL_WAYS, cases

MIN_RIGHT = 0.98
CASES = cases()
LABEL = st.text("bcdfghklmnprstvz", min_size=5, max_size=12)
DIGITS = st.text("0123456789", min_size=7, max_size=7)


def test_nearly_all_of_the_suite_is_read_right() -> None:
    detector = LinkSpam(default_ruleset())
    wrong = [wrong for case in CASES if (wrong := case.what_is_wrong(detector))]
    assert len(wrong) <= (1 - MIN_RIGHT) * len(CASES), "\n".join(wrong)


def test_the_suite_is_as_large_as_it_is_said_to_be() -> None:
    assert len(CASES) >= 300
    assert len({case.text for case in CASES}) == len(CASES)
    assert sum(case.language != "en" for case in CASES) >= 40
    assert sum(case.honest for case in CASES) >= 60
    languages = {case.language for case in CASES}
    assert {"ru", "ar", "zh", "hi", "emoji", "mixed"} <= languages


@given(LABEL, st.sampled_from(["com", "net"]), st.sampled_from(sorted(DOT_WAYS)))
def test_a_dot_is_found_however_it_is_written(label: str, suffix: str, way: str) -> None:
    text = f"Best deals at {DOT_WAYS[way](f'{label}.{suffix}')} now"
    domains = {link.domain for link in read_content(post(text)).links}
    assert f"{label}.{suffix}" in domains, text


@given(LABEL, st.sampled_from(sorted(LETTER_WAYS)))
def test_letters_are_read_in_whatever_style(label: str, way: str) -> None:
    text = f"Best deals at {LETTER_WAYS[way](f'{label}.com')} now"
    assert f"{label}.com" in {link.domain for link in read_content(post(text)).links}, text


@given(LABEL, st.sampled_from(sorted(URL_WAYS)))
def test_a_url_is_read_in_whatever_form(label: str, way: str) -> None:
    text = f"Best deals at {URL_WAYS[way](f'{label}.com')} now"
    assert f"{label}.com" in {link.domain for link in read_content(post(text)).links}, text


@given(DIGITS, st.sampled_from(sorted(NUMBER_WAYS)))
def test_a_toll_free_number_is_read_in_whatever_form(digits: str, way: str) -> None:
    number = f"1-888-{digits[:3]}-{digits[3:]}"
    text = f"QuickBooks support number: {NUMBER_WAYS[way](number)} call now"
    kinds = {contact.kind for contact in read_content(post(text)).contacts}
    assert "support_number" in kinds, text


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_that_is_plain_ascii(text: str) -> None:
    once = clean(text).text
    assert clean(once).text.isascii() or not once.isascii()


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_what_needs_no_undoing_is_left_as_it_is(text: str) -> None:
    plain = text.replace(".", "").replace("dot", "")
    letters = "".join(char for char in plain if char.isalpha() or char in " \n")
    words = " ".join(word for word in letters.split() if len(word) > 1 and word.lower() != "www")
    undone, count = refanged(words)
    if count == 0:
        assert undone == words


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u06cc\u0645",
        "\u0915\u094d\u0937",
        "Xin ch\u00e0o b\u1ea1n",
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
        "\uc548\ub155",
    ],
)
def test_living_languages_are_not_found_to_be_disguised(text: str) -> None:
    read = clean(text)
    assert read.lookalikes == read.defanged == read.invisible_in_words == read.reversed == 0
    assert unicodedata.normalize("NFKC", text.replace("\u200c", "")) == read.text
