"""What one event says by itself: its facets, and what the content detectors find in it."""

from __future__ import annotations

from msgspec import Struct

from contracts.event import Event, epoch_ms
from contracts.ids import AccountId, EventId, Facet
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.signal import Finding, Signal
from detectors.content import read_content
from detectors.domain import public_suffix
from detectors.facet import Facets
from detectors.identity import Identity
from detectors.link_spam import LinkSpam
from detectors.mailbox import parse_mailbox
from detectors.media import media_findings

NEW_FOR_MS = 86_400_000
"""An account is new for its first day."""


class Reading(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """An event as the rest of the house sees it.

    Attributes:
        facets: Of the kinds that some rule counts by.
        values: Kind and value, of the kinds whose values some rule counts (``of``); none for a
            kind that the event does not show.
        is_new: Whether the account was less than a day old; never of one whose age is not known.
    """

    event_id: EventId
    account_id: AccountId
    occurred_at_ms: int
    facets: tuple[Facet, ...] = ()
    signals: tuple[Signal, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    is_new: bool = False


class Reader:
    """Reads events by one ruleset; keeps nothing from one to the next."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._rules = ruleset.signals
        self.shows = any(
            rule.measure in {"distinct", "new_account_share"} and rule.mode != "off"
            for rule in ruleset.velocity
        )
        """Whether some rule reads the values, or the age of the account."""
        self._facets = Facets(ruleset)
        self._link_spam = LinkSpam(ruleset)
        self._identity = Identity(ruleset)
        public_suffix("example.com")  # builds the list now: no event should wait for it

    def read(self, event: Event) -> Reading:
        """Find the event's facets and its own signals."""
        at_ms = event.occurred_at_ms
        content = read_content(event)
        mailbox = parse_mailbox(event.email) if event.type == "signup" and event.email else None
        facets, values = self._facets.read(event, content, mailbox)
        findings = self._link_spam.observe(event, content) + self._identity.observe(event, mailbox)
        return Reading(
            event_id=event.event_id,
            account_id=event.account_id,
            occurred_at_ms=at_ms,
            facets=facets,
            signals=self._priced(event, at_ms, findings) if findings else (),
            values=values,
            is_new=_is_new(event, at_ms),
        )

    def read_screening(self, screening: Screening) -> Reading:
        """Read what a media worker found."""
        occurred_at_ms = epoch_ms(screening.occurred_at)
        return Reading(
            event_id=screening.event_id,
            account_id=screening.account_id,
            occurred_at_ms=occurred_at_ms,
            signals=self._priced(screening, occurred_at_ms, media_findings(screening, self._rules)),
        )

    def _priced(
        self, about: Event | Screening, occurred_at_ms: int, findings: tuple[Finding, ...]
    ) -> tuple[Signal, ...]:
        """Give findings the ruleset's points; what it does not price, or turns off, is dropped."""
        return tuple(
            Signal(
                code=finding.code,
                points=rule.points,
                group=rule.group,
                account_id=about.account_id,
                event_id=about.event_id,
                occurred_at_ms=occurred_at_ms,
                evidence=finding.evidence,
                mode=rule.mode,
            )
            for finding in findings
            if (rule := self._rules.get(finding.code)) is not None and rule.mode != "off"
        )


def _is_new(event: Event, at_ms: int) -> bool:
    """Whether the account was in its first day; a clock that runs behind makes it no older."""
    if event.type == "signup":
        return True
    created = event.account_created_at if event.type == "post" else None
    return created is not None and at_ms - epoch_ms(created) < NEW_FOR_MS
