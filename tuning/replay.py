"""Fold a recording through the scorer, without a broker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import BinaryIO

from contracts.alert import Alert
from contracts.errors import InvalidEvent
from contracts.event import Decision, Event, parse_event
from contracts.ids import AccountId, Action, stricter
from contracts.ruleset import Ruleset
from contracts.verdict import Verdict
from contracts.wire import encode_lines
from detectors.knowledge import BUNDLED, Knowledge
from detectors.scorer import Scorer
from tuning.recording import Lines, Progress, Recording

SHOWN_PROBLEMS = 5

_TYPE = attrgetter("type")
_ACCOUNT = attrgetter("account_id")

CHUNK = 256
"""Events that are scored at a time."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """What came of a replay.

    Attributes:
        events: By type.
        broken: Lines that are no event; ``problems`` has the first few, with their line numbers.
        accounts: By the strictest action of any of their verdicts.
        alerts: Distinct alerts by kind.
        elapsed_s: Reading included.
    """

    events: Counter[str] = field(default_factory=Counter)
    unordered: int = 0
    broken: int = 0
    problems: list[str] = field(default_factory=list)
    repeated: int = 0
    verdicts: int = 0
    accounts: Counter[Action] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0.0

    @property
    def events_per_second(self) -> float:
        """All types together."""
        return sum(self.events.values()) / self.elapsed_s if self.elapsed_s else 0.0


class Replay:
    """One recording by one ruleset.

    Verdicts and alerts are written as they come, one JSON object a line; a later line about the
    same event or alert replaces an earlier one. Uploads get the verdict of their account: their
    videos are not screened.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        *,
        verdicts: BinaryIO | None = None,
        alerts: BinaryIO | None = None,
        console_url: str = "",
        knowledge: Knowledge = BUNDLED,
    ) -> None:
        self._scorer = Scorer(ruleset, console_url=console_url, knowledge=knowledge)
        self._verdicts = verdicts
        self._alerts = alerts
        self._accounts: set[AccountId] = set()
        self._actions: dict[AccountId, Action] = {}
        """Of accounts that were not allowed at some time."""
        self._kinds: dict[str, str] = {}
        self._summary = Summary()

    def run(self, recording: Recording, progress: Progress) -> Summary:
        """Fold the whole recording; call it once."""
        started = time.perf_counter()
        summary = self._summary
        summary.unordered = recording.unordered
        for lines in recording.chunks(CHUNK, progress):
            events = self._events(lines)
            summary.events.update(map(_TYPE, events))
            waiting: list[Event] = []
            for event in events:
                if event.type != "decision":
                    waiting.append(event)
                    continue
                self._score(waiting)
                waiting = []
                self._write_alerts(self._scorer.decide(event))
            self._score(waiting)
        self._write_alerts(self._scorer.finish())
        summary.accounts = Counter(self._actions.values())
        summary.accounts["allow"] += len(self._accounts) - len(self._actions)
        summary.alerts = Counter(self._kinds.values())
        summary.elapsed_s = time.perf_counter() - started
        return summary

    def _score(self, events: Sequence[Event]) -> None:
        outcome = self._scorer.score_all(events)
        self._summary.repeated += outcome.repeated
        self._write_verdicts(outcome.verdicts)
        self._write_alerts(outcome.alerts)

    def _events(self, lines: Lines) -> list[Event | Decision]:
        events: list[Event | Decision] = []
        for at, raw in enumerate(lines.raw):
            try:
                events.append(parse_event(raw))
            except InvalidEvent as error:
                self._summary.broken += 1
                if len(self._summary.problems) < SHOWN_PROBLEMS:
                    self._summary.problems.append(f"line {lines.numbers[at]}: {error.reason}")
        return events

    def _write_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        self._summary.verdicts += len(verdicts)
        self._accounts.update(map(_ACCOUNT, verdicts))
        for verdict in verdicts:
            if verdict.action != "allow":
                before = self._actions.get(verdict.account_id, "allow")
                self._actions[verdict.account_id] = stricter(before, verdict.action)
        if self._verdicts is not None:
            self._verdicts.write(encode_lines(verdicts))

    def _write_alerts(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self._kinds[alert.alert_id] = alert.kind
        if self._alerts is not None:
            self._alerts.write(encode_lines(alerts))
