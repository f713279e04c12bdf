from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import PostKind, Upload
from contracts.ruleset import Lists, default_ruleset
from detectors.contact import find_contacts
from detectors.content import read_content
from detectors.example import post, signup
from detectors.facet import Facets
from detectors.identity import Identity
from detectors.link_spam import LinkSpam

RULESET = default_ruleset()
LINK_SPAM = LinkSpam(RULESET)
FACETS = Facets(RULESET)

PIECES = (
    "http://", "a.com", "@", "[.]", " dot com", "<a href=", ">", "</a>", "+1 888 555 0123", "](",
    "0x" + "a" * 40, "whatsapp ", "xn--", "\u200b", "\ufdfa", "support number ", "&#", "%40", ":",
)  # fmt: skip
noise = st.text(max_size=400) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def blocking(*domains: str) -> LinkSpam:
    return LinkSpam(RULESET.model_copy(update={"lists": Lists(blocked_domains=domains)}))


@given(noise, noise, st.sampled_from(["event_page", "profile", "comment", "message"]))
def test_reads_any_post_and_always_alike(title: str, text: str, kind: PostKind) -> None:
    event = post(text, kind=kind, title=title, links=(title, text[:99]))
    findings = LINK_SPAM.observe(event)
    assert findings == LinkSpam(RULESET).observe(event.model_copy())
    codes = [finding.code for finding in findings]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(RULESET.signals)


@given(noise, noise)
def test_reads_any_signup_and_always_alike(email: str, name: str) -> None:
    event = signup(email=email, name=name, organization=email, website=name, bio=email)
    identity = Identity(RULESET)
    assert identity.observe(event) == identity.observe(event.model_copy())
    assert LINK_SPAM.observe(event) == LINK_SPAM.observe(event.model_copy())


def test_an_upload_says_nothing() -> None:
    upload = Upload.model_validate(
        {"event_id": "e", "account_id": "a", "occurred_at": "2026-01-01T00:00:00Z",
         "upload_id": "u", "uri": "file:///x.mp4", "title": "http://a.com"}
    )  # fmt: skip
    assert LINK_SPAM.observe(upload) == Identity(RULESET).observe(upload) == ()
    assert FACETS.of(upload) == ()


def test_a_blocked_domain_names_list_and_entry() -> None:
    (finding,) = blocking("pills.example.net").observe(post("http://buy.pills.example.net/x"))
    assert finding.code == "link.blocked_domain"
    assert finding.evidence == {
        "list": "blocked_domains",
        "entries": ["pills.example.net"],
        "hosts": ["buy.pills.example.net"],
    }


def test_a_blocked_domain_that_is_allowed_by_default_is_blocked() -> None:
    codes = [finding.code for finding in blocking("youtube.com").observe(post("youtube.com/x"))]
    assert codes == ["link.blocked_domain"]


def test_density_gives_the_numbers() -> None:
    (finding,) = LINK_SPAM.observe(post("one two three https://a.net", kind="comment"))
    assert finding.evidence == {
        "links": 1,
        "contacts": 0,
        "words": 3,
        "per_100_words": 33.3,
        "limit_links": 1,
        "limit_per_100_words": 1.0,
    }


def test_density_does_not_take_chinese_for_one_word() -> None:
    text = "我们欢迎大家参加今年的春季音乐会" * 20
    assert read_content(post(text)).words > 100


def test_what_is_off_is_not_looked_for() -> None:
    off = {code: rule.model_copy(update={"mode": "off"}) for code, rule in RULESET.signals.items()}
    ruleset = RULESET.model_copy(update={"signals": off})
    assert LinkSpam(ruleset).observe(post("http://a.com@b.com", kind="comment")) == ()


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Call +49 30 901820-12", ["phone"]),
        ("Amazon customer care number 1-888-555-0123", ["support_number"]),
        ("Telegram: @quick_cash", ["messenger"]),
        ("telegram me at @quick_cash", ["messenger"]),
        ("insta @quick.cash", ["handle"]),
        ("0x52908400098527886E0F7030069857D2E4169EE7", ["wallet"]),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ["wallet"]),
        ("2.124.821.694 views, 100 000 000 000 stars", []),
        ("2024-05-01 19:00, 01.05.2024 - 03.05.2024, ISBN 978-3-16-148410-0", []),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyX", []),  # its checksum is wrong
        ("commit 0x5290840009852788, order 12345678901", []),
        ("the signal is strong, line up at 9", []),
    ],
)
def test_contacts(text: str, kinds: list[str]) -> None:
    assert [contact.kind for contact in find_contacts(text)] == kinds


BOMBS = {
    "letters": "a",
    "dots": "a.",
    "schemes": "http://",
    "short links": "ab.cd ",
    "brackets": "[](",
    "markdown": "[a](b ",
    "tags": "<a>",
    "open tags": '<a ="',
    "quoted": '<a x=" > ',
    "attributes": "<a " + "b " * 2_000 + ">",
    "styles": '<p style="' + "display:" * 500 + '">',
    "comments": "<!--",
    "entities": "&#x41;",
    "ampersands": "&",
    "digits": "1",
    "numbers": "12 ",
    "support": "customer support ",
    "messenger": "whatsapp @ ",
    "bbcode": "[url=",
    "spoken dots": "a dot ",
    "defanged": "a[.]",
    "invisible": "a\u200b",
    "expanding": "\ufdfa",
    "squared": "\u3316",
    "at": "x@",
    "spaces": " ",
    "parentheses": "http://a.b/" + "(." * 1_000,
    "numbered references": "[1]: tg: [1]: ",
    "named": "tg: @ whatsapp: ",
    "open brackets": "http://http://[",
    "other letters": "\u00ff",
    "look-alikes": "a\u0430.\u0441\u043em ",
    "spelt numbers": "one two ",
    "spaced letters": "a b c ",
    "toll-free": "1-8OO ",
    "base58": "1AaBbCcDdEeFfGgHhJjKkMmNn2345 ",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_megabyte_of_anything_is_read_in_little_more_than_a_tenth(name: str) -> None:
    bomb = BOMBS[name]
    whole = bomb * (1_000_000 // len(bomb))

    def seconds(chars: int) -> float:
        event = post(whole[:chars])
        taken = []
        for _ in range(2):
            started = time.process_time()
            content = read_content(event)
            LINK_SPAM.observe(event, content)
            FACETS.of(event, content)
            taken.append(time.process_time() - started)
        return min(taken)

    part = seconds(100_000)
    all_of_it = seconds(1_000_000)
    assert all_of_it < max(20 * part, 0.2), (part, all_of_it)
    assert all_of_it < 0.4, "200 ms of CPU on an idle machine; a busy one takes up to twice that"
