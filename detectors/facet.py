"""Facets: the attributes of an event that accounts of one hand would share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Literal, cast

from contracts.event import Event, Post, Signup
from contracts.event_struct import SignupRow
from contracts.ids import Facet
from contracts.ruleset import FACET_KINDS, TEXT_FACET_KINDS, Ruleset, TextFacetKind
from detectors.content import Content, read_content
from detectors.domain import CACHED_HOSTS, registrable_domain
from detectors.lists import Listings, Standing, bundled
from detectors.mailbox import Mailbox, email_shape, email_stem, parse_mailbox
from detectors.phone import phone_digits
from detectors.text_facet import TextFacets
from detectors.url import Link
from detectors.wording import Wording, read_wording

MAX_VALUE_CHARS = 128
MAX_LINK_FACETS = 50
"""A page of a thousand links would else make a thousand facets; the first ones are kept."""

_NO_COUNTRY = frozenset({"XX", "ZZ"})
"""What stands for "not known" among country codes, by ISO 3166 left to each user."""


class Facets:
    """Makes an event's facets, of the kinds that some rule of the ruleset counts.

    Their order is fixed: device, ip, subnet, email_stem, email_domain, email_shape, payment, phone,
    user_agent, country, link_domain by first appearance, then the compound ones as the ruleset
    lists them, then those of the text (``detectors.text_facet``). Each comes once. A value longer
    than ``MAX_VALUE_CHARS`` is replaced by its SHA-256, so that what is held a facet is bounded.

    A compound facet is there if all its parts are: ``ip_agent:203.0.113.7|curl/8.5``. A ``|`` or
    ``%`` of a part is written ``%7C`` or ``%25``, so that no two combinations read the same. With
    linked domains there is one for each of them.

    A free-mail provider, or a domain that the ruleset allows, is shared by everybody: its
    ``email_domain`` is no facet by itself, but it is a part and a value like any other.
    """

    def __init__(self, ruleset: Ruleset, listings: Listings | None = None) -> None:
        rules = [rule for rule in ruleset.velocity if rule.mode != "off"]
        named = {rule.facet for rule in rules}
        self._alone = named & FACET_KINDS
        self._compounds = {
            name: tuple(dict.fromkeys(parts))
            for name, parts in ruleset.facets.items()
            if name in named
        }
        self._counted: frozenset[str] = frozenset(rule.of for rule in rules if rule.of)
        parts = (kind for kinds in self._compounds.values() for kind in kinds)
        self._kinds: frozenset[str] = frozenset({*self._alone, *self._counted, *parts})
        self._are_all_alone = not (self._compounds or self._counted)
        self._wants_domain_or_shape = bool(self._kinds & {"email_domain", "email_shape"})
        self._wants_address = bool(self._kinds & {"ip", "subnet"})
        self._wants_rest = bool(self._kinds & {"phone", "user_agent", "country"})
        self._wants_links = "link_domain" in self._kinds
        self._texts = TextFacets(cast("frozenset[TextFacetKind]", named & TEXT_FACET_KINDS))
        self._listings = listings or Listings.of(ruleset)
        self._placeholders = bundled("placeholders")
        self._longest_placeholder = max(map(len, self._placeholders))
        self._standing = lru_cache(maxsize=CACHED_HOSTS)(self._host_standing)

    def of(
        self,
        event: Event,
        content: Content | None = None,
        mailbox: Mailbox | None = None,
        wording: Wording | None = None,
    ) -> tuple[Facet, ...]:
        """The facets of a signup or a post; an upload has none.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
            mailbox: What ``parse_mailbox`` made of its address, where that is at hand.
            wording: What ``read_wording`` made of the content, where that is at hand.
        """
        return self.read(event, content, mailbox, wording)[0]

    def read(
        self,
        event: Event,
        content: Content | None = None,
        mailbox: Mailbox | None = None,
        wording: Wording | None = None,
    ) -> tuple[tuple[Facet, ...], tuple[tuple[str, str], ...]]:
        """The facets, and kind and value of what some rule counts the distinct values of.

        Only ``link_domain`` may have several values.
        """
        if event.type == "signup":
            if mailbox is None and event.email:
                mailbox = parse_mailbox(event.email)
            shown = self._shown(event, mailbox)
            own_domain = mailbox.domain if mailbox else None
        elif event.type == "post":
            mailbox, shown, own_domain = None, [], None
        else:
            return (), ()
        if self._wants_links and (links := (content or read_content(event)).links):
            shown += self._links(links, own_domain)
        said = self._said(event, content, wording) if self._texts.any else []
        if self._are_all_alone:
            return cast("tuple[Facet, ...]", (*shown, *said)), ()
        facets, values = self._counted_by_rules(shown, mailbox)
        return (*facets, *said), values

    def _said(
        self, event: Signup | SignupRow | Post, content: Content | None, wording: Wording | None
    ) -> list[Facet]:
        """The facets of what it says."""
        if event.type == "signup" and not event.bio:
            return []
        content = content or read_content(event)
        said = self._texts.of(event, content, wording or read_wording(content))
        return cast("list[Facet]", list(said))

    def _shown(self, signup: Signup | SignupRow, mailbox: Mailbox | None) -> list[str]:
        """A facet of each kind that is asked for and there is, in the fixed order; no links."""
        kinds = self._kinds
        shown: list[str] = []
        if "device" in kinds and (value := self._identifier(signup.device_id)):
            shown.append(f"device:{value}")
        if self._wants_address and signup.ip and (found := address_and_network(signup.ip)):
            if "ip" in kinds:
                shown.append(f"ip:{found[0]}")
            if "subnet" in kinds:
                shown.append(f"subnet:{found[1]}")
        if mailbox:
            if "email_stem" in kinds and (value := email_stem(mailbox, self._listings)):
                shown.append(f"email_stem:{_bounded(value)}")
            if self._wants_domain_or_shape:
                shown += self._domain_and_shape(mailbox)
        if "payment" in kinds and (value := self._identifier(signup.payment_fingerprint)):
            shown.append(f"payment:{value}")
        if self._wants_rest:
            shown += self._rest(signup)
        return shown

    def _domain_and_shape(self, mailbox: Mailbox) -> Iterator[str]:
        kinds, domain = self._kinds, mailbox.domain
        if "email_domain" in kinds and not (self._are_all_alone and self._is_shared(domain)):
            yield f"email_domain:{_bounded(registrable_domain(domain) or domain)}"
        if "email_shape" in kinds and (shape := email_shape(mailbox, self._listings)):
            yield f"email_shape:{_bounded(shape)}"

    def _rest(self, signup: Signup | SignupRow) -> Iterator[str]:
        kinds = self._kinds
        if "phone" in kinds and signup.phone and (digits := phone_digits(signup.phone)):
            yield f"phone:{digits}"
        if "user_agent" in kinds and (
            value := self._identifier(" ".join((signup.user_agent or "").split()))
        ):
            yield f"user_agent:{value}"
        if "country" in kinds and (
            (value := self._identifier(signup.country)) and value.upper() not in _NO_COUNTRY
        ):
            yield f"country:{value.upper()}"

    def _identifier(self, value: str | None) -> str | None:
        """An opaque value, unless it is what clients send when they have none."""
        value = value.strip() if value else None
        if not value or (value[0] in "0-" and not value.strip("0-")):
            return None
        if len(value) <= self._longest_placeholder:
            return None if value.lower() in self._placeholders else value
        return value if len(value) <= MAX_VALUE_CHARS else _bounded(value)

    def _links(self, links: Sequence[Link], own_domain: str | None) -> Iterable[str]:
        """One facet a domain that says something about who links to it.

        What everybody links to is left out, and so is the domain of the account's own mailbox:
        colleagues share it. A short link stands for its target: it is kept with its path.
        """
        facets: dict[str, None] = {}
        unlisted = self._listings.unlisted_domain
        for link in links:
            value = unlisted(link.host) or self._link_value(link)
            if value is None or value == own_domain:
                continue
            if len(value) > MAX_VALUE_CHARS:
                value = _bounded(value)
            facets[f"link_domain:{value}"] = None
            if len(facets) == MAX_LINK_FACETS:
                break
        return facets

    def _counted_by_rules(
        self, shown: Sequence[str], mailbox: Mailbox | None
    ) -> tuple[tuple[Facet, ...], tuple[tuple[str, str], ...]]:
        """What of an event's facets is counted alone, as a part, and as a value."""
        apart = [(kind, value) for kind, _, value in (facet.partition(":") for facet in shown)]
        facets = [f"{kind}:{value}" for kind, value in apart if kind in self._alone]
        if mailbox and "email_domain" in self._alone and self._is_shared(mailbox.domain):
            domain = mailbox.domain
            facets.remove(f"email_domain:{_bounded(registrable_domain(domain) or domain)}")
        if self._compounds:
            facets += self._compound(apart)
        values = tuple(item for item in apart if item[0] in self._counted)
        return cast("tuple[Facet, ...]", tuple(facets)), values

    def _is_shared(self, domain: str) -> bool:
        return domain in self._listings.free_mail or domain in self._listings.allowed

    def _compound(self, apart: Sequence[tuple[str, str]]) -> Iterator[str]:
        shown = dict(apart)
        links = [value for kind, value in apart if kind == "link_domain"]
        for name, kinds in self._compounds.items():
            for link in links if "link_domain" in kinds else ("",):
                parts = [link if kind == "link_domain" else shown.get(kind) for kind in kinds]
                if None not in parts:
                    yield f"{name}:{'|'.join(_escaped(part) for part in parts if part)}"

    def _host_standing(self, host: str) -> Standing | Literal["shortener"]:
        standing = self._listings.standing(host)
        return (
            "shortener" if standing == "other" and host in self._listings.shorteners else standing
        )

    def _link_value(self, link: Link) -> str | None:
        standing = self._standing(link.host)
        if standing == "other":
            return link.domain
        if standing == "shortener":
            path = link.path.partition("?")[0].partition("#")[0].strip("/")
            return f"{link.domain}/{path}" if path else None
        return None


