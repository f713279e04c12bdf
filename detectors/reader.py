"""What one event says by itself: its facets, and what the content detectors find in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from contracts.event import Event, Post, epoch_ms
from contracts.ids import AccountId, EventId, Facet
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.signal import Finding, Signal
from detectors.content import Content, read_contents
from detectors.domain import public_suffix
from detectors.facet import Facets
from detectors.first_link import FirstLink
from detectors.identity import Identity
from detectors.knowledge import BUNDLED, Knowledge
from detectors.learned import Learned
from detectors.lettering import Lettering
from detectors.link_spam import LinkSpam
from detectors.lists import Listings
from detectors.mailbox import Mailbox, mailbox_of
from detectors.media import media_findings
from detectors.prohibited import Prohibited
from detectors.vip import VipTraits
from detectors.wording import Wording, read_wording

NEW_FOR_MS = 86_400_000
"""An account is new for its first day."""

READ_AT_ONCE = 128
"""Events: past that, what one part has made of them crowds out what the next one needs."""


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
    """Reads events by one ruleset; keeps nothing from one to the next.

    Args:
        ruleset: Whose rules.
        knowledge: The lists and the text model; those that ship if not given.
    """

    def __init__(self, ruleset: Ruleset, knowledge: Knowledge = BUNDLED) -> None:
        listings = Listings.of(ruleset, knowledge.names)
        self._rules = ruleset.signals
        self.shows = any(
            rule.measure in {"distinct", "new_account_share"} and rule.mode != "off"
            for rule in ruleset.velocity
        )
        """Whether some rule reads the values, or the age of the account."""
        self._facets = Facets(ruleset, listings)
        self._link_spam = LinkSpam(ruleset, listings)
        self._identity = Identity(ruleset, listings)
        self._first_link = FirstLink(ruleset, knowledge)
        self._prohibited = Prohibited(ruleset, knowledge)
        self._learned = Learned(ruleset, knowledge.text_model)
        self._vip = VipTraits(ruleset, knowledge)
        self._lettering = Lettering(ruleset)
        public_suffix("example.com")  # builds the list now: no event should wait for it

    def read(self, event: Event) -> Reading:
        """Find the event's facets and its own signals."""
        return self.read_all((event,))[0]

    def read_all(self, events: Sequence[Event]) -> list[Reading]:
        """Read events as ``read`` does each, in two thirds of the time.

        One part of the reader is through with some events before the next part begins, so that
        what it needs is still in the processor's caches (docs/decisions/0111).
        """
        readings: list[Reading] = []
        for begin in range(0, len(events), READ_AT_ONCE):
            readings += self._read(events[begin : begin + READ_AT_ONCE])
        return readings

    def _read(self, events: Sequence[Event]) -> Iterator[Reading]:
        contents = read_contents(events)
        mailboxes = [*map(mailbox_of, events)]
        wordings = [*map(read_wording, contents)]
        facets = [*map(self._facets.read, events, contents, mailboxes, wordings)]
        findings = self._findings(events, contents, mailboxes, wordings)
        return map(self._reading, events, facets, findings)

    def _findings(
        self,
        events: Sequence[Event],
        contents: list[Content],
        mailboxes: list[Mailbox | None],
        wordings: list[Wording],
    ) -> list[tuple[Finding, ...]]:
        """What the detectors find in each, in a fixed order."""
        found = [
            links + identity + vip
            for links, identity, vip in zip(
                [*map(self._link_spam.observe, events, contents)],
                [*map(self._identity.observe, events, mailboxes)],
                [*map(self._vip.observe, events, contents, mailboxes)],
                strict=True,
            )
        ]
        telling = [at for at, content in enumerate(contents) if wordings[at].words or content.links]
        if not telling:
            return found
        events = [events[at] for at in telling]
        contents = [contents[at] for at in telling]
        wordings = [wordings[at] for at in telling]
        for of_texts in (
            [*map(self._lettering.observe, events, contents, wordings)],
            [*map(self._first_link.observe, events, contents)],
            self._prohibited.observe_all(wordings),
            self._learned.observe_all(events, contents, wordings),
        ):
            for at, more in zip(telling, of_texts, strict=True):
                if more:
                    found[at] += more
        return found

    def _reading(
        self,
        event: Event,
        facets: tuple[tuple[Facet, ...], tuple[tuple[str, str], ...]],
        findings: tuple[Finding, ...],
    ) -> Reading:
        at_ms = event.occurred_at_ms
        return Reading(
            event_id=event.event_id,
            account_id=event.account_id,
            occurred_at_ms=at_ms,
            facets=facets[0],
            signals=self._priced(event, at_ms, findings) if findings else (),
            values=facets[1],
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
        """Give findings the ruleset's points; what it does not price, or turns off, is dropped.

        What speaks for an account, or of it, lasts; what speaks against a post does not.
        """
        passes = isinstance(about, Post) and about.kind != "profile"
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
                lasts=not passes or rule.points <= 0,
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
