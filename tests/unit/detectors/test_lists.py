from __future__ import annotations

from importlib import resources

import pytest

from contracts.ruleset import Lists, default_ruleset
from detectors.domain import ascii_host
from detectors.lists import Listings, bundled

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
