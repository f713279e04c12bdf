"""The whole fold in one place: event in, verdicts and alerts out.

The stream runs the same four parts apart, each where its state lies: the ``Reader`` anywhere, a
``Velocity`` a partition of facets, a ``Ledger`` a partition of accounts, one ``AlertDesk``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from msgspec.structs import replace

from contracts.alert import Alert
from contracts.event import Decision, Event
from contracts.ids import Facet
from contracts.ruleset import VIP, Ruleset
from contracts.screening import Screening
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.alert_desk import AlertDesk
from detectors.knowledge import BUNDLED, Knowledge
from detectors.ledger import Ledger
from detectors.reader import READ_AT_ONCE, Reader, Reading
from detectors.repeat import Repeats
from detectors.ruling import ruled
from detectors.sighting import Sighting, Sightings, sighting_text
from detectors.velocity import Velocity
from detectors.watermark import Watermark

TELL_TIME_EVERY_MS = 10_000
"""How far event time goes before the desk, which closes what is quiet, is told of it again."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What events led to, in order."""

    repeated: int = 0
    """So many of them came before: they led to nothing."""
    late: int = 0
    """So many came too late to be counted: they were scored by what they say themselves."""
    verdicts: list[Verdict] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


Batch = tuple[list[Reading], list[Signal]]
"""Events, and what velocity found when it had counted them, about these and earlier ones."""


class Scorer:
    """Scores events one after another, in one process."""

    def __init__(
        self, ruleset: Ruleset, *, console_url: str = "", knowledge: Knowledge = BUNDLED
    ) -> None:
        self.ruleset = ruleset
        self._repeats = Repeats()
        self._watermark = Watermark(ruleset.lateness * 1_000)
        self._reader = Reader(ruleset, knowledge)
        self._velocity = Velocity(ruleset)
        self._settler = Settler(ruleset, console_url=console_url)
        self._tell_time_ms = 0

    def observe(self, event: Event) -> list[Signal]:
        """The signals that an event raises: its own, and those about earlier events."""
        reading = self._reader.read(event)
        return [*reading.signals, *self._count((reading,))]

    def score(self, event: Event) -> Outcome:
        """Fold an event in; a repeated one leads to nothing."""
        return self.score_all((event,))

    def score_all(self, events: Iterable[Event]) -> Outcome:
        """Fold events in.

        It ends with the same verdicts and alerts as ``score`` on each, in fewer steps: a part of
        the scorer sees a whole batch before the next part does, as in the stream. A verdict that a
        later event of the batch changes is given once, as it is then.
        """
        outcome = Outcome()
        for batch in self._counted(events, outcome):
            self._settler.settle(batch, outcome)
        return outcome

    def count_all(self, events: Iterable[Event]) -> list[Batch]:
        """Fold events in as far as their signals: what a ``Settler`` makes verdicts and alerts of.

        Repeats are left out. An event is given either to this or to ``score``.
        """
        return list(self._counted(events, Outcome()))

    def score_screening(self, screening: Screening) -> Outcome:
        """Fold in what a media worker found."""
        outcome = Outcome()
        self._settler.screened(self._reader.read_screening(screening), screening, outcome)
        return outcome

    def decide(self, decision: Decision) -> list[Alert]:
        """Take in what a reviewer decided; the alerts that it closes."""
        return self._settler.decide(decision)

    def finish(self) -> list[Alert]:
        """Alerts that waited for more to come; for the end of a recording."""
        return self._settler.finish()

    def _counted(self, events: Iterable[Event], outcome: Outcome) -> Iterator[Batch]:
        """Batches that end where the alert desk is told of time, as ``Settler`` does."""
        batch: list[Reading] = []
        for reading in self._taken_in(events, outcome):
            batch.append(reading)
            if reading.occurred_at_ms >= self._tell_time_ms:
                self._tell_time_ms = reading.occurred_at_ms + TELL_TIME_EVERY_MS
                yield batch, self._count(batch)
                batch = []
        if batch:
            yield batch, self._count(batch)

    def _taken_in(self, events: Iterable[Event], outcome: Outcome) -> Iterator[Reading]:
        """Readings of what is no repeat; what is late counts no more."""
        coming = iter(events)
        while some := list(islice(coming, READ_AT_ONCE)):
            fresh = [event for event in some if self._is_fresh(event, outcome)]
            for reading in self._reader.read_all(fresh):
                if self._watermark.late_by(reading.occurred_at_ms):
                    outcome.late += 1
                    yield uncounted(reading)
                else:
                    yield reading

    def _is_fresh(self, event: Event, outcome: Outcome) -> bool:
        if event.event_id in self._repeats:
            outcome.repeated += 1
            return False
        self._repeats.add(event.event_id)
        return True

    def _count(self, batch: Iterable[Reading]) -> list[Signal]:
        return self._velocity.observe_all(sightings(batch, shows=self._reader.shows))


class Settler:
    """The second half of the fold: signals in, verdicts and alerts out.

    Args:
        ruleset: Its thresholds, groups and spared groups.
        console_url: Where the alerts' links go; empty for none.
    """

    def __init__(self, ruleset: Ruleset, *, console_url: str = "") -> None:
        self._ledger = Ledger(ruleset)
        self._desk = AlertDesk(ruleset, console_url=console_url)
        self._tell_time_ms = 0

    def settle(self, batch: Batch, outcome: Outcome) -> None:
        """Take in events with the signals that they raised."""
        readings, counted = batch
        self._judge(readings, counted, outcome)
        last_ms = readings[-1].occurred_at_ms
        if last_ms >= self._tell_time_ms:
            self._tell_time_ms = last_ms + TELL_TIME_EVERY_MS
            outcome.alerts += self._desk.tick(last_ms)

    def screened(self, reading: Reading, screening: Screening, outcome: Outcome) -> None:
        """Take in what a media worker found."""
        self._judge([reading], [], outcome)
        outcome.alerts += self._desk.screened(screening)

    def decide(self, decision: Decision) -> list[Alert]:
        """Take in what a reviewer decided; the alerts that it closes."""
        ruling = ruled(decision)
        return [] if ruling is None else self._desk.decide(ruling)

    def finish(self) -> list[Alert]:
        """Alerts that waited for more to come; for the end of a recording."""
        return self._desk.finish()

    def _judge(
        self, readings: Sequence[Reading], counted: Sequence[Signal], outcome: Outcome
    ) -> None:
        verdicts = self._ledger.settle_all(readings, counted)
        outcome.verdicts += verdicts
        for verdict in verdicts:
            if verdict.reasons and is_case(verdict):
                outcome.alerts += self._desk.observe(verdict)


def is_case(verdict: Verdict) -> bool:
    """Whether a verdict is for the alert desk to see: all but the plain ones."""
    return (
        verdict.action != "allow"
        or bool(verdict.ties)
        or any(reason.code == VIP for reason in verdict.reasons)
    )


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


def sightings(readings: Iterable[Reading], *, shows: bool) -> Sightings:
    """Events with all of their facets. ``shows``: some rule reads more of them than the account."""
    seen = Sightings()
    for reading in readings:
        facets = reading.facets
        if facets:
            at_ms, many = reading.occurred_at_ms, len(facets)
            text = sighting_text(at_ms, reading.account_id, reading.event_id)
            seen.facets.extend(facets)
            seen.times_ms.extend([at_ms] * many)
            seen.texts.extend([text] * many)
            if shows:
                seen.shown.extend([(reading.values, reading.is_new)] * many)
    return seen
