"""Points fitted to labels, for the signals of one event; shown beside those that the ruleset has.

Logistic regression of "bad" on the codes that an account shows, as SpamAssassin fits its scores to
labelled mail (Stern, "Fast SpamAssassin score learning tool", 2004): the threshold of review stands
where good and bad are equally likely, no points fall below nothing or rise over the cap of their
group, and a good account that is reviewed weighs as much as ``FALSE_COST`` bad ones that are not. A
quadratic penalty draws points to what they are now, so that a signal that few labelled accounts
show keeps its own. The problem is convex; it is solved by projected gradients with momentum (Beck
and Teboulle, "A fast iterative shrinkage-thresholding algorithm", 2009): the same labels give the
same points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from contracts.ids import AccountId, Code
from contracts.ruleset import LEARNED, Ruleset
from contracts.verdict import Reason
from tuning.errors import TooFewLabels
from tuning.label import Labels
from tuning.sweep import AtThreshold, Score, at_threshold, score
from tuning.trial import Standing, Trial, points_of

MIN_ACCOUNTS = 20
"""Of either kind, labelled, that show some signal or none."""
MIN_CARRIERS = 10
"""Labelled accounts that show a signal; with fewer its points are left as they are."""
FALSE_COST = 5.0
PENALTY = 0.05
SCALE_POINTS = 10.0
"""By so many points over the threshold the odds rise 2.7 times."""
ROUND_TO = 5
FOLDS = 5
STEPS = 1_000

Floats = NDArray[np.float64]
Prices = dict[Code, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Other points for one signal.

    Attributes:
        bad: Labelled accounts of this kind that show it; likewise ``good``.
        alone: What it would come to, all other points left as they are.
    """

    code: Code
    now: int
    fitted: int
    bad: int
    good: int
    alone: AtThreshold


@dataclass(frozen=True, kw_only=True, slots=True)
class Pricing:
    """What was fitted.

    Attributes:
        proposals: Of the signals whose points would change.
        together: What all of them would come to, on the accounts that they were fitted to.
        unseen: The same on accounts whose labels were kept back, cross-validated.
        unseen_now: The points of now, on the same accounts.
    """

    proposals: tuple[Proposal, ...]
    together: AtThreshold
    unseen: Score
    unseen_now: Score


def price(
    trial: Trial, labels: Labels, progress: Callable[[int], None] = lambda _: None
) -> Pricing:
    """Fit points to labels.

    Args:
        trial: The recording.
        labels: Of its accounts; those of others are left out.
        progress: Called ``FOLDS + 1`` times.

    Raises:
        TooFewLabels: Less than ``MIN_ACCOUNTS`` of either kind.
    """
    rules = trial.ruleset
    now = trial.at(rules.thresholds)
    progress(1)
    known = {account: bad for account, bad in labels.items() if account in now.accounts}
    bad = sum(known.values())
    if min(bad, len(known) - bad) < MIN_ACCOUNTS:
        raise TooFewLabels(bad=bad, good=len(known) - bad, needed=MIN_ACCOUNTS)
    fitted = fit_points(now.accounts, known, rules)
    proposals, review = [], rules.thresholds.review
    for code, points in sorted(fitted.items()):
        carriers = [known[one] for one in known if _shows(now.accounts[one], code)]
        proposals.append(
            Proposal(
                code=code,
                now=rules.signals[code].points,
                fitted=points,
                bad=sum(carriers),
                good=len(carriers) - sum(carriers),
                alone=at_threshold(trial.at(rules.thresholds, {code: points}), review, known),
            )
        )
    unseen: list[AccountId] = []
    for number in range(FOLDS):
        learned = {account: label for account, label in known.items() if _fold(account) != number}
        prices = fit_points(now.accounts, learned, rules)
        risks = trial.at(rules.thresholds, prices).accounts
        unseen += [one for one in known if _fold(one) == number and risks[one].risk >= review]
        progress(1)
    return Pricing(
        proposals=tuple(proposals),
        together=at_threshold(trial.at(rules.thresholds, fitted), review, known),
        unseen=score(unseen, known),
        unseen_now=score([one for one in known if now.accounts[one].risk >= review], known),
    )


