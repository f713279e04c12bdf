"""How the learned text signal fares on videos that it has not seen.

    python -m bench.learned_text --data DIR

DIR holds ``comments.jsonl``: comments with a ``label`` of ham or spam and a ``thread``, their
video. For each video a model is fitted to the comments under the others and judges those under
this one. A comment counts as found if the rules or the model bring it to review. Nothing of it is
kept.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.link_spam import action
from contracts.event import Post
from contracts.ruleset import default_ruleset
from detectors.content import read_content
from detectors.link_spam import LinkSpam
from tuning.fit import cross_validated, labelled

PERCENTS = (40, 50, 60, 70, 80, 90)

Bools = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    rules = default_ruleset()
    detector = LinkSpam(rules)
    texts, by_rules, threads = [], [], []
    for line in (arguments.data / "comments.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        post = Post.model_validate(row)
        texts.append(labelled(post, is_spam=row["label"] == "spam", group=row["thread"]))
        by_rules.append(action(rules, detector.find(read_content(post))) != "allow")
        threads.append(row["thread"])
    spam = np.array([text.is_spam for text in texts])
    rule = np.array(by_rules)
    thread = np.array(threads)
    logits = cross_validated(texts)
    logits[[not text.words for text in texts]] = -np.inf  # the detector does not judge these
    print(f"comments.jsonl: {len(texts)} comments, {spam.sum()} of them spam")
    print(f"  rules alone: {scores(rule, spam)}")
    for limit in PERCENTS:
        found = logits >= math.log(limit / (100 - limit))
        both = scores(found | rule, spam)
        print(f"  from {limit} %: model {scores(found, spam)}; with rules {both}")
    for name in sorted(set(threads)):
        own = thread == name
        print(f"  {name} at 50 %, with rules: {scores(((logits >= 0) | rule)[own], spam[own])}")


def scores(found: Bools, spam: Bools) -> str:
    right = int((found & spam).sum())
    precision, recall = right / max(int(found.sum()), 1), right / int(spam.sum())
    harmonic = 2 * right / (int(found.sum()) + int(spam.sum()))
    return f"F1 {harmonic:.3f}, precision {precision:.3f}, recall {recall:.3f}"


if __name__ == "__main__":
    main()
