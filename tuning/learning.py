"""Learn a text model from what labelled accounts wrote, and say how it does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from contracts.event import Event
from contracts.ids import AccountId
from detectors.text_model import TextModel, percent
from tuning.errors import NothingToLearn
from tuning.fit import Floats, LabelledText, cross_validated, fit_model, labelled, threshold_for
from tuning.report import Fitted

MIN_TEXTS = 20
"""Of either kind: with fewer, what is learned is chance."""
PERCENTS = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
MAX_WORDS = 12
MIN_WORD_TEXTS = 3


def learn(
    texts: Iterable[Event],
    labels: Mapping[AccountId, bool],
    *,
    name: str,
    before: TextModel,
    max_false_share: float,
) -> tuple[TextModel, Fitted]:
    """Fit a model to texts of labelled accounts.

    Args:
        texts: What accounts wrote; one that says nothing, or is not labelled, is left out.
        labels: Whether each account is bad.
        name: What the model is to be called.
        before: The model in force, to compare with.
        max_false_share: The share of good accounts' texts that may be called spam.

    Raises:
        NothingToLearn: There are too few.
    """
    known = [
        text
        for event in texts
        if (bad := labels.get(event.account_id)) is not None
        and (text := labelled(event, is_spam=bad, group=event.account_id)).words
    ]
    spam = sum(text.is_spam for text in known)
    if min(spam, len(known) - spam) < MIN_TEXTS:
        raise NothingToLearn(spam=spam, honest=len(known) - spam, needed=MIN_TEXTS)
    is_spam = np.array([text.is_spam for text in known])
    logits = cross_validated(known)
    threshold = threshold_for(logits, is_spam.astype(float), max_false_share=max_false_share)
    model = fit_model(
        known,
        name=name,
        trained_on=f"{spam} texts of bad accounts and {len(known) - spam} of good ones",
        threshold=threshold,
    )
    judged = np.array([before.logit(text.words) for text in known])
    fitted = Fitted(
        name=name,
        texts=(spam, len(known) - spam),
        at=tuple((at, *_score(logits, is_spam, math.log(at / (100 - at)))) for at in PERCENTS),
        chosen=percent(threshold),
        before=_score(judged, is_spam, before.threshold),
        words=_words(model, known),
    )
    return model, fitted


def _score(logits: Floats, is_spam: Floats, threshold: float) -> tuple[float | None, float]:
    """Precision, None where nothing is found, and recall."""
    found = logits >= threshold
    right = int(is_spam[found].sum())
    return (right / int(found.sum()) if found.any() else None), right / int(is_spam.sum())


def _words(model: TextModel, texts: Iterable[LabelledText]) -> tuple[tuple[str, float], ...]:
    """The words that speak for spam most, of those in a few texts."""
    seen: Counter[str] = Counter()
    weight: dict[str, float] = {}
    for text in texts:
        if text.is_spam:
            for token in model.strongest(text.words):
                seen[token.word] += 1
                weight[token.word] = max(weight.get(token.word, 0.0), token.weight)
    common = [word for word, times in seen.items() if times >= MIN_WORD_TEXTS]
    best = sorted(common, key=lambda word: (-weight[word], word))[:MAX_WORDS]
    return tuple((word, weight[word]) for word in best)
