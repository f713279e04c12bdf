"""What texts of one hand share, and what strangers' texts do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import Event
from contracts.ruleset import TEXT_FACET_KINDS, TextFacetKind
from detectors.content import read_content
from detectors.example import post, signup
from detectors.text_facet import TextFacets, title_frames
from detectors.wording import read_wording

ALL: frozenset[TextFacetKind] = frozenset(
    {"contact", "near_text", "text_template", "title_template"}
)
FACETS = TextFacets(ALL)

PAGE = (
    "Our {} quartet plays in the old town hall on the evening of {}, as every year, and afterwards"
    " there is soup for everybody who stays, with bread from the bakery around the corner. Who"
    " wants to play with us brings an instrument and a chair, and whoever cannot climb the stairs"
    " tells the porter, so that somebody comes and shows the way to the lift behind the kitchen. {}"
)
OTHER = (
    "A workshop for beginners who want to build a radio out of parts that others throw away; bring"
    " a soldering iron if you have one, we have ten, and a lot of patience with each other."
)


def of(event: Event, *kinds: TextFacetKind) -> list[str]:
    content = read_content(event)
    facets = TextFacets(frozenset(kinds)) if kinds else FACETS
    return list(facets.of(event, content, read_wording(content)))


def test_all_kinds_are_made() -> None:
    assert ALL == TEXT_FACET_KINDS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Call +1 (888) 555-0123 now", "8885550123"),
        ("Call 1-888-555-0123 now", "8885550123"),
        ("Ring +44 20 7946 0958 today", "442079460958"),
        ("WhatsApp me: +234 803 555 0199", "2348035550199"),
        ("Donate BTC 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ],
)
def test_a_contact_is_one_however_it_is_written(text: str, value: str) -> None:
    assert of(post(text), "contact") == [f"contact:{value}"]


def test_a_handle_that_all_guests_share_is_none() -> None:
    assert of(post("Follow us on Twitter @treesfestival"), "contact") == []


def test_near_copies_share_bands_and_others_do_not() -> None:
    one = {*of(post(PAGE.format("string", "4 May", "https://a.example.net")), "near_text")}
    two = {*of(post(PAGE.format("brass", "17 June", "https://b.example.org/x")), "near_text")}
    other = {*of(post(OTHER), "near_text")}
    assert one & two
    assert not (one | two) & other


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            "Hi dear, my name is Anna Bauer, write to me about the loan of 5000, see"
            " https://a.example.net and you will get it on the very same day",
            "Hi dear, my name is Kwame Okafor, write to me about the loan of 250, see"
            " http://b.example.org/x?y and you will get it on the very same day",
        ),
        (
            "CALL NOW 888 555 0123 FOR CHEAP TICKETS AND A REFUND OF EVERYTHING THAT YOU HAVE PAID",
            "CALL NOW 877 555 0144 FOR CHEAP TICKETS AND A REFUND OF EVERYTHING THAT YOU HAVE PAID",
        ),
        (
            "Здравствуйте, меня зовут Анна, предлагаю заработок без вложений от 500 рублей в день",
            "Здравствуйте, меня зовут Ольга, предлагаю заработок без вложений от 70 рублей в день",
        ),
    ],
)
def test_a_template_is_one_whatever_fills_its_slots(one: str, two: str) -> None:
    first, second = of(post(one), "text_template"), of(post(two), "text_template")
    assert len(first) == 1
    assert first == second


def test_what_strangers_say_in_a_few_words_is_no_template() -> None:
    assert (
        of(post("Who is still listening to this in 2026?", kind="comment"), "text_template") == []
    )
    linked = of(post("look what i found here: http://x.example", kind="comment"), "text_template")
    assert len(linked) == 0  # fewer letters than tell even with a link
    assert of(post("subscribe to my channel for more http://x.example"), "text_template")


def test_titles_share_how_they_begin_and_end() -> None:
    one = {*title_frames("Chiefs vs Bills Live Stream Free HD 2026")}
    two = {*title_frames("Bulls vs Celtics live stream free HD 2027")}
    assert one & two == {"… stream free hd #"}
    assert list(title_frames("Summer party")) == []
    assert {*title_frames("真人百家乐注册送彩金")} & {*title_frames("真人百家乐注首存优惠")} == {
        "真人百家乐注…"
    }


def test_an_event_without_words_has_none() -> None:
    assert of(signup(email="anna@example.org")) == []
    assert of(post("")) == []


@given(st.text(max_size=300), st.text(max_size=80))
def test_any_text_has_facets_of_these_kinds_each_once(text: str, title: str) -> None:
    facets = of(post(text, title=title))
    assert len(facets) == len(set(facets))
    assert {facet.partition(":")[0] for facet in facets} <= TEXT_FACET_KINDS
    assert all(len(facet) < 160 for facet in facets)
