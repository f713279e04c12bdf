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
        ("annak18@googlemail.com", "annak18@gmail.com"),
        # strangers at a free-mail provider: a given name, an initial and a surname
        ("anna84@gmail.com", "anna84@gmail.com"),
        ("christian1990@gmx.de", "christian1990@gmx.de"),
        ("a.bauer77@outlook.com", "a.bauer77@outlook.com"),
        ("mhoffmann77@yahoo.com", "mhoffmann77@yahoo.com"),
        ("anna84+tickets@gmail.com", "anna84@gmail.com"),
        ("anna84@example.org", "anna@example.org"),
        # what hardly two people have in common
        ("vip.passes01@gmail.com", "vippasses@gmail.com"),
        ("vip.pass7@googlemail.com", "vippass@gmail.com"),
        ("ticket.deals.17@outlook.com", "ticket.deals@outlook.com"),
        ("cheaptickets-0017@web.de", "cheaptickets@web.de"),
        ("annak+tickets@example.org", "annak@example.org"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("12345@qq.com", "12345@qq.com"),
        ("12345@example.org", None),
        ("ab17@example.org", None),
        ("info2@trees.example.org", None),
        ("hello@trees.example.org", None),
        ("info2@gmail.com", "info2@gmail.com"),
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


NUMBERS = st.sets(st.integers(0, 9_999))


@given(
    address=st.one_of(
        st.from_regex(r"[a-z]{10,16}@gmail\.com", fullmatch=True),
        st.from_regex(r"[a-z]{3,8}[._-][a-z]{3,8}@(gmail\.com|gmx\.de)", fullmatch=True),
        st.from_regex(r"x[a-z]{2,12}@example\.org", fullmatch=True),  # x: no role such as `info`
    ),
    numbers=NUMBERS,
)
def test_an_enumeration_has_one_stem(address: str, numbers: set[int]) -> None:
    assert len(stems_of(address, numbers)) == bool(numbers)


@given(
    address=st.one_of(
        st.from_regex(r"[a-z]{1,9}@(gmail\.com|gmx\.de)", fullmatch=True),
        st.from_regex(r"[a-z][._-][a-z]{2,8}@(gmail\.com|gmx\.de)", fullmatch=True),
    ),
    numbers=NUMBERS,
)
def test_namesakes_at_a_free_mail_provider_have_a_stem_each(
    address: str, numbers: set[int]
) -> None:
    assert len(stems_of(address, numbers)) == len(numbers)


def stems_of(address: str, numbers: set[int]) -> set[str]:
    local, _, domain = address.partition("@")
    return {
        facet
        for number in numbers
        for facet in facets_of(email=f"{local}{number}@{domain}", device_id="null")
    }


NEW_KINDS = Facets(
    ruleset_counting("email_domain", "email_shape", "phone", "user_agent", "country")
)


def compound(ruleset: Ruleset, **facets: tuple[str, ...]) -> Ruleset:
    rules = ruleset_counting(*facets).velocity
    return Ruleset.model_validate(
        {**ruleset.model_dump(), "facets": facets, "velocity": [*ruleset.velocity, *rules]}
    )


def test_new_kinds_come_in_their_order() -> None:
    assert NEW_KINDS.of(
        signup(
            email="anna.k17@mail.trees.co.uk",
            phone="+49 (30) 901-820",
            user_agent=" Mozilla/5.0  (X11)\t",
            country="de",
        )
    ) == (
        "email_domain:trees.co.uk",
        "email_shape:aa.a99@trees.co.uk",
        "phone:+4930901820",
        "user_agent:Mozilla/5.0 (X11)",
        "country:DE",
    )


@pytest.mark.parametrize(
    "nothing",
    [
        {"email": "anna@gmail.com"},  # a provider of everybody's, and a bare word
        {"phone": "none"},
        {"user_agent": "unknown"},
        {"user_agent": " "},
        {"country": "XX"},
        {"country": " zz"},
        {"country": "n/a"},
    ],
)
def test_what_says_nothing_is_no_facet_of_a_new_kind(nothing: dict[str, str]) -> None:
    assert NEW_KINDS.of(signup(**nothing)) == ()


def test_a_domain_that_the_ruleset_allows_is_shared_by_everybody() -> None:
    ruleset = ruleset_counting("email_domain")
    lists = ruleset.lists.model_copy(update={"allowed_domains": ("trees.org",)})
    event = signup(email="anna@trees.org")
    assert Facets(ruleset).of(event) == ("email_domain:trees.org",)
    assert Facets(ruleset.model_copy(update={"lists": lists})).of(event) == ()


def test_a_compound_facet_is_there_if_all_its_parts_are() -> None:
    facets = Facets(compound(ruleset_counting("ip"), ip_agent=("ip", "user_agent")))
    assert facets.of(signup(ip="203.0.113.7", user_agent="curl/8.5")) == (
        "ip:203.0.113.7",
        "ip_agent:203.0.113.7|curl/8.5",
    )
    assert facets.of(signup(ip="203.0.113.7")) == ("ip:203.0.113.7",)
    assert facets.of(signup(user_agent="curl/8.5")) == ()
    assert facets.of(post("https://a.net")) == ()


def test_parts_that_no_rule_counts_are_no_facets_by_themselves() -> None:
    facets = Facets(compound(ruleset_counting(), mail=("country", "email_domain")))
    assert facets.of(signup(country="DE", email="anna@gmail.com")) == ("mail:DE|gmail.com",)


def test_a_compound_that_no_rule_counts_is_not_made() -> None:
    ruleset = ruleset_counting("ip").model_copy(update={"facets": {"pair": ("ip", "device")}})
    assert Facets(ruleset).of(signup(ip="203.0.113.7")) == ("ip:203.0.113.7",)


def test_a_compound_facet_of_each_linked_domain() -> None:
    facets = Facets(compound(ruleset_counting(), site=("ip", "link_domain")))
    event = signup(ip="203.0.113.7", bio="https://b.net and https://a.net/x, http://b.net/y")
    assert facets.of(event) == ("site:203.0.113.7|b.net", "site:203.0.113.7|a.net")
    many = signup(ip="203.0.113.7", bio=" ".join(f"https://s{n}.net" for n in range(99)))
    assert len(facets.of(many)) == MAX_LINK_FACETS
    assert facets.of(signup(ip="203.0.113.7", bio="We plant trees.")) == ()


PARTS = st.tuples(*[st.text(alphabet="ab|%7C25", min_size=1, max_size=6)] * 2)
BOTH = Facets(compound(ruleset_counting(), both=("device", "payment")))


@given(PARTS, PARTS)
def test_two_combinations_never_read_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    def facet(parts: tuple[str, str]) -> tuple[str, ...]:
        return BOTH.of(signup(device_id=f"d{parts[0]}", payment_fingerprint=f"p{parts[1]}"))

    assert len(facet(one)) == 1
    assert (facet(one) == facet(other)) == (one == other)


def test_a_part_too_long_is_hashed_and_the_others_stay_legible() -> None:
    facets = Facets(compound(ruleset_counting(), ip_agent=("ip", "user_agent")))
    (facet,) = facets.of(signup(ip="203.0.113.7", user_agent="x" * 2_000))
    assert facet.startswith("ip_agent:203.0.113.7|sha256-")
    assert len(facet) <= 2 * MAX_VALUE_CHARS + len("ip_agent:|")


def test_values_are_given_of_the_kinds_that_are_counted() -> None:
    rule = VelocityRule(
        code=Code("velocity.ip.countries"),
        facet="ip",
        window=3_600,
        measure="distinct",
        of="country",
        levels=(Level(at_least=3, points=10),),
        group="network",
    )
    links = rule.model_copy(update={"code": Code("velocity.ip.links"), "of": "link_domain"})
    off = rule.model_copy(update={"code": Code("velocity.ip.off"), "of": "device", "mode": "off"})
    facets = Facets(default_ruleset().model_copy(update={"velocity": (rule, links, off)}))
    event = signup(ip="203.0.113.7", country="de", website="https://a.net")
    assert facets.read(event) == (
        ("ip:203.0.113.7",),
        (("country", "DE"), ("link_domain", "a.net")),
    )
    assert facets.read(post("https://a.net")) == ((), (("link_domain", "a.net"),))
    assert ALL.read(event)[1] == ()


@pytest.mark.parametrize(
    ("emails", "shape"),
    [
        (("anna.k17@gmail.com", "Peter.M42@googlemail.com"), "aa.a99@gmail.com"),
        (("anna_1998@web.de", "bernadette_2003@web.de"), "aa_9999@web.de"),
        (("k7qz2m9p@gmx.net", "1a2b3c4d@gmx.net"), "x8@gmx.net"),
        (("jo.smith@mailinator.com", "ann.lee+x@guerrillamail.com"), "aa.aa@disposable"),
        (("9912@mail.trees.co.uk", "0000@trees.co.uk"), "9999@trees.co.uk"),
    ],
)
def test_one_generator_has_one_shape(emails: tuple[str, ...], shape: str) -> None:
    facets = Facets(ruleset_counting("email_shape"))
    for email in emails:
        assert facets.of(signup(email=email)) == (f"email_shape:{shape}",)