def address_and_network(address: str) -> tuple[str, str] | None:
    """An address and its network: /24 of IPv4, /64 of IPv6, which is what one customer is given.

    An IPv4 address mapped into IPv6 is that IPv4 address. Addresses that say nothing about where
    somebody is (unspecified, loopback, link-local) give none.

    Args:
        address: As ``Signup.ip`` holds it.
    """
    if ":" in address:
        return _of_ipv6(address)
    if address.startswith(("127.", "169.254.")) or address == "0.0.0.0":
        return None
    return address, f"{address[: address.rindex('.')]}.0/24"


@lru_cache(maxsize=8_192)
def _of_ipv6(text: str) -> tuple[str, str] | None:
    address = IPv6Address(text)
    if address.ipv4_mapped is not None:
        return address_and_network(str(address.ipv4_mapped))
    if address.is_unspecified or address.is_loopback or address.is_link_local:
        return None
    network = IPv6Address(int(address) >> 64 << 64)
    return str(IPv6Address(int(address))), f"{network}/64"


def _bounded(value: str) -> str:
    if len(value) > MAX_VALUE_CHARS:
        return f"sha256-{hashlib.sha256(value.encode()).hexdigest()}"
    return value


def _escaped(part: str) -> str:
    if "|" in part or "%" in part:
        return part.replace("%", "%25").replace("|", "%7C")
    return part
