"""The whole fold in one place: event in, verdicts and alerts out.

The stream runs the same four parts apart, each where its state lies: the ``Reader`` anywhere, a
``Velocity`` a partition of facets, a ``Ledger`` a partition of accounts, one ``AlertDesk``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from contracts.alert import Alert
from contracts.event import Decision, Event
from contracts.ids import Facet
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.alert_desk import AlertDesk
from detectors.ledger import Ledger
from detectors.reader import Reader, Reading
from detectors.repeat import Repeats
from detectors.ruling import ruled
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import Velocity
from detectors.watermark import Watermark

TELL_TIME_EVERY_MS = 10_000
"""How far event time goes before the desk, which closes what is quiet, is told of it again."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one event led to, in order."""

    repeated: bool = False
    """The event came before: it led to nothing."""
    late: bool = False
    """It came too late to be counted: it was scored by what it says itself."""
    verdicts: list[Verdict] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


class Scorer:
    """Scores events one after another, in one process."""

    def __init__(self, ruleset: Ruleset, *, console_url: str = "") -> None:
        self.ruleset = ruleset
        self._repeats = Repeats()
        self._watermark = Watermark(ruleset.lateness * 1_000)
        self._reader = Reader(ruleset)
        self._velocity = Velocity(ruleset)
        self._ledger = Ledger(ruleset)
        self._desk = AlertDesk(ruleset, console_url=console_url)
        self._tell_time_ms = 0

    def observe(self, event: Event) -> list[Signal]:
        """The signals that an event raises: its own, and those about earlier events."""
        return list(self._signals(self._reader.read(event)))

    def score(self, event: Event) -> Outcome:
        """Fold an event in; a repeated one leads to nothing."""
        return self.score_all((event,))[0]

    def score_all(self, events: Sequence[Event]) -> list[Outcome]:
        """Fold events in, one after another.

        It comes to the same as ``score`` on each, and is faster: a part of the scorer sees them all
        before the next part does, as in the stream.
        """
        outcomes = [Outcome() for _ in events]
        taken = [
            (outcome, reading)
            for event, outcome in zip(events, outcomes, strict=True)
            if (reading := self._take_in(event, outcome)) is not None
        ]
        signals = [self._signals(reading) for _, reading in taken]
        for (outcome, reading), raised in zip(taken, signals, strict=True):
            self._settle(reading, raised, outcome)
        return outcomes

    def score_screening(self, screening: Screening) -> Outcome:
        """Fold in what a media worker found."""
        outcome = Outcome()
        reading = self._reader.read_screening(screening)
        self._settle(reading, reading.signals, outcome)
        outcome.alerts.extend(self._desk.screened(screening))
        return outcome

    def decide(self, decision: Decision) -> list[Alert]:
        """Take in what a reviewer decided; the alerts that it closes."""
        ruling = ruled(decision)
        return [] if ruling is None else self._desk.decide(ruling)

    def finish(self) -> list[Alert]:
        """Alerts that waited for more to come; for the end of a recording."""
        return self._desk.finish()

    def _take_in(self, event: Event, outcome: Outcome) -> Reading | None:
        if event.event_id in self._repeats:
            outcome.repeated = True
            return None
        self._repeats.add(event.event_id)
        reading = self._reader.read(event)
        outcome.late = bool(self._watermark.late_by(reading.occurred_at_ms))
        return uncounted(reading) if outcome.late else reading

    def _signals(self, reading: Reading) -> Sequence[Signal]:
        if not reading.facets:
            return reading.signals
        return [*reading.signals, *self._velocity.observe(sighting(reading, reading.facets))]

    def _settle(self, reading: Reading, signals: Sequence[Signal], outcome: Outcome) -> None:
        outcome.verdicts = settle(self._ledger, reading, signals)
        for verdict in outcome.verdicts:
            if is_case(verdict):
                outcome.alerts.extend(self._desk.observe(verdict))
        if reading.occurred_at_ms >= self._tell_time_ms:
            self._tell_time_ms = reading.occurred_at_ms + TELL_TIME_EVERY_MS
            outcome.alerts.extend(self._desk.tick(reading.occurred_at_ms))


def is_case(verdict: Verdict) -> bool:
    """Whether a verdict is for the alert desk to see: all but the plain ones."""
    return verdict.action != "allow" or bool(verdict.ties)


def uncounted(reading: Reading) -> Reading:
    """A reading that is too late for any window."""
    return replace(reading, facets=(), values=())


def sighting(reading: Reading, facets: tuple[Facet, ...]) -> Sighting:
    """An event as velocity counts it, with those of its facets that are counted in one place."""
    at_ms = reading.occurred_at_ms
    return Sighting(
        at_ms,
        sighting_text(at_ms, reading.account_id, reading.event_id),
        facets,
        reading.values,
        reading.is_new,
    )


def settle(ledger: Ledger, reading: Reading, signals: Sequence[Signal]) -> list[Verdict]:
    """Give the event's own verdict, then those on others that its signals change."""
    if not signals:
        return ledger.settle(reading.event_id, reading.account_id, reading.occurred_at_ms)
    own: list[Signal] = []
    others: list[Signal] = []
    for signal in signals:
        (own if signal.account_id == reading.account_id else others).append(signal)
    verdicts = ledger.settle(reading.event_id, reading.account_id, reading.occurred_at_ms, own)
    return verdicts + ledger.amend(others) if others else verdicts
