from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import Code
from contracts.ruleset import Level, Ruleset, VelocityRule, default_ruleset
from detectors.content import read_content
from detectors.example import post, signup
from detectors.facet import MAX_LINK_FACETS, MAX_VALUE_CHARS, Facets


def facets_of(**fields: object) -> tuple[str, ...]:
    return ALL.of(signup(**fields))


def ruleset_counting(*kinds: str) -> Ruleset:
    return default_ruleset().model_copy(
        update={
            "velocity": tuple(
                VelocityRule(
                    code=Code(f"velocity.{kind}.1h"),
                    facet=kind,
                    window=3_600,
                    levels=(Level(at_least=2, points=1),),
                    group="network",
                )
                for kind in kinds
            )
        }
    )


ALL = Facets(ruleset_counting("device", "ip", "subnet", "email_stem", "payment", "link_domain"))


def test_comes_in_a_fixed_order() -> None:
    assert facets_of(
        device_id="d1",
        ip="203.0.113.7",
        email="anna.k17@example.org",
        payment_fingerprint="p1",
        website="https://shop.example.net/x",
    ) == (
        "device:d1",
        "ip:203.0.113.7",
        "subnet:203.0.113.0/24",
        "email_stem:anna.k@example.org",
        "payment:p1",
        "link_domain:example.net",
    )


def test_makes_only_what_a_rule_counts() -> None:
    facets = Facets(ruleset_counting("subnet"))
    event = signup(ip="203.0.113.7", email="anna.k17@example.org", website="https://x.example.net")
    assert facets.of(event) == ("subnet:203.0.113.0/24",)
    assert facets.of(post("https://x.example.net")) == ()


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("203.0.113.7", ("ip:203.0.113.7", "subnet:203.0.113.0/24")),
        ("::ffff:203.0.113.7", ("ip:203.0.113.7", "subnet:203.0.113.0/24")),
        (
            "2001:0DB8:1:2:0:0:0:9",
            ("ip:2001:db8:1:2::9", "subnet:2001:db8:1:2::/64"),
        ),
        ("2001:db8::", ("ip:2001:db8::", "subnet:2001:db8::/64")),
        ("127.0.0.1", ()),
        ("::1", ()),
        ("0.0.0.0", ()),
        ("169.254.1.1", ()),
    ],
)
def test_an_address_and_its_network(ip: str, expected: tuple[str, ...]) -> None:
    assert facets_of(ip=ip, device_id="unknown") == expected


@pytest.mark.parametrize(
    ("email", "stem"),
    [
        ("anna.k17@example.org", "anna.k@example.org"),
        ("Anna.K-18@Example.ORG", "anna.k@example.org"),
        ("anna_k_0019@example.org", "anna_k@example.org"),
        ("an.na.k+17@gmail.com", "annak@gmail.com"),
        ("annak18@googlemail.com", "annak@gmail.com"),
        ("annak+tickets@example.org", "annak@example.org"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("12345@qq.com", None),
        ("ab17@example.org", None),
        ("info2@trees.example.org", None),
        ("hello@trees.example.org", None),
        ("info2@gmail.com", "info@gmail.com"),
        ("no address", None),
        ("anna@", None),
        ("@example.org", None),
        ("anna@localhost", None),
    ],
)
def test_an_email_stem(email: str, stem: str | None) -> None:
    assert facets_of(email=email, device_id="0") == ((f"email_stem:{stem}",) if stem else ())


@pytest.mark.parametrize(
    "nothing",
    ["unknown", "NULL", "undefined", " ", "00000000-0000-0000-0000-000000000000", "n/a"],
)
def test_a_placeholder_ties_nobody(nothing: str) -> None:
    assert facets_of(device_id=nothing, payment_fingerprint=nothing, email="a@b.example") == ()


def test_colleagues_are_not_tied_by_their_own_site() -> None:
    assert "link_domain:trees.org" not in facets_of(
        email="ben@trees.org", website="https://www.trees.org/about"
    )
    assert "link_domain:trees.org" in facets_of(
        email="ben@gmail.com", website="https://www.trees.org/about"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.shop.co.uk/1 and http://b.shop.co.uk", ("link_domain:shop.co.uk",)),
        ("https://one.github.io two.github.io/x", ("one.github.io", "two.github.io")),
        ("https://github.com/x https://youtu.be/x facebook.com/x", ()),
        ("https://bit.ly/Abc?x=1 and bit.ly", ("bit.ly/Abc",)),
        ("http://3232235777/x", ("192.168.1.1",)),
        ("http://[2001:DB8::1]/x", ("2001:db8::1",)),
        ("https://bücher.example.de", ("example.de",)),
        ("hxxps://pills[.]example[.]net", ("example.net",)),
    ],
)
def test_linked_domains(text: str, expected: tuple[str, ...]) -> None:
    facets = tuple(facet.removeprefix("link_domain:") for facet in ALL.of(post(text)))
    assert facets == tuple(name.removeprefix("link_domain:") for name in expected)


def test_links_beside_the_text_count_and_each_domain_once() -> None:
    event = post(
        "http://a.net http://A.NET/2", links=("https://b.org/x", "c.shop", "mailto:x@y.de")
    )
    assert ALL.of(event) == ("link_domain:b.org", "link_domain:c.shop", "link_domain:a.net")


def test_what_the_ruleset_allows_is_no_facet() -> None:
    ruleset = ruleset_counting("link_domain")
    lists = ruleset.lists.model_copy(update={"allowed_domains": ("pydata.org",)})
    facets = Facets(ruleset.model_copy(update={"lists": lists}))
    assert facets.of(post("https://nyc.pydata.org")) == ()


def test_is_bounded() -> None:
    device = facets_of(device_id="x" * 2_000)[0]
    assert len(device) <= MAX_VALUE_CHARS + len("device:")
    many = post(" ".join(f"https://site{number}.net" for number in range(1_000)))
    assert len(ALL.of(many)) == MAX_LINK_FACETS


def test_content_at_hand_changes_nothing() -> None:
    event = post("https://a.net")
    assert ALL.of(event, read_content(event)) == ALL.of(event)


@given(
    email=st.text(max_size=60),
    device=st.text(min_size=1, max_size=300),
    website=st.text(max_size=100),
    ip=st.ip_addresses(),
)
def test_any_signup_has_distinct_facets_and_always_the_same(
    email: str, device: str, website: str, ip: object
) -> None:
    event = signup(email=email, device_id=device, website=website, ip=ip)
    facets = ALL.of(event)
    assert len(set(facets)) == len(facets)
    assert facets == ALL.of(event.model_copy())
    assert all(":" in facet and facet.partition(":")[2] for facet in facets)


@given(stem=st.from_regex(r"[a-z]{3,12}", fullmatch=True), numbers=st.sets(st.integers(0, 9_999)))
def test_an_enumeration_has_one_stem(stem: str, numbers: set[int]) -> None:
    stems = {
        facet
        for number in numbers
        for facet in facets_of(email=f"{stem}{number}@gmail.com", device_id="null")
    }
    assert len(stems) == bool(numbers)
