"""A learned text signal: how much what an account writes is like what spammers wrote before.

Logistic regression on hashed pieces of words (``detectors.text_feature``), each piece of a text
counted as often as it comes, the sum divided by the root of how many there are, so that long texts
weigh no more than short ones. The weights are whole numbers of a byte: their sum, and so the
verdict, is the same on every machine.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.errors import InvalidTextModel
from detectors.text_feature import BITS, PIECE_BYTES, SIZE, Pieces, piece_places

FORMAT = "doorstaff-text-model-1"
MAX_TOKENS = 5
MAX_TOKEN_CHARS = 30

Weights = NDArray[np.int32]


class Token(NamedTuple):
    """A word that spoke for spam.

    Attributes:
        weight: What it adds to the logit.
    """

    word: str
    weight: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TextModel:
    """What was learned.

    Attributes:
        name: Which one it is; evidence names it.
        trained_on: What it has learned from, in words.
        threshold: The logit from which on a text counts as spam.
        bias: The logit of a text without pieces.
        scale: What one unit of a weight is worth.
        weights: ``int32[SIZE]``, each within a byte.
    """

    name: str
    trained_on: str
    threshold: float
    bias: float
    scale: float
    weights: Weights

    def logit(self, words: list[bytes]) -> float:
        """How much a text is like spam.

        Args:
            words: As ``telling_words`` gives them.
        """
        return self.logits([words])[0]

    def logits(self, texts: Sequence[list[bytes]]) -> list[float]:
        """The same of several texts, in a fraction of the time."""
        logits: list[float] = []
        begin = 0
        while begin < len(texts):
            pieces = Pieces.of(texts, begin)
            totals = np.add.reduceat(
                self.weights.take(pieces.places), pieces.bounds, dtype=np.int64
            )
            logits += [
                self.bias + self.scale * total / math.sqrt(count)
                for total, count in zip(totals[::2].tolist(), pieces.counts, strict=True)
            ]
            begin += len(pieces.counts)
        return logits

    def strongest(self, words: list[bytes]) -> tuple[Token, ...]:
        """The words that speak for spam most, the strongest first."""
        places = piece_places(words)
        weights = self.weights.take(places).tolist()
        root = math.sqrt(len(places))
        by_word: dict[bytes, int] = {}
        at = 0
        for word in words:
            end = at + len(word) + 1
            by_word[word] = by_word.get(word, 0) + sum(weights[at:end])
            at = end
        best = sorted(by_word.items(), key=lambda item: (-item[1], item[0]))[:MAX_TOKENS]
        return tuple(
            Token(
                word.decode("utf-8", "ignore")[:MAX_TOKEN_CHARS],
                round(self.scale * weight / root, 2),
            )
            for word, weight in best
            if weight > 0
        )


def percent(logit: float) -> int:
    """A logit as a probability in percent, as people read it."""
    return round(100 / (1 + math.exp(-max(-50.0, min(50.0, logit)))))


def model_text(model: TextModel) -> str:
    """A model as its file holds it: a line of JSON a field."""
    raw = zlib.compress(model.weights.astype(np.int8).tobytes(), 9)
    fields = {
        "format": FORMAT,
        "name": model.name,
        "trained_on": model.trained_on,
        "threshold": model.threshold,
        "bias": model.bias,
        "scale": model.scale,
        "bits": BITS,
        "piece_bytes": PIECE_BYTES,
        "weights": base64.b64encode(raw).decode(),
    }
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def parse_model(text: str) -> TextModel:
    """Read what ``model_text`` wrote.

    Raises:
        InvalidTextModel: It is none, or one of another version.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        known = (fields["format"], fields["bits"], fields["piece_bytes"])
        if known != (FORMAT, BITS, PIECE_BYTES):
            reason = f"format {known}, where {(FORMAT, BITS, PIECE_BYTES)} is read"
            raise InvalidTextModel(reason)
        inflate = zlib.decompressobj()
        raw = inflate.decompress(base64.b64decode(fields["weights"], validate=True), SIZE + 1)
        weights = np.frombuffer(raw, dtype=np.int8).astype(np.int32)
        numbers = {name: float(fields[name]) for name in ("threshold", "bias", "scale")}
        model = TextModel(
            name=str(fields["name"]),
            trained_on=str(fields["trained_on"]),
            weights=weights,
            **numbers,
        )
    except InvalidTextModel:
        raise
    except (ValueError, KeyError, TypeError, zlib.error, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InvalidTextModel(reason) from None
    if len(weights) != SIZE:
        reason = f"{len(weights)} weights, where {SIZE} are read"
        raise InvalidTextModel(reason)
    if not all(map(math.isfinite, numbers.values())):
        reason = "a number that is none"
        raise InvalidTextModel(reason)
    return model


@cache
def bundled_model() -> TextModel:
    """The model that ships."""
    file = resources.files("detectors").joinpath("models", "text.json")
    return parse_model(file.read_text("utf-8"))
