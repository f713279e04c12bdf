"""Thresholds and points, held against labels: precision, recall, how many alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from contracts.ids import AccountId, Code
from contracts.ruleset import Ruleset, Thresholds
from tuning.label import Labels
from tuning.trial import Result, Standing, Trial, group_of, risk_with

THRESHOLDS = tuple(range(10, 101, 10))
FACTORS = (0.0, 0.5, 1.5, 2.0)
BIN_RISK = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How a set of accounts that were found compares with labels.

    Attributes:
        found: Accounts that were found, labelled or not.
        right: Of those, labelled bad.
        wrong: Of those, labelled good.
        bad: All accounts of the recording that are labelled bad.
    """

    found: int
    right: int
    wrong: int
    bad: int

    @property
    def precision(self) -> float | None:
        """Of the labelled ones that were found, how many are bad; None where none was."""
        judged = self.right + self.wrong
        return self.right / judged if judged else None

    @property
    def recall(self) -> float | None:
        """Of the bad ones, how many were found; None where there are none."""
        return self.right / self.bad if self.bad else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of the two."""
        both = self.right + self.wrong + self.bad
        return 2 * self.right / both if both else None


@dataclass(frozen=True, kw_only=True, slots=True)
class AtThreshold:
    """What a threshold of review would have come to."""

    review: int
    score: Score
    alerts: Counter[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class OfSignal:
    """One signal held against the labels.

    Attributes:
        score: Of the accounts that carry it.
        alone: Accounts that come to review by it and would not without it.
        at_factor: The score of all that come to review, were its points multiplied.
    """

    code: Code
    group: str
    points: int
    score: Score
    alone: Score
    at_factor: Mapping[float, Score]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """All of it.

    Attributes:
        now: At the ruleset's own thresholds.
        held: Those who are held there.
        bins: Accounts by risk, in steps of ``BIN_RISK``: good, bad, not labelled.
    """

    ruleset: Ruleset
    accounts: int
    labelled: int
    now: AtThreshold
    held: Score
    thresholds: tuple[AtThreshold, ...]
    signals: tuple[OfSignal, ...]
    bins: tuple[tuple[int, int, int], ...]


def sweep(trial: Trial, labels: Labels, progress: Callable[[int], None]) -> Sweep:
    """Hold a trial against labels.

    Args:
        trial: The recording.
        labels: Of its accounts; those of others are left out.
        progress: Called after each of the folds that this takes, ``len(THRESHOLDS) + 1``.
    """
    rules = trial.ruleset
    now = trial.at(rules.thresholds)
    progress(1)
    known = {account: bad for account, bad in labels.items() if account in now.accounts}
    at_each = []
    for review in THRESHOLDS:
        hold = max(review, rules.thresholds.hold)
        at_each.append(_at(trial.at(Thresholds(review=review, hold=hold)), review, known))
        progress(1)
    review = rules.thresholds.review
    return Sweep(
        ruleset=rules,
        accounts=len(now.accounts),
        labelled=len(known),
        now=_at(now, review, known),
        held=score(_from(now.accounts, rules.thresholds.hold), known),
        thresholds=tuple(at_each),
        signals=tuple(_signals(now.accounts, known, rules)),
        bins=_bins(now.accounts, known),
    )


def score(found: Collection[AccountId], labels: Labels) -> Score:
    """Hold what was found against labels."""
    right = sum(labels.get(account) is True for account in found)
    wrong = sum(labels.get(account) is False for account in found)
    return Score(found=len(found), right=right, wrong=wrong, bad=sum(labels.values()))


def _at(result: Result, review: int, labels: Labels) -> AtThreshold:
    found = _from(result.accounts, review)
    return AtThreshold(review=review, score=score(found, labels), alerts=result.alerts)


def _from(accounts: Mapping[AccountId, Standing], risk: int) -> list[AccountId]:
    return [account for account, standing in accounts.items() if standing.risk >= risk]


def _signals(
    accounts: Mapping[AccountId, Standing], labels: Labels, rules: Ruleset
) -> list[OfSignal]:
    review = rules.thresholds.review
    carriers: dict[Code, list[AccountId]] = {}
    worth: Counter[Code] = Counter()
    for account, standing in accounts.items():
        for reason in standing.reasons:
            carriers.setdefault(reason.code, []).append(account)
            worth[reason.code] = max(worth[reason.code], reason.points)
    found = set(_from(accounts, review))
    told = []
    for code, own in carriers.items():
        at_factor = {}
        for factor in FACTORS:
            risen = {
                account: risk_with(
                    accounts[account],
                    rules,
                    {
                        reason.code: round(reason.points * factor)
                        for reason in accounts[account].reasons
                        if reason.code == code
                    },
                )
                for account in own
            }
            changed = (found - risen.keys()) | {
                account for account, risk in risen.items() if risk >= review
            }
            at_factor[factor] = (score(changed, labels), found - changed)
        told.append(
            OfSignal(
                code=code,
                group=group_of(code, rules),
                points=worth[code],
                score=score(own, labels),
                alone=score(at_factor[0.0][1], labels),
                at_factor={factor: scored for factor, (scored, _) in at_factor.items()},
            )
        )
    return sorted(told, key=lambda one: (-one.score.found, one.code))


def _bins(
    accounts: Mapping[AccountId, Standing], labels: Labels
) -> tuple[tuple[int, int, int], ...]:
    counts = [[0, 0, 0] for _ in range(0, 101, BIN_RISK)]
    place = {False: 0, True: 1, None: 2}
    for account, standing in accounts.items():
        counts[standing.risk // BIN_RISK][place[labels.get(account)]] += 1
    return tuple((good, bad, unknown) for good, bad, unknown in counts)
