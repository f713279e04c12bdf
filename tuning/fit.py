"""Fit the learned text signal to labelled texts.

Logistic regression with a quadratic penalty, by Adam (Kingma and Ba, ICLR 2015) over all texts at
once, from zero: the same texts give the same model. Where to call a text spam is chosen by
cross-validation: the texts of one group (a thread, an account) are either learned from or judged,
never both, so that what is measured is how the model does on groups that it has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from contracts.event import Event
from detectors.content import read_content
from detectors.text_feature import SIZE, piece_places, telling_words
from detectors.text_model import TextModel
from detectors.wording import read_wording

Floats = NDArray[np.float64]

PENALTY = 5e-5
STEPS = 300
STEP = 0.1
FOLDS = 5
MAX_WEIGHT = 127

_DECAY, _DECAY_SQUARE, _TINY = 0.9, 0.999, 1e-8  # Adam's own defaults


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledText:
    """What an account wrote, and whether it was spam.

    Attributes:
        words: As ``telling_words`` gives them.
        group: Texts of one group are never on both sides of a cross-validation.
    """

    words: list[bytes]
    is_spam: bool
    group: str


def labelled(event: Event, *, is_spam: bool, group: str) -> LabelledText:
    """An event as a model learns from it; without words where it says nothing."""
    content = read_content(event)
    words = telling_words(content, read_wording(content))
    return LabelledText(words=words, is_spam=is_spam, group=group)


class _Pieces:
    """The pieces of many texts, one behind the other."""

    def __init__(self, texts: Sequence[LabelledText]) -> None:
        places = [piece_places(text.words) for text in texts]
        lengths = np.array([len(one) for one in places])
        self.places = np.concatenate(places)
        self.starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        self.row = np.repeat(np.arange(len(places)), lengths)
        self.share = (1 / np.sqrt(lengths))[self.row]
        self.labels = np.array([float(text.is_spam) for text in texts])

    def logits(self, weights: Floats, bias: float) -> Floats:
        sums: Floats = np.add.reduceat(weights[self.places] * self.share, self.starts)
        return sums + bias


def fit_weights(texts: Sequence[LabelledText], *, penalty: float = PENALTY) -> tuple[Floats, float]:
    """Weights and bias that fit texts; of which some are spam and some are not.

    Spam and the rest weigh the same in all, however many there are of each.
    """
    pieces = _Pieces(texts)
    spam = pieces.labels.mean()
    importance = np.where(pieces.labels > 0, 0.5 / spam, 0.5 / (1 - spam)) / len(texts)
    values = np.zeros(SIZE + 1)  # the bias is the last one
    mean, square = np.zeros_like(values), np.zeros_like(values)
    for step in range(1, STEPS + 1):
        guessed = 1 / (1 + np.exp(-pieces.logits(values[:-1], values[-1])))
        off = (guessed - pieces.labels) * importance
        slope = np.empty_like(values)
        slope[:-1] = np.bincount(
            pieces.places, weights=off[pieces.row] * pieces.share, minlength=SIZE
        )
        slope[:-1] += penalty * values[:-1]
        slope[-1] = off.sum()
        mean += (1 - _DECAY) * (slope - mean)
        square += (1 - _DECAY_SQUARE) * (slope * slope - square)
        rate = STEP * np.sqrt(1 - _DECAY_SQUARE**step) / (1 - _DECAY**step)
        values -= rate * mean / (np.sqrt(square) + _TINY)
    return values[:-1], float(values[-1])


def cross_validated(texts: Sequence[LabelledText], *, folds: int = FOLDS) -> Floats:
    """The logit of each text by a model that has seen nothing of its group.

    Groups are dealt to folds by a hash of their names; where there are no more groups than folds,
    each is a fold of its own.
    """
    groups = sorted({text.group for text in texts})
    if len(groups) <= folds:
        fold_of = {group: number for number, group in enumerate(groups)}
    else:
        fold_of = {
            group: int.from_bytes(blake2b(group.encode(), digest_size=4).digest()) % folds
            for group in groups
        }
    fold = np.array([fold_of[text.group] for text in texts])
    logits = np.zeros(len(texts))
    for number in sorted(set(fold.tolist())):
        learned = [text for text, own in zip(texts, fold, strict=True) if own != number]
        judged = [text for text, own in zip(texts, fold, strict=True) if own == number]
        if len({text.is_spam for text in learned}) == 1:
            continue  # nothing to tell apart: these stay at 0
        weights, bias = fit_weights(learned)
        logits[fold == number] = _Pieces(judged).logits(weights, bias)
    return logits


def threshold_for(logits: Floats, labels: Floats, *, max_false_share: float) -> float:
    """The lowest threshold at which no more than a share of the honest texts is called spam."""
    honest = np.sort(logits[labels == 0])[::-1]
    allowed = int(max_false_share * len(honest))
    if allowed >= len(honest):
        return float(logits.min())
    return float(np.nextafter(honest[allowed], np.inf))


def fit_model(
    texts: Sequence[LabelledText], *, name: str, trained_on: str, threshold: float
) -> TextModel:
    """A model of texts, its weights in a byte each."""
    weights, bias = fit_weights(texts)
    scale = float(np.abs(weights).max()) / MAX_WEIGHT or 1.0
    return TextModel(
        name=name,
        trained_on=trained_on,
        threshold=round(threshold, 4),
        bias=round(bias, 4),
        scale=scale,
        weights=np.rint(weights / scale).astype(np.int32),
    )
