from __future__ import annotations

import socket

import pytest
import tldextract
from hypothesis import given
from hypothesis import strategies as st

from detectors.domain import ascii_host, numeric_address, public_suffix, registrable_domain

EXTRACT = tldextract.TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)
SUFFIX_PARTS = sorted(
    {"a", "www", "any", *(part for entry in EXTRACT.tlds for part in entry.strip("!*.").split("."))}
)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", None),
        ("x.github.io", "x.github.io"),
        ("deep.x.github.io", "x.github.io"),
        ("github.io", "github.io"),
        ("foo.wixsite.com", "foo.wixsite.com"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("localhost", None),
        ("example.notasuffix", None),
        ("192.168.0.1", "192.168.0.1"),
    ],
)
def test_registrable_domain(host: str, domain: str | None) -> None:
    assert registrable_domain(host) == domain


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("WWW.Example.COM.", "www.example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("例え。jp", "xn--r8jz45g.jp"),
        ("ｅｘａｍｐｌｅ．com", "example.com"),  # noqa: RUF001
        ("a..b.com", None),
        ("", None),
        ("a b.com", None),
        ("x" * 300 + ".com", None),
    ],
)
def test_ascii_host(written: str, host: str | None) -> None:
    assert ascii_host(written) == host


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("3232235777", "192.168.1.1"),
        ("0xc0a80101", "192.168.1.1"),
        ("0300.0250.1.1", "192.168.1.1"),
        ("127.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("256.1.1.1", None),
        ("1.2.3.4.5", None),
        ("08.1.1.1", None),
        ("example.com", None),
    ],
)
def test_numeric_address(host: str, address: str | None) -> None:
    assert (str(numeric_address(host)) if address else numeric_address(host)) == address


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "{:#x}", "0{:o}"]))
def test_numeric_hosts_are_read_as_inet_aton_does(number: int, form: str) -> None:
    host = form.format(number)
    assert str(numeric_address(host)) == socket.inet_ntoa(socket.inet_aton(host))


@given(st.text(max_size=80))
def test_any_text_is_a_host_or_none_and_stays_one(text: str) -> None:
    host = ascii_host(text)
    if host is not None:
        assert ascii_host(host) == host
        assert host.isascii()
        registrable_domain(host)
        public_suffix(host)


def test_every_entry_of_the_list_is_read_as_tldextract_reads_it() -> None:
    entries = [entry.removeprefix("!").replace("*", "any") for entry in EXTRACT.tlds]
    for entry in filter(str.isascii, entries):
        for host in (entry, f"a.{entry}", f"www.shop.b_c-d.{entry}"):
            found = EXTRACT.extract_str(host)
            assert public_suffix(host) == found.suffix
            if found.domain:
                assert registrable_domain(host) == f"{found.domain}.{found.suffix}"


@given(st.lists(st.sampled_from(SUFFIX_PARTS), min_size=1, max_size=5).map(".".join))
def test_a_host_of_any_known_parts_is_read_as_tldextract_reads_it(host: str) -> None:
    found = EXTRACT.extract_str(host)
    assert public_suffix(host) == found.suffix
    if found.domain and found.suffix:
        assert registrable_domain(host) == f"{found.domain}.{found.suffix}"
