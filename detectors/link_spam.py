"""Link spam: what the links and contacts of a text say about who planted them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import ClassVar

import idna

from contracts.event import Event
from contracts.ids import Code
from contracts.ruleset import Ruleset
from contracts.signal import Evidence, Finding
from detectors.brand import Brands, own_domains
from detectors.content import Content, read_content
from detectors.domain import CACHED_HOSTS, numeric_address, public_suffix, registrable_domain
from detectors.example import Example
from detectors.link_spam_example import EXAMPLES
from detectors.lists import Listings
from detectors.url import Link, find_links

MAX_EVIDENCE_CHARS = 200
MAX_EVIDENCE_ITEMS = 5

_PERSONAL_KINDS = frozenset({"comment", "message"})
"""Where a link to one's own page on an open platform is a link like any other."""

_LATIN_LOOKALIKES = frozenset("асеһіјӏорԛѕԁԝхуαορνυ")  # noqa: RUF001 -- that is what they are for

_OF_TELLING_LINKS = frozenset(
    {
        "link.blocked_domain",
        "link.shortener",
        "link.userinfo",
        "link.numeric_host",
        "link.mixed_script_host",
        "link.homograph",
        "link.punycode_host",
        "link.suspicious_suffix",
        "link.anchor_mismatch",
        "link.hidden",
    }
)
"""What no text of plain links is guilty of (``LinkSpam._are_plain``): most texts have no others."""

Check = Callable[[Content], Evidence | None]


