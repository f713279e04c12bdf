from __future__ import annotations

import pytest

from contracts.ruleset import Lists, default_ruleset
from detectors.brand import Brands, own_domains
from detectors.domain import ascii_host, registrable_domain
from detectors.example import post
from detectors.link_spam import LinkSpam
from detectors.lists import bundled

BRANDS = Brands(bundled("brands") | {"tickethall.example"})


def posed_as(written: str) -> str | None:
    host = ascii_host(written)
    assert host is not None
    posed = BRANDS.posed_as(host, registrable_domain(host) or host)
    return posed[0] if posed else None


@pytest.mark.parametrize(
    ("host", "brand"),
    [
        ("paypa1.com", "paypal.com"),
        ("g00gle.com", "google.com"),
        ("rnicrosoft.com", "microsoft.com"),
        ("p\u0430ypal.com", "paypal.com"),
        ("fac\u00e9book.com", "facebook.com"),
        ("faceboook.com", "facebook.com"),
        ("facebok.com", "facebook.com"),
        ("microsfot.com", "microsoft.com"),
        ("paypal.com.evil.net", "paypal.com"),
        ("login.paypal.com.evil.net", "paypal.com"),
        ("paypal-login.net", "paypal.com"),
        ("secure-paypa1.net", "paypal.com"),
        ("tickethal1.example", "tickethall.example"),
        ("ticket-hall.example", "tickethall.example"),
        ("tickethalll.com", "tickethall.example"),
        ("tickethall.example.evil.net", "tickethall.example"),
        ("www.paypal.com", None),
        ("amazon.de", None),
        ("maps.google.com.br", None),
        ("paypal.github.io", None),
        ("trees.example.org", None),
        ("meatup.com", None),
        ("apples.org", None),
        ("sportify-club.example", None),
    ],
)
def test_a_host_that_poses_as_a_name(host: str, brand: str | None) -> None:
    assert posed_as(host) == brand


def test_the_platforms_own_name_is_a_setting_and_its_pages_are_never_a_reason() -> None:
    rules = default_ruleset().model_copy(
        update={"lists": Lists(own_domains=("www.tickethall.example",))}
    )
    detector = LinkSpam(rules)

    def codes(text: str) -> list[str]:
        return [finding.code for finding in detector.observe(post(text))]

    assert codes("Log in at https://t\u0456ckethall.example/x")[1:2] == ["link.homograph"]
    assert codes("Log in at https://tickethal1.com/x") == ["link.homograph"]
    assert codes('<p hidden><a href="https://shop.www.tickethall.example/x">x</a></p>') == []
    assert own_domains(("www.a.co.uk", "x")) == {"a.co.uk", "x"}
