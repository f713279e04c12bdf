from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import detectors.url
from detectors.text import clean
from detectors.url import find_links, parse_link


def found(text: str) -> list[str]:
    return [link.url for link in find_links(clean(text).text)]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("see http://a.example.com/x.", ["http://a.example.com/x"]),
        ("(https://en.wikipedia.org/wiki/Foo_(bar))", ["https://en.wikipedia.org/wiki/Foo_(bar)"]),
        ("<https://example.com>", ["https://example.com"]),
        ("[https://example.com]", ["https://example.com"]),
        ('"https://example.com/a?b=c&d=e#f"', ["https://example.com/a?b=c&d=e#f"]),
        ("hxxps://example[.]com/x", ["https://example.com/x"]),
        ("http[:]//example.com", ["http://example.com"]),
        ("example(dot)com", ["example.com"]),
        ("visit example dot com today", ["example.com"]),
        ("example.com/path", ["example.com/path"]),
        ("www.example.it", ["www.example.it"]),
        ("go to best-casino.live now", ["best-casino.live"]),
        ("bücher.de!", ["bücher.de"]),
        ("example。com", ["example.com"]),
        ("http://user:pw@example.com/", ["http://user:pw@example.com/"]),
        ("http:\\\\example.com\\x", ["http:\\\\example.com\\x"]),
        ("http://3232235777/", ["http://3232235777/"]),
        ("exa\u200bmple.com", ["example.com"]),
        ("example.com:8080/x", ["example.com:8080/x"]),
        ("ftp://ftp.example.com/pub", ["ftp://ftp.example.com/pub"]),
        ("a,http://b.net,http://c.net", ["http://b.net", "http://c.net"]),
    ],
)
def test_finds(text: str, urls: list[str]) -> None:
    assert found(text) == urls


@pytest.mark.parametrize(
    "text",
    [
        "index.js and node.py and README.md",
        "version 1.2.3, v2.0.1-rc1, 10.5",
        "mail anna@example.com",
        "the end.Next sentence.So it goes",
        "e.g. this, i.e. that, U.S. and J.R.R. Tolkien",
        "os.path.join, self.name, logger.info(x), asyncio.run(main())",
        "and then...so we went",
        "http:// and https://localhost:8000/x",
        "a dot comes here",
        "./script.sh ../a.com src/foo.com",
        "19.30 Uhr, 12.50 EUR",
    ],
)
def test_finds_nothing(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "raw",
    ["mailto:a@b.com", "javascript:alert(1)", "/relative/path", "#top", "", "tel:+123", "data:x,y"],
)
def test_what_leads_to_no_host_is_no_link(raw: str) -> None:
    assert parse_link(raw) is None


def test_takes_a_url_apart_as_a_browser_would() -> None:
    link = parse_link("HTTPS://Bank.example@Evil.Example.ORG:8443/a?b#c")
    assert link is not None
    assert (link.host, link.domain, link.userinfo, link.path) == (
        "evil.example.org",
        "example.org",
        "Bank.example",
        "/a?b#c",
    )
    broken = parse_link("ht\ntp:\\/evil.example.org\\@bank.example")
    assert broken is not None
    assert broken.host == "evil.example.org"


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    links = list(find_links(text))
    assert links == list(find_links(text))
    for link in links:
        assert link.host == link.host.lower()
        assert parse_link(link.url) is not None


@given(
    label=st.from_regex(r"[a-z][a-z0-9]{2,10}", fullmatch=True),
    path=st.from_regex(r"(/[a-z0-9]{1,8}){0,3}", fullmatch=True),
    before=st.sampled_from(["", "see ", "(", '"', "见：", "→ "]),  # noqa: RUF001
    after=st.sampled_from(["", ".", ")", '"', ", and", "!", "\n"]),
)
def test_a_url_is_found_in_a_sentence(label: str, path: str, before: str, after: str) -> None:
    url = f"https://{label}.net{path}"
    assert [link.url for link in find_links(f"{before}{url}{after}")] == [url]


URL_PARTS = (
    *("http://", "https://", "HTTP://", "hxxp://", "ftp://", "//", "www.", "x.example.com"),
    *("a.de", "bit.ly", "10.0.0.1", "[::1]", "xn--bcher-kva.de", "b\u00fccher.de", "localhost"),
    *("&a=b", "%20", "\u3002", "\u2026", "path", *":/?#@\\()]*~_'\",;.! \nA-+={|8"),
)


@given(st.lists(st.sampled_from(URL_PARTS), max_size=10).map("".join))
def test_a_plain_url_is_read_the_short_way_as_the_long_one_would(text: str) -> None:
    short = parse_link(text), list(find_links(text))
    with patch.object(detectors.url, "_PLAIN", re.compile("(?!)")):
        assert (parse_link(text), list(find_links(text))) == short
