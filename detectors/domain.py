"""Hosts and registrable domains, by the public suffix list that comes with tldextract.

The list is the package's bundled snapshot: nothing is fetched, and an upgrade of the package is
what refreshes it. Its private part is used too, so that ``x.github.io`` is one tenant's own and
not all of GitHub's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address

import idna
import tldextract

MAX_HOST_CHARS = 253  # RFC 1035, 2.3.4
CACHED_HOSTS = 65_536

_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}", re.ASCII)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*+", re.ASCII)
_ORDINARY_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}", re.ASCII)
"""As resolvers see it already, and no address: an address ends in a number (WHATWG URL)."""
_OTHER_DOTS = str.maketrans("。．。", "...")  # noqa: RUF001 -- dots by UTS 46


def ascii_host(host: str) -> str | None:
    """The host as resolvers see it: lower case, punycode, without a final dot.

    Returns:
        None where no resolver could look it up: empty, too long, or with characters that no host
        holds. An IPv6 address keeps its brackets.
    """
    if _ORDINARY_HOST.fullmatch(host) and len(host) <= MAX_HOST_CHARS:
        return host
    return _ascii_host(host)


@lru_cache(maxsize=CACHED_HOSTS)
def _ascii_host(host: str) -> str | None:
    host = host.strip().translate(_OTHER_DOTS).strip(".").lower()
    if not host or len(host) > MAX_HOST_CHARS:
        return None
    if host.startswith("["):
        address = _ipv6(host)
        return f"[{address}]" if address else None
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            host = ".".join(_raw_punycode(label) for label in host.split("."))
    return host if len(host) <= MAX_HOST_CHARS and _HOST.fullmatch(host) else None


def registrable_domain(host: str) -> str | None:
    """What one owner registered, for a host as ``ascii_host`` gives it.

    Returns:
        ``example.co.uk`` for ``a.b.example.co.uk``, ``x.github.io`` for itself and what is under
        it, ``github.io`` for ``github.io``; an address as canonical text for a numeric host; None
        where the suffix is not a known one or nothing stands before it.
    """
    return name_under(host, ordinary_suffixes()) or _registrable_domain(host)


def name_under(host: str, suffixes: Mapping[str, bool]) -> str | None:
    """The part of a host that stands right under a suffix: ``example.com`` of ``a.example.com``.

    Nearly every account has a domain of its own, so this is a few look-ups and no cache.

    Args:
        host: As ``ascii_host`` gives it.
        suffixes: Names, and whether one is a suffix of which nothing else need be known.

    Returns:
        None where the longest name that the host ends in is another one, or is the host itself.
    """
    name, rest = "", host
    while (is_suffix := suffixes.get(rest)) is None:
        name, (_, dot, rest) = rest, rest.partition(".")
        if not dot:
            return None
    return name if is_suffix and name and "xn--" not in host else None


@cache
def ordinary_suffixes() -> Mapping[str, bool]:
    """Every name of the public suffix list, and whether it is a plain entry of it."""
    suffixes, under_any, exceptions = _suffixes()
    return {name: True for name in suffixes} | {name: False for name in under_any | exceptions}


@lru_cache(maxsize=CACHED_HOSTS)
def _registrable_domain(host: str) -> str | None:
    if address := numeric_address(host):
        return str(address)
    suffix = _listed_suffix(host)
    if suffix and len(suffix) < len(host):
        return host[host.rfind(".", 0, -len(suffix) - 1) + 1 :]
    found = _extractor().extract_str(host)
    if found.domain and found.suffix:
        return f"{found.domain}.{found.suffix}"
    if found.is_private:
        registered = _extractor().extract_str(host, include_psl_private_domains=False)
        return registered.top_domain_under_public_suffix or None
    return None


@lru_cache(maxsize=CACHED_HOSTS)
def public_suffix(host: str) -> str:
    """``co.uk`` for ``example.co.uk``; empty where the suffix is not a known one."""
    return _listed_suffix(host) or _extractor().extract_str(host).suffix


@lru_cache(maxsize=CACHED_HOSTS)
def numeric_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a browser goes to for a numeric host.

    Browsers read IPv4 as ``inet_aton`` does: ``0x7f.1``, ``3232235777`` and ``0300.0250.0.1`` are
    addresses too (WHATWG URL, "IPv4 parser").
    """
    if host.startswith("["):
        return _ipv6(host)
    if not _NUMERIC.fullmatch(host):
        return None
    try:
        *octets, last = [_number(part) for part in host.split(".")]
    except ValueError:
        return None
    if any(octet > 255 for octet in octets) or last >= 256 ** (4 - len(octets)):  # noqa: PLR2004
        return None
    return IPv4Address(last + sum(octet << (24 - 8 * at) for at, octet in enumerate(octets)))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if part.startswith("0") and len(part) > 1 else int(part)


def _ipv6(host: str) -> IPv6Address | None:
    try:
        return IPv6Address(host.strip("[]"))
    except ValueError:
        return None


def _raw_punycode(label: str) -> str:
    """Punycode for what IDNA refuses, as emoji: some registries sell them all the same."""
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _listed_suffix(host: str) -> str:
    """The longest suffix of the list that an ordinary host ends in; empty where that is not plain.

    tldextract gives the same (a test holds the two together), and takes ten times as long.
    """
    suffixes, under_any, exceptions = _suffixes()
    if "xn--" in host or ".." in host:
        return ""
    suffix = host
    while suffix:
        if suffix in suffixes:
            return suffix
        rest = suffix.partition(".")[2]
        if suffix in exceptions:
            return rest
        if rest in under_any:
            return suffix
        suffix = rest
    return ""


@cache
def _suffixes() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The list's plain entries, those of which every subdomain is one, and the exceptions."""
    entries = _extractor().tlds
    return (
        frozenset(entry for entry in entries if entry[0] not in "*!"),
        frozenset(entry.removeprefix("*.") for entry in entries if entry.startswith("*.")),
        frozenset(entry.removeprefix("!") for entry in entries if entry.startswith("!")),
    )


@cache
def _extractor() -> tldextract.TLDExtract:
    return tldextract.TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
    )