def fit_points(accounts: Mapping[AccountId, Standing], labels: Labels, rules: Ruleset) -> Prices:
    """The points that would change, and what to.

    Args:
        accounts: What each came to.
        labels: Of some of these.
        rules: The points of now, their groups, the threshold.
    """
    shown = [_telling(accounts[one], rules) for one in labels]
    codes = _to_fit(shown, rules)
    if not codes or len({*labels.values()}) == 1:
        return {}
    place = {code: at for at, code in enumerate(codes)}
    matrix = np.zeros((len(shown), len(codes)))
    rest = np.full(len(shown), 0.5 - rules.thresholds.review)
    for row, reasons in enumerate(shown):
        for reason in reasons:
            if (at := place.get(reason.code)) is None:
                rest[row] += reason.points
            else:
                matrix[row, at] = 1.0
    priced = np.array([float(rules.signals[code].points) for code in codes])
    most = np.array([float(_most(code, rules)) for code in codes])
    bad = np.array([float(label) for label in labels.values()])
    solved = _solve(matrix, rest, bad, priced, most)
    rounded = np.clip(np.rint(solved / ROUND_TO) * ROUND_TO, 0, most)
    return {
        code: int(points)
        for code, points, before in zip(codes, rounded, priced, strict=True)
        if points != before
    }


def _solve(matrix: Floats, rest: Floats, bad: Floats, priced: Floats, most: Floats) -> Floats:
    share = bad.mean()
    importance = np.where(bad > 0, 0.5 / share, 0.5 * FALSE_COST / (1 - share)) / len(bad)
    now, most, rest = priced / SCALE_POINTS, most / SCALE_POINTS, rest / SCALE_POINTS
    curvature = float(np.linalg.norm(matrix.T @ (matrix * importance[:, None]), 2)) / 4
    step = 1 / (curvature + 2 * PENALTY)
    points, ahead, speed = now.copy(), now.copy(), 1.0
    for _ in range(STEPS):
        logits = np.clip(matrix @ ahead + rest, -50, 50)
        off = (1 / (1 + np.exp(-logits)) - bad) * importance
        slope = matrix.T @ off + 2 * PENALTY * (ahead - now)
        moved = np.clip(ahead - step * slope, 0, most)
        faster = (1 + np.sqrt(1 + 4 * speed * speed)) / 2
        ahead = moved + (speed - 1) / faster * (moved - points)
        points, speed = moved, faster
    return points * SCALE_POINTS


def _to_fit(shown: list[tuple[Reason, ...]], rules: Ruleset) -> list[Code]:
    """Codes that enough accounts show and that speak against an account now."""
    carriers: dict[Code, int] = {}
    for reasons in shown:
        for reason in reasons:
            carriers[reason.code] = carriers.get(reason.code, 0) + 1
    return sorted(
        code
        for code, count in carriers.items()
        if count >= MIN_CARRIERS and (rule := rules.signals.get(code)) and rule.points > 0
    )


def _telling(standing: Standing, rules: Ruleset) -> tuple[Reason, ...]:
    """Of the lists of reasons that add up, the one that comes to most now."""
    return max(standing.sums, key=lambda reasons: points_of(reasons, rules))


def _most(code: Code, rules: Ruleset) -> int:
    cap = rules.groups[rules.signals[code].group]
    return min(cap, rules.thresholds.hold - 1) if code == LEARNED else cap


def _shows(standing: Standing, code: Code) -> bool:
    return any(reason.code == code for reason in standing.reasons)


def _fold(account: AccountId) -> int:
    return int.from_bytes(blake2b(account.encode(), digest_size=4).digest()) % FOLDS
