"""Facets: the attributes of an event that accounts of one hand would share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from contracts.event import Event, Post, Signup
from contracts.ids import Facet
from contracts.ruleset import Ruleset
from detectors.content import Content, read_content
from detectors.lists import Listings, bundled
from detectors.mailbox import email_stem, parse_mailbox
from detectors.url import Link

MAX_VALUE_CHARS = 128
MAX_LINK_FACETS = 50
"""A page of a thousand links would else make a thousand facets; the first ones are kept."""


class Facets:
    """Makes an event's facets, of the kinds that some rule of the ruleset counts.

    Their order is fixed: device, ip, subnet, email_stem, payment, link_domain by first
    appearance. Each comes once. A value longer than ``MAX_VALUE_CHARS`` is replaced by its
    SHA-256, so that what is held a facet is bounded.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._kinds = frozenset(rule.facet for rule in ruleset.velocity if rule.mode != "off")
        self._listings = Listings.of(ruleset)
        self._wants_links = "link_domain" in self._kinds
        self._wants_address = bool(self._kinds & {"ip", "subnet"})

    def of(self, event: Event, content: Content | None = None) -> tuple[Facet, ...]:
        """The facets of a signup or a post; an upload has none.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
        """
        if isinstance(event, Signup):
            return tuple(self._of_signup(event, content))
        if isinstance(event, Post) and self._wants_links:
            return tuple(self._of_links((content or read_content(event)).links))
        return ()

    def _of_signup(self, signup: Signup, content: Content | None) -> Iterator[Facet]:
        kinds = self._kinds
        if signup.device_id and "device" in kinds:
            yield from _identifier("device", signup.device_id)
        if signup.ip is not None and self._wants_address:
            for kind, value in address_facets(signup.ip):
                if kind in kinds:
                    yield _facet(kind, value)
        mailbox = parse_mailbox(signup.email) if signup.email else None
        if mailbox and "email_stem" in kinds and (stem := email_stem(mailbox, self._listings)):
            yield _facet("email_stem", stem)
        if signup.payment_fingerprint and "payment" in kinds:
            yield from _identifier("payment", signup.payment_fingerprint)
        if self._wants_links and (signup.website or signup.bio):
            own = mailbox.domain if mailbox else None
            yield from self._of_links((content or read_content(signup)).links, own)

    def _of_links(self, links: Iterable[Link], own_domain: str | None = None) -> Iterator[Facet]:
        """One facet a domain that says something about who links to it.

        What everybody links to is left out, and so is the domain of the account's own mailbox:
        colleagues share it. A short link stands for its target: it is kept with its path.
        """
        seen: set[str] = set()
        for link in links:
            value = self._link_value(link)
            if value is None or value == own_domain or value in seen:
                continue
            seen.add(value)
            yield _facet("link_domain", value)
            if len(seen) == MAX_LINK_FACETS:
                return

    def _link_value(self, link: Link) -> str | None:
        listings = self._listings
        if listings.standing(link.host) != "other":
            return None
        if link.host in listings.shorteners:
            path = link.path.partition("?")[0].partition("#")[0].strip("/")
            return f"{link.domain}/{path}" if path else None
        return link.domain


@lru_cache(maxsize=131_072)
def address_facets(address: IPv4Address | IPv6Address) -> tuple[tuple[str, str], ...]:
    """An address and its network: /24 of IPv4, /64 of IPv6, which is what one customer is given.

    An IPv4 address mapped into IPv6 is that IPv4 address. Addresses that say nothing about where
    somebody is (unspecified, loopback, link-local) give none.
    """
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_unspecified or address.is_loopback or address.is_link_local:
        return ()
    if isinstance(address, IPv4Address):
        text = str(address)
        return ("ip", text), ("subnet", f"{text.rpartition('.')[0]}.0/24")
    network = IPv6Address(int(address) >> 64 << 64)
    return ("ip", str(IPv6Address(int(address)))), ("subnet", f"{network}/64")


def _identifier(kind: str, value: str) -> Iterator[Facet]:
    """A facet of an opaque value, unless it is what clients send when they have none."""
    value = value.strip()
    if value and value.lower() not in bundled("placeholders") and value.strip("0-"):
        yield _facet(kind, value)


def _facet(kind: str, value: str) -> Facet:
    if len(value) > MAX_VALUE_CHARS:
        value = f"sha256-{hashlib.sha256(value.encode()).hexdigest()}"
    return Facet(f"{kind}:{value}")
