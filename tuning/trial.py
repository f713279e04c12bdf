"""What a ruleset would have come to with other thresholds, points and labels beside it.

The recording is read and counted once. Only what depends on the thresholds, verdicts and alerts, is
folded anew for each, by the very code that the stream runs: the alert volume that is shown is the
one that there would have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.errors import InvalidEvent
from contracts.event import Decision, Event, parse_event
from contracts.ids import AccountId, Code
from contracts.ruleset import Ruleset, Thresholds
from contracts.signal import Signal
from contracts.verdict import Reason
from detectors.knowledge import Knowledge
from detectors.saying import adding_up
from detectors.scorer import Batch, Outcome, Scorer, Settler
from detectors.strength import strongest_of
from tuning.recording import Progress, Recording

CHUNK = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What an account came to at its worst.

    Attributes:
        risk: 0 to 100.
        reasons: Of that verdict.
        sums: Those of them that add up; more than one list where several posts say something.
    """

    risk: int
    reasons: tuple[Reason, ...]
    sums: tuple[tuple[Reason, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one fold came to.

    Attributes:
        accounts: Every account that had an event.
        alerts: Distinct alerts by kind, those left out that ended as part of another.
    """

    accounts: Mapping[AccountId, Standing]
    alerts: Counter[str]


@dataclass(slots=True, kw_only=True)
class Trial:
    """A recording as one ruleset reads it.

    Attributes:
        steps: Events in batches with the signals that they raised; decisions between them.
        texts: What accounts wrote, for a model to learn from.
        decisions: Those in the recording.
        sums: Of accounts of which several posts say something, what adds up with each.
        broken: Lines that are no event.
    """

    ruleset: Ruleset
    steps: list[Batch | Decision] = field(default_factory=list)
    texts: list[Event] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    sums: dict[AccountId, tuple[tuple[Reason, ...], ...]] = field(default_factory=dict)
    broken: int = 0

    @classmethod
    def of(
        cls, recording: Recording, ruleset: Ruleset, knowledge: Knowledge, progress: Progress
    ) -> Trial:
        """Read and count a whole recording."""
        trial, scorer = cls(ruleset=ruleset), Scorer(ruleset, knowledge=knowledge)
        waiting: list[Event] = []
        for event in trial._events(recording, progress):
            if event.type == "decision":
                trial.steps += scorer.count_all(waiting)
                waiting.clear()
                trial.steps.append(event)
                trial.decisions.append(event)
                continue
            waiting.append(event)
            if event.type == "post" or (event.type == "signup" and event.bio):
                trial.texts.append(event)
            if len(waiting) == CHUNK:
                trial.steps += scorer.count_all(waiting)
                waiting.clear()
        trial.steps += scorer.count_all(waiting)
        trial.sums = _sums(trial.steps)
        return trial

    def at(self, thresholds: Thresholds) -> Result:
        """What it comes to at other thresholds; decisions close alerts as they did."""
        settler = Settler(self.ruleset.model_copy(update={"thresholds": thresholds}))
        accounts: dict[AccountId, Standing] = {}
        kinds: dict[str, str] = {}
        for step in self.steps:
            outcome = Outcome()
            if isinstance(step, Decision):
                outcome.alerts = settler.decide(step)
            else:
                settler.settle(step, outcome)
            for verdict in outcome.verdicts:
                known = accounts.get(verdict.account_id)
                if known is None or verdict.risk >= known.risk:
                    accounts[verdict.account_id] = Standing(
                        risk=verdict.risk,
                        reasons=verdict.reasons,
                        sums=self.sums.get(verdict.account_id, (verdict.reasons,)),
                    )
            for alert in outcome.alerts:
                kinds[alert.alert_id] = _kind(alert.kind, alert.closed_because)
        for alert in settler.finish():
            kinds[alert.alert_id] = _kind(alert.kind, alert.closed_because)
        return Result(accounts=accounts, alerts=Counter(kind for kind in kinds.values() if kind))

    def _events(self, recording: Recording, progress: Progress) -> Iterator[Event | Decision]:
        for lines in recording.chunks(CHUNK, progress):
            for raw in lines.raw:
                try:
                    yield parse_event(raw)
                except InvalidEvent:
                    self.broken += 1


def risk_with(standing: Standing, ruleset: Ruleset, points: Mapping[Code, int]) -> int:
    """The risk of an account, were some codes worth other points.

    What is forgiven a VIP is left out of account.
    """
    return max(_sum(reasons, ruleset, points) for reasons in standing.sums)


def _sums(steps: Iterable[Batch | Decision]) -> dict[AccountId, tuple[tuple[Reason, ...], ...]]:
    by_account: dict[AccountId, list[Signal]] = {}
    for step in steps:
        if not isinstance(step, Decision):
            readings, counted = step
            own = (signal for reading in readings for signal in reading.signals)
            for signal in (*own, *counted):
                if signal.mode == "live":
                    by_account.setdefault(signal.account_id, []).append(signal)
    found = {}
    for account, signals in by_account.items():
        if len({signal.event_id for signal in signals if not signal.lasts}) > 1:
            found[account] = tuple(
                tuple(Reason(code=one.code, points=one.points, evidence={}) for one in strongest)
                for strongest in adding_up(signals, strongest_of(signals))
            )
    return found


def _sum(reasons: Sequence[Reason], ruleset: Ruleset, points: Mapping[Code, int]) -> int:
    groups: Counter[str] = Counter()
    for reason in reasons:
        groups[group_of(reason.code, ruleset)] += points.get(reason.code, reason.points)
    total = sum(min(worth, ruleset.groups[group]) for group, worth in groups.items())
    return max(0, min(100, total))


def group_of(code: Code, ruleset: Ruleset) -> str:
    """The group of a code that the ruleset prices."""
    rule = ruleset.signals.get(code)
    if rule is not None:
        return rule.group
    return next(rule.group for rule in ruleset.velocity if rule.code == code)


def _kind(kind: str, closed_because: str) -> str:
    """The kind that an alert counts as; empty for one that went into another."""
    return "" if closed_because.startswith("now part of") else kind