class LinkSpam:
    """Finds link spam in a post, or in a signup's website and bio.

    Each code comes at most once an event, with the first few cases as its evidence.
    """

    examples: ClassVar[tuple[Example, ...]] = EXAMPLES

    def __init__(self, ruleset: Ruleset, listings: Listings | None = None) -> None:
        self._listings = listings or Listings.of(ruleset)
        self._density = ruleset.density
        own = own_domains(ruleset.lists.own_domains)
        self._own = own
        self._brands = Brands(self._listings.brands.entries | own)
        checks: dict[str, Check] = {
            "link.blocked_domain": self._blocked,
            "link.shortener": self._shortened,
            "link.density": self._dense,
            "link.userinfo": self._userinfo,
            "link.numeric_host": self._numeric,
            "link.mixed_script_host": self._mixed_script,
            "link.homograph": self._homograph,
            "link.punycode_host": self._punycode,
            "link.suspicious_suffix": self._suspicious_suffix,
            "link.anchor_mismatch": self._anchor_mismatch,
            "link.hidden": self._hidden,
            "link.disguised": self._disguised,
            "link.mail_mismatch": self._mail_mismatch,
            "contact.support_number": self._support_number,
            "contact.messenger": self._messenger,
            "contact.wallet": self._wallet,
        }
        self._checks = tuple(
            (Code(code), check)
            for code, check in checks.items()
            if (rule := ruleset.signals.get(Code(code))) is not None and rule.mode != "off"
        )
        self._checks_of_plain = tuple(
            (code, check) for code, check in self._checks if code not in _OF_TELLING_LINKS
        )
        self._checks_of_number = tuple(
            (code, check) for code, check in self._checks_of_plain if code == "link.density"
        )
        self._standing = lru_cache(maxsize=CACHED_HOSTS)(self._listings.standing)
        self._has_plain_name = lru_cache(maxsize=CACHED_HOSTS)(self._reads_plain)

    def observe(self, event: Event, content: Content | None = None) -> tuple[Finding, ...]:
        """Find what the ruleset prices, in the order of the codes above.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
        """
        if event.type == "upload":
            return ()
        return self.find(content or read_content(event))

    def find(self, content: Content) -> tuple[Finding, ...]:
        """The findings of a content that has been read."""
        if not (content.links or content.contacts):
            return ()
        checks = self._checks
        if self._are_plain(content.links):
            checks = self._checks_of_plain
            if not (content.contacts or content.defanged or content.invisible_in_words):
                checks = self._checks_of_number
        found: list[Finding] = []
        for code, check in checks:
            if evidence := check(content):
                found.append(Finding(code=code, evidence=evidence))
        return tuple(found)

    def _are_plain(self, links: Sequence[Link]) -> bool:
        """Whether none of the checks that look at one link would find anything in these."""
        unlisted, has_plain_name = self._listings.unlisted_domain, self._has_plain_name
        posed_as = self._brands.posed_as
        for link in links:
            if link.numeric or link.userinfo or link.hidden or "." in link.anchor:
                return False
            if not (unlisted(link.host) or has_plain_name(link.host)):
                return False
            if posed_as(link.host, link.domain):
                return False
        return True

    def _reads_plain(self, host: str) -> bool:
        listings = self._listings
        return not (
            "xn--" in host
            or host in listings.blocked
            or host in listings.shorteners
            or public_suffix(host) in listings.suspicious_suffixes.entries
        )

    def _blocked(self, content: Content) -> Evidence | None:
        return _listed(content.links, self._listings.blocked.hit, self._listings.blocked.name)

    def _shortened(self, content: Content) -> Evidence | None:
        shorteners = self._listings.shorteners
        return _listed(content.links, shorteners.hit, shorteners.name)

    def _suspicious_suffix(self, content: Content) -> Evidence | None:
        suffixes = self._listings.suspicious_suffixes

        def hit(host: str) -> str | None:
            if self._standing(host) != "other":
                return None
            if host in self._listings.shorteners:
                return None
            suffix = public_suffix(host)
            return suffix if suffix in suffixes.entries else None

        return _listed(content.links, hit, suffixes.name)

    def _dense(self, content: Content) -> Evidence | None:
        """Too many ways off the platform for so few words.

        In a comment or message, contacts count beside links, and so does a link to a page that
        anybody can open; on an event page neither does.
        """
        limit = self._density.get(content.kind)
        if limit is None or len(content.links) + len(content.contacts) < limit.links:
            return None
        personal = content.kind in _PERSONAL_KINDS
        counted = {"other", "open_page"} if personal else {"other"}
        standing = self._standing
        links = sum(not link.embedded and standing(link.host) in counted for link in content.links)
        contacts = len(content.contacts) if personal else 0
        ways = links + contacts
        if ways < limit.links:
            return None
        words = content.words
        per_100_words = 100 * ways / max(words, 1)
        if per_100_words < limit.links_per_100_words:
            return None
        return {
            "links": links,
            "contacts": contacts,
            "words": words,
            "per_100_words": round(per_100_words, 1),
            "limit_links": limit.links,
            "limit_per_100_words": limit.links_per_100_words,
        }

    def _userinfo(self, content: Content) -> Evidence | None:
        """A name before the ``@`` that poses as the host; a mistyped mail address does not."""
        return _shown(
            {"url": link.url, "shown": link.userinfo, "leads_to": link.domain}
            for link in content.links
            if link.userinfo and _poses_as_host(link.userinfo)
        )

    def _numeric(self, content: Content) -> Evidence | None:
        """An address for a host, unless it is one of a private network, as in how-to texts."""
        return _shown(
            {"url": link.url, "address": link.domain}
            for link in content.links
            if link.numeric and _is_public(link)
        )

    def _mixed_script(self, content: Content) -> Evidence | None:
        """Letters of two scripts in one label, or foreign ones that pass for Latin (UTS 39)."""
        return _shown(
            {"url": link.url, "host": link.host, "reads_as": name}
            for link in content.links
            if "xn--" in link.host and (name := _passes_for_latin(link.host))
        )

    def _homograph(self, content: Content) -> Evidence | None:
        """A host that looks like a known name's, or the platform's, and is not its own."""
        return _shown(
            {
                "url": link.url,
                "poses_as": posed[0],
                "by": posed[1],
                "list": "own_domains" if posed[0] in self._own else self._listings.brands.name,
            }
            for link in content.links
            if not link.numeric
            and self._standing(link.host) != "allowed"
            and (posed := self._brands.posed_as(link.host, link.domain))
        )

    def _mail_mismatch(self, content: Content) -> Evidence | None:
        """A mail address at a domain of its own, and no link to that domain among the links."""
        mails = {
            registrable_domain(host) or host
            for contact in content.contacts
            if contact.kind == "mail"
            and (host := contact.value.rpartition("@")[2]) not in self._listings.free_mail
        }
        domains = {link.domain for link in content.links if self._standing(link.host) == "other"}
        if not mails or not domains or mails & domains:
            return None
        return {
            "mail": sorted(mails)[:MAX_EVIDENCE_ITEMS],
            "links": sorted(domains)[:MAX_EVIDENCE_ITEMS],
        }

    def _punycode(self, content: Content) -> Evidence | None:
        return _shown(
            {"url": link.url, "host": link.host} for link in content.links if "xn--" in link.host
        )

    def _anchor_mismatch(self, content: Content) -> Evidence | None:
        """Text under a link that names another site than the link leads to."""
        return _shown(
            {"shown": shown, "leads_to": link.domain, "url": link.url}
            for link in content.links
            if "." in link.anchor and (shown := self._other_site_shown(link))
        )

    def _other_site_shown(self, link: Link) -> str | None:
        shown = next(iter(find_links(link.anchor)), None)
        if shown is None or shown.domain == link.domain or not registrable_domain(shown.host):
            return None
        if shown.domain in link.url:
            return None  # a redirector that names its target
        if link.host in self._listings.shorteners or self._one_name(shown.domain, link.domain):
            return None
        return None if self._standing(link.host) == "allowed" else shown.domain

    def _one_name(self, shown: str, real: str) -> bool:
        """Whether two domains are ``example.org`` and ``example.com``, bad suffixes apart."""
        same = shown.partition(".")[0] == real.partition(".")[0]
        return same and public_suffix(real) not in self._listings.suspicious_suffixes.entries

    def _hidden(self, content: Content) -> Evidence | None:
        return _shown(
            {"url": link.url, "by": link.hidden}
            for link in content.links
            if link.hidden and not link.embedded and self._standing(link.host) != "allowed"
        )

    def _disguised(self, content: Content) -> Evidence | None:
        """Written so that machines should miss it: ``hxxp``, ``[.]``, invisible characters."""
        if not content.links or not (content.defanged or content.invisible_in_words):
            return None
        return {
            "defanged": content.defanged,
            "invisible_in_words": content.invisible_in_words,
            "links": [link.url[:MAX_EVIDENCE_CHARS] for link in content.links[:MAX_EVIDENCE_ITEMS]],
        }

    def _support_number(self, content: Content) -> Evidence | None:
        return _contacts(content, "support_number")

    def _messenger(self, content: Content) -> Evidence | None:
        return _contacts(content, "messenger")

    def _wallet(self, content: Content) -> Evidence | None:
        return _contacts(content, "wallet")


