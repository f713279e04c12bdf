"""The whole fold in one place: event in, verdicts and alerts out.

The stream runs the same four parts apart, each where its state lies: the ``Reader`` anywhere, a
``Velocity`` a partition of facets, a ``Ledger`` a partition of accounts, one ``AlertDesk``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.alert import Alert
from contracts.event import Event
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.alert_desk import AlertDesk
from detectors.ledger import Ledger
from detectors.reader import Reader, Reading
from detectors.repeat import Repeats
from detectors.velocity import FacetSighting, Velocity


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one event led to, in order."""

    repeated: bool = False
    """The event came before: it led to nothing."""
    verdicts: list[Verdict] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


class Scorer:
    """Scores events one after another, in one process."""

    def __init__(self, ruleset: Ruleset, *, console_url: str = "") -> None:
        self.ruleset = ruleset
        self._repeats = Repeats()
        self._reader = Reader(ruleset)
        self._velocity = Velocity(ruleset)
        self._ledger = Ledger(ruleset)
        self._desk = AlertDesk(ruleset, console_url=console_url)

    def observe(self, event: Event) -> list[Signal]:
        """The signals that an event raises: its own, and those about earlier events."""
        return self._signals(self._reader.read(event))

    def score(self, event: Event) -> Outcome:
        """Fold an event in; a repeated one leads to nothing."""
        if event.event_id in self._repeats:
            return Outcome(repeated=True)
        self._repeats.add(event.event_id)
        return self._settle(self._reader.read(event))

    def score_screening(self, screening: Screening) -> Outcome:
        """Fold in what a media worker found."""
        outcome = self._settle(self._reader.read_screening(screening))
        outcome.alerts.extend(self._desk.screened(screening))
        return outcome

    def finish(self) -> list[Alert]:
        """Alerts that waited for more to come; for the end of a recording."""
        return self._desk.finish()

    def _signals(self, reading: Reading) -> list[Signal]:
        signals = list(reading.signals)
        for sighting in sightings(reading):
            signals.extend(self._velocity.observe(sighting))
        return signals

    def _settle(self, reading: Reading) -> Outcome:
        outcome = Outcome()
        signals = self._signals(reading)
        verdicts = settle(self._ledger, reading, signals)
        for verdict in verdicts:
            placed, alerts = self._desk.observe(verdict)
            outcome.verdicts.append(placed)
            outcome.alerts.extend(alerts)
        outcome.alerts.extend(self._desk.tick(reading.occurred_at_ms))
        return outcome


def sightings(reading: Reading) -> Iterable[FacetSighting]:
    """One sighting for each facet of an event."""
    return (
        FacetSighting(
            facet=facet,
            account_id=reading.account_id,
            event_id=reading.event_id,
            occurred_at_ms=reading.occurred_at_ms,
        )
        for facet in reading.facets
    )


def settle(ledger: Ledger, reading: Reading, signals: Iterable[Signal]) -> list[Verdict]:
    """Give the event's own verdict, then those of the earlier events that its signals change."""
    own: list[Signal] = []
    earlier: list[Signal] = []
    for signal in signals:
        (own if signal.event_id == reading.event_id else earlier).append(signal)
    verdict = ledger.settle(reading.event_id, reading.account_id, reading.occurred_at_ms, own)
    return [verdict, *ledger.amend(earlier)]
