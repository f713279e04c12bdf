"""A link within seconds of signing up: nobody writes an event page so fast, a program does."""

from __future__ import annotations

from typing import ClassVar

from contracts.event import Event, epoch_ms
from contracts.ids import Code
from contracts.ruleset import Ruleset
from contracts.signal import Finding
from detectors.content import Content, read_content
from detectors.example import Example, post, signup
from detectors.knowledge import BUNDLED, Knowledge
from detectors.lists import Listings

FIRST_LINK = Code("link.first_seconds")

_LINK = "Come to https://trees.example.net/party"


class FirstLink:
    """Finds links in what a very new account posts, where the platform tells its age.

    Args:
        ruleset: Within how many seconds.
        knowledge: Whose list of allowed domains is used.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(post(_LINK, account_created_at="2025-12-31T23:59:40Z"), ("link.first_seconds",)),
        # Later; no link; a link that everybody has; of an age that is not known, or before it.
        Example(post(_LINK, account_created_at="2025-12-31T23:00:00Z")),
        Example(post("Come to the party", account_created_at="2025-12-31T23:59:40Z")),
        Example(post("See https://maps.google.com/", account_created_at="2025-12-31T23:59:40Z")),
        Example(post(_LINK)),
        Example(post(_LINK, account_created_at="2026-01-01T00:01:00Z")),
        Example(signup(website="https://trees.example.net")),
    )

    def __init__(self, ruleset: Ruleset, knowledge: Knowledge = BUNDLED) -> None:
        rule = ruleset.signals.get(FIRST_LINK)
        self._priced = rule is not None and rule.mode != "off"
        self._within_ms = 1_000 * ruleset.first_link_seconds
        self._listings = Listings.of(ruleset, knowledge.names)

    def observe(self, event: Event, content: Content | None = None) -> tuple[Finding, ...]:
        """Find what the ruleset prices.

        Args:
            event: The event.
            content: What ``read_content`` made of it, where that is at hand.
        """
        if not self._priced or event.type != "post" or event.account_created_at is None:
            return ()
        age_ms = event.occurred_at_ms - epoch_ms(event.account_created_at)
        if not 0 <= age_ms < self._within_ms:
            return ()
        for link in (content or read_content(event)).links:
            if not link.embedded and self._listings.standing(link.host) != "allowed":
                evidence = {
                    "seconds": age_ms // 1_000,
                    "limit_seconds": self._within_ms // 1_000,
                    "url": link.url[:200],
                }
                return (Finding(code=FIRST_LINK, evidence=evidence),)
        return ()