def _listed(
    links: Sequence[Link], hit: Callable[[str], str | None], list_name: str
) -> Evidence | None:
    entries: dict[str, str] = {}
    for link in links:
        if link.host not in entries and (entry := hit(link.host)):
            entries[link.host] = entry
    if not entries:
        return None
    hosts = list(entries)[:MAX_EVIDENCE_ITEMS]
    return {"list": list_name, "entries": [entries[host] for host in hosts], "hosts": hosts}


def _shown(cases: Iterator[dict[str, object]]) -> Evidence | None:
    """The first few cases, and how many there are; a reviewer reads no more."""
    kept: list[dict[str, object]] = []
    count = 0
    for case in cases:
        count += 1
        if len(kept) < MAX_EVIDENCE_ITEMS:
            kept.append({name: str(value)[:MAX_EVIDENCE_CHARS] for name, value in case.items()})
    return {"count": count, "links": kept} if kept else None


def _contacts(content: Content, kind: str) -> Evidence | None:
    if not content.contacts:
        return None
    found = [contact for contact in content.contacts if contact.kind == kind]
    if not found:
        return None
    return {
        "count": len(found),
        "contacts": [
            {"value": contact.value, "context": contact.context}
            for contact in found[:MAX_EVIDENCE_ITEMS]
        ],
    }


def _poses_as_host(userinfo: str) -> bool:
    name = userinfo.partition(":")[0].lower()
    return ":" in userinfo or "%" in userinfo or ("." in name and bool(registrable_domain(name)))


def _is_public(link: Link) -> bool:
    address = numeric_address(link.host)
    return address is not None and address.is_global


def _passes_for_latin(host: str) -> str | None:
    for label in host.split("."):
        if not label.startswith("xn--"):
            continue
        try:
            name = idna.ulabel(label)
        except (idna.IDNAError, UnicodeError):
            continue
        letters = [char for char in name if char.isalpha()]
        scripts = {unicodedata.name(char, "?").partition(" ")[0] for char in letters}
        if "LATIN" in scripts and scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}:
            return name
        under_latin = not host.rpartition(".")[2].startswith("xn--")
        if under_latin and letters and _LATIN_LOOKALIKES.issuperset(letters):
            return name
    return None
