"""Make the text model that ships: ``python -m tuning.default_model --pages FILE``.

It learns from made texts (``tuning.made_text``, of this project) as spam and as honest, and from
FILE: descriptions of conference sessions from pyvideo/data, which are in the public domain (CC0),
as honest. Nothing else flows into it. The threshold is the lowest at which, cross-validated, one
honest text of 200 is called spam.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from contracts.event import Post
from detectors.text_model import model_text, percent
from tuning.fit import LabelledText, cross_validated, fit_model, labelled, threshold_for
from tuning.made_text import made_texts

EACH = 20
MAX_FALSE_SHARE = 0.005
FOLDS = 3
MODEL = Path(__file__).parents[1] / "detectors" / "models" / "text.json"


def read_pages(file: Path) -> list[LabelledText]:
    """Honest event pages: posts, one JSON object a line; those of one account are a group."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [
        labelled(Post.model_validate(row), is_spam=False, group=row["account_id"]) for row in rows
    ]


def main() -> None:
    """Fit the model, say how it did, and write it into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path, required=True)
    texts = made_texts(each=EACH) + read_pages(parser.parse_args().pages)
    labels = np.array([float(text.is_spam) for text in texts])
    logits = cross_validated(texts, folds=FOLDS)
    threshold = threshold_for(logits, labels, max_false_share=MAX_FALSE_SHARE)
    found = (logits[labels > 0] >= threshold).mean()
    model = fit_model(
        texts,
        name="default-1",
        trained_on="templates of this project, and event pages of pyvideo/data (CC0)",
        threshold=threshold,
    )
    MODEL.write_text(model_text(model), "utf-8")
    print(
        f"{MODEL.name}: {len(texts)} texts; from {percent(threshold)} % on: {found:.1%} of spam"
        f" templates that it has not seen, {MAX_FALSE_SHARE:.1%} of honest texts"
    )


if __name__ == "__main__":
    main()
