"""How link spam fares on labelled posts: honest pages kept, spam found, posts a second.

    python -m bench.link_spam --data DIR

DIR holds ``event_pages.jsonl`` and ``comments.jsonl``: posts with a ``label`` of ham or spam. Each
post is priced by itself, as a first post of an account with no other signal; once by the rules
alone, and once with all signals that read texts. Last, all posts of a file are scored in their
order, so that what accounts share counts too; and once more as if one account had written all of
its honest ones.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from contracts.event import Event, Post
from contracts.ids import ACTIONS, Action, EventId
from contracts.ruleset import LEARNED, Ruleset, default_ruleset
from contracts.signal import Finding, Signal
from detectors.content import read_content
from detectors.reader import Reader
from detectors.scorer import Scorer

ROUNDS = 5


def read_posts(path: Path) -> list[tuple[Post, str]]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(Post.model_validate(row), row["label"]) for row in rows]


def action(ruleset: Ruleset, findings: Iterable[Finding | Signal]) -> Action:
    groups: Counter[str] = Counter()
    for finding in findings:
        rule = ruleset.signals[finding.code]
        if rule.mode == "live":
            groups[rule.group] += rule.points
    risk = sum(min(points, ruleset.groups[group]) for group, points in groups.items())
    return ruleset.action_for(max(0, min(100, risk)))


LEARNED_TOO = ("rules alone", "all signals")
"""Without ``text.learned``, and with it."""


def report(path: Path, reader: Reader, ruleset: Ruleset, *, show: bool) -> None:
    posts = read_posts(path)
    print(f"{path.name}: {len(posts)} posts")
    for name in LEARNED_TOO:
        print(f"  {name}")
        tell(posts, reader, ruleset, learned=name != LEARNED_TOO[0], show=show)
    together("each by its account", posts, ruleset)
    honest = [(post, label) for post, label in posts if label == "ham"]
    one = [(post.model_copy(update={"account_id": "one"}), label) for post, label in honest]
    together("honest ones as one account's", one, ruleset)
    seconds = min(_timed(reader, [post for post, _ in posts]) for _ in range(ROUNDS))
    chars = sum(len(post.text) for post, _ in posts) / len(posts)
    print(f"  {len(posts) / seconds:,.0f} posts/s of {chars:.0f} characters, by CPU time")


def tell(
    posts: list[tuple[Post, str]],
    reader: Reader,
    ruleset: Ruleset,
    *,
    learned: bool,
    show: bool,
) -> None:
    """What becomes of each label's posts, with or without what was learned."""
    actions: dict[str, Counter[Action]] = {}
    codes: dict[str, Counter[str]] = {}
    with_way_out: Counter[tuple[str, bool]] = Counter()
    for post, label in posts:
        content = read_content(post)
        signals = [one for one in reader.read(post).signals if learned or one.code != LEARNED]
        verdict = action(ruleset, signals)
        actions.setdefault(label, Counter())[verdict] += 1
        codes.setdefault(label, Counter()).update(signal.code for signal in signals)
        if content.links or content.contacts:
            with_way_out[label, verdict != "allow"] += 1
        wrong = (verdict == "allow") == (label == "spam") and (
            label == "ham" or content.links or content.contacts
        )
        if show and wrong:
            print(f"    {label} {verdict} {post.event_id}: {post.text[:160]!r}")
            print("     ", [(signal.code, dict(signal.evidence)) for signal in signals])
    for label, counted in sorted(actions.items()):
        total = counted.total()
        shares = ", ".join(
            f"{name} {counted[name]} ({counted[name] / total:.2%})" for name in ACTIONS
        )
        print(f"    {label}: {shares}")
        seen, missed = with_way_out[label, True], with_way_out[label, False]
        print(f"      with a link or contact: {seen + missed}, of them marked {seen}")
        print(f"      codes: {dict(codes[label].most_common())}")


def together(whose: str, posts: list[tuple[Post, str]], ruleset: Ruleset) -> None:
    """What the last verdict on each post is when all are scored one after another."""
    last: dict[EventId, Action] = {}
    in_order = sorted((post for post, _ in posts), key=lambda post: post.occurred_at)
    scorer = Scorer(ruleset)
    for post in in_order:
        verdicts = scorer.score(post).verdicts
        last.update((verdict.event_id, verdict.action) for verdict in verdicts)
    counted = Counter((label, last[post.event_id]) for post, label in posts)
    print(f"  scored together, {whose}")
    for label in sorted({label for _, label in posts}):
        print(f"    {label}: {', '.join(f'{name} {counted[label, name]}' for name in ACTIONS)}")


def _timed(reader: Reader, events: list[Event]) -> float:
    started = time.process_time()
    for event in events:
        reader.read(event)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="print each wrong one")
    arguments = parser.parse_args()
    ruleset = default_ruleset()
    reader = Reader(ruleset)
    for name in ("event_pages.jsonl", "comments.jsonl"):
        report(arguments.data / name, reader, ruleset, show=arguments.show)


if __name__ == "__main__":
    main()
