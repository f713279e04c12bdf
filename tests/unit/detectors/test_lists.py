from __future__ import annotations

from importlib import resources

import pytest

from contracts.event import Event
from contracts.ruleset import Lists, default_ruleset
from contracts.signal import Evidence
from detectors.domain import ascii_host
from detectors.example import post, signup
from detectors.knowledge import BUNDLED, Knowledge
from detectors.lists import Listings, bundled, bundled_names
from detectors.reader import Reader

NAMES = sorted(
    path.name.removesuffix(".txt")
    for path in resources.files("detectors").joinpath("lists").iterdir()
)
DOMAIN_LISTS = ("allowed_domains", "free_mail_domains", "open_pages", "shorteners")


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_list_says_where_it_is_from_and_repeats_nothing(name: str) -> None:
    text = resources.files("detectors").joinpath("lists", f"{name}.txt").read_text("utf-8")
    head = text[:600]
    assert "Origin:" in head
    assert "Date: 20" in head
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    names = [line for line in lines if line]
    assert len(names) == len(set(names)) == len(bundled(name))
    if name in DOMAIN_LISTS:
        assert all(ascii_host(entry) == entry for entry in names)


def test_the_longest_entry_decides() -> None:
    listings = Listings.of(default_ruleset())
    assert listings.standing("maps.google.com") == "allowed"
    assert listings.standing("play.google.com") == "open_page"
    assert listings.standing("notgoogle.com") == "other"
    assert listings.allowed.hit("a.b.github.com") == "github.com"


def test_the_ruleset_adds_and_takes() -> None:
    lists = Lists(
        allowed_domains=("bit.ly", "mailinator.com", "facebook.com"),
        blocked_domains=("youtube.com",),
        shorteners=("our.link",),
        disposable_mail_domains=("burner.example",),
    )
    listings = Listings.of(default_ruleset().model_copy(update={"lists": lists}))
    assert "bit.ly" not in listings.shorteners
    assert "our.link" in listings.shorteners
    assert "mailinator.com" not in listings.disposable_mail
    assert "burner.example" in listings.disposable_mail
    assert listings.standing("www.facebook.com") == "allowed"
    assert listings.standing("youtube.com") == "other"


def test_no_free_mail_provider_is_disposable() -> None:
    listings = Listings.of(default_ruleset())
    assert not listings.free_mail.entries & listings.disposable_mail.entries


@pytest.mark.parametrize(
    ("name", "entry", "event", "code"),
    [
        (
            "blocked_domains",
            "new.example",
            post("https://a.new.example/x", kind="comment"),
            "link.blocked_domain",
        ),
        ("shorteners", "new.example", post("https://new.example/x"), "link.shortener"),
        ("suspicious_suffixes", "casa", post("https://new.casa/x"), "link.suspicious_suffix"),
        (
            "disposable_mail_domains",
            "new.example",
            signup(email="a@new.example"),
            "identity.disposable_mailbox",
        ),
        ("brands", "tickethall.com", post("https://tickethal1.com/x"), "link.homograph"),
        ("prohibited_weapons", "!zapper for sale", post("A zapper for sale"), "text.prohibited"),
        (
            "institution_suffixes",
            "events.org",
            signup(
                email="events@halls.events.org",
                website="https://halls.events.org",
                organization="Events Org",
            ),
            "vip.organizer",
        ),
    ],
)
def test_what_is_on_a_newer_list_is_found_and_named(
    name: str, entry: str, event: Event, code: str
) -> None:
    assert name in bundled_names()
    found = _codes(event, Knowledge(names={name: frozenset({entry})}))
    assert code not in _codes(event, BUNDLED)
    evidence = str(dict(found[code]))
    assert name in evidence
    assert entry.removeprefix("!") in evidence


@pytest.mark.parametrize("name", ["allowed_domains", "open_pages", "free_mail_domains"])
def test_what_is_on_a_newer_list_is_no_facet(name: str) -> None:
    new = Knowledge(names={name: frozenset({"new.example"})})
    event: Event = post("https://new.example/x")
    if name == "free_mail_domains":
        event = signup(email="a@new.example")
    facets = {*Reader(default_ruleset(), BUNDLED).read(event).facets}
    left = {*Reader(default_ruleset(), new).read(event).facets}
    kind = "email_domain" if name == "free_mail_domains" else "link_domain"
    assert facets - left == {f"{kind}:new.example"}


def _codes(event: Event, knowledge: Knowledge) -> dict[str, Evidence]:
    reading = Reader(default_ruleset(), knowledge).read(event)
    return {signal.code: signal.evidence for signal in reading.signals}
