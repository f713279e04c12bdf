"""VIPs: accounts that look like a large, real organizer, whom a solutions team wants to know of.

A few traits together make one; each is hard to have for somebody who opened an account to plant
links, or is weak and counts beside such a one only.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from contracts.event import Event, Post, Signup, epoch_ms
from contracts.event_struct import SignupRow
from contracts.ruleset import VIP, Ruleset, Vip
from contracts.signal import Finding
from detectors.content import Content, read_content
from detectors.domain import registrable_domain
from detectors.example import Example, post, signup
from detectors.knowledge import BUNDLED, Knowledge
from detectors.lists import Listings, NameList
from detectors.mailbox import Mailbox, parse_mailbox

INSTITUTIONS = "institution_suffixes"
DAY_MS = 86_400_000
MIN_NAME_CHARS = 3

_STRONG = frozenset({"institution", "domain_days", "past_events", "tickets_sold", "account_days"})
"""What cannot be had for a few euros; a domain of one's own and a name like it can."""

_NO_LETTER = re.compile(r"[\W_]+")


class VipTraits:
    """Finds who looks like a large organizer.

    Args:
        ruleset: From how many events, tickets and days on.
        knowledge: Whose list of institutions' suffixes is used.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            signup(
                email="events@stanford.edu",
                website="https://events.stanford.edu/",
                organization="Stanford University",
            ),
            (VIP,),
        ),
        Example(
            signup(
                email="tickets@barbican.org.uk",
                website="https://www.barbican.org.uk",
                organization="Barbican Centre",
                past_events=400,
            ),
            (VIP,),
        ),
        Example(
            post(
                "Our season",
                past_events=40,
                tickets_sold=12_000,
                account_created_at="2019-01-01T00:00:00Z",
            ),
            (VIP,),
        ),
        # A student's page, a new company, somebody who says so, many small events.
        Example(signup(email="anna@stanford.edu", website="https://anna.example.org")),
        Example(signup(email="hi@acme.io", website="https://acme.io", organization="Acme")),
        Example(
            signup(
                email="stanford@gmail.com",
                website="https://stanford.edu",
                organization="Stanford University",
            )
        ),
        Example(post("Our season", past_events=40)),
    )

    def __init__(self, ruleset: Ruleset, knowledge: Knowledge = BUNDLED) -> None:
        rule = ruleset.signals.get(VIP)
        self._limits: Vip | None = ruleset.vip if rule and rule.mode != "off" else None
        self._institutions = NameList(INSTITUTIONS, knowledge.names_of(INSTITUTIONS))
        self._listings = Listings.of(ruleset, knowledge.names)

    def observe(
        self, event: Event, content: Content | None = None, mailbox: Mailbox | None = None
    ) -> tuple[Finding, ...]:
        """Find what the ruleset prices.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
            mailbox: What ``parse_mailbox`` made of its address, where that is at hand.
        """
        limits = self._limits
        if limits is None or event.type == "upload":
            return ()
        if event.type == "post":
            if event.past_events is None and event.tickets_sold is None:
                return ()
            traits = _of_post(event, limits)
        else:
            mailbox = mailbox or (parse_mailbox(event.email) if event.email else None)
            if mailbox is None or not self._may_be_one(event, mailbox):
                return ()
            traits = self._of_mailbox(event, mailbox, limits, content)
        traits |= _of_history(event, limits)
        if len(traits) < limits.traits or not _STRONG & traits.keys():
            return ()
        return (Finding(code=VIP, evidence={"traits": len(traits), **traits}),)

    def _may_be_one(self, event: Signup | SignupRow, mailbox: Mailbox) -> bool:
        """Whether a signup has any trait that is not to be had for a few euros: most have none."""
        return (
            event.past_events is not None
            or event.tickets_sold is not None
            or event.domain_created_at is not None
            or mailbox.domain in self._institutions
        )

    def _of_mailbox(
        self, event: Signup | SignupRow, mailbox: Mailbox, limits: Vip, content: Content | None
    ) -> dict[str, Any]:
        domain = registrable_domain(mailbox.domain)
        listings = self._listings
        if domain is None or domain in listings.disposable_mail or domain in listings.free_mail:
            return {}
        traits: dict[str, Any] = {}
        if entry := self._institutions.hit(mailbox.domain):
            traits["institution"] = {"list": INSTITUTIONS, "entry": entry}
        if event.domain_created_at is not None:
            days = (event.occurred_at_ms - epoch_ms(event.domain_created_at)) // DAY_MS
            if days >= limits.domain_days:
                traits["domain_days"] = days
        own = event.website and any(
            link.domain == domain for link in (content or read_content(event)).links
        )
        if own:
            traits["own_domain"] = domain
        if event.organization and _is_named_after(domain, event.organization):
            traits["named_after"] = event.organization[:80]
        return traits


def _of_post(event: Post, limits: Vip) -> dict[str, Any]:
    if event.account_created_at is None:
        return {}
    days = (event.occurred_at_ms - epoch_ms(event.account_created_at)) // DAY_MS
    return {"account_days": days} if days >= limits.account_days else {}


def _of_history(event: Signup | SignupRow | Post, limits: Vip) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if (event.past_events or 0) >= limits.past_events:
        traits["past_events"] = event.past_events
    if (event.tickets_sold or 0) >= limits.tickets_sold:
        traits["tickets_sold"] = event.tickets_sold
    return traits


def _is_named_after(domain: str, organization: str) -> bool:
    """Whether a domain is called like an organization, or like its initials."""
    label = domain.partition(".")[0].replace("-", "")
    if len(label) < MIN_NAME_CHARS:
        return False
    words = _NO_LETTER.sub(" ", organization.casefold()).split()
    initials = "".join(word[0] for word in words if word not in {"of", "the", "and", "for"})
    return label in "".join(words) or label == initials
