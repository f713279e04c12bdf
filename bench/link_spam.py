"""How link spam fares on labelled posts: honest pages kept, spam found, posts a second.

    python -m bench.link_spam --data DIR

DIR holds ``event_pages.jsonl`` and ``comments.jsonl``: posts with a ``label`` of ham or spam. Each
post is priced by itself, as a first post of an account with no other signal.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from contracts.event import Event, Post
from contracts.ids import ACTIONS, Action
from contracts.ruleset import Ruleset, default_ruleset
from contracts.signal import Finding
from detectors.content import read_content
from detectors.facet import Facets
from detectors.link_spam import LinkSpam

ROUNDS = 5


def read_posts(path: Path) -> list[tuple[Post, str]]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(Post.model_validate(row), row["label"]) for row in rows]


def action(ruleset: Ruleset, findings: Iterable[Finding]) -> Action:
    groups: Counter[str] = Counter()
    for finding in findings:
        rule = ruleset.signals[finding.code]
        if rule.mode == "live":
            groups[rule.group] += rule.points
    risk = sum(min(points, ruleset.groups[group]) for group, points in groups.items())
    return ruleset.action_for(max(0, min(100, risk)))


def report(path: Path, ruleset: Ruleset, *, show: bool) -> None:
    detector, facets = LinkSpam(ruleset), Facets(ruleset)
    posts = read_posts(path)
    actions: dict[str, Counter[Action]] = {}
    codes: dict[str, Counter[str]] = {}
    with_way_out: Counter[tuple[str, bool]] = Counter()
    for post, label in posts:
        content = read_content(post)
        findings = detector.observe(post, content)
        verdict = action(ruleset, findings)
        actions.setdefault(label, Counter())[verdict] += 1
        codes.setdefault(label, Counter()).update(finding.code for finding in findings)
        if content.links or content.contacts:
            with_way_out[label, verdict != "allow"] += 1
        wrong = (verdict == "allow") == (label == "spam") and (
            label == "ham" or content.links or content.contacts
        )
        if show and wrong:
            print(f"  {label} {verdict} {post.event_id}: {post.text[:160]!r}")
            print("   ", [(finding.code, dict(finding.evidence)) for finding in findings])
    print(f"{path.name}: {len(posts)} posts")
    for label, counted in sorted(actions.items()):
        total = counted.total()
        shares = ", ".join(
            f"{name} {counted[name]} ({counted[name] / total:.2%})" for name in ACTIONS
        )
        print(f"  {label}: {shares}")
        seen, missed = with_way_out[label, True], with_way_out[label, False]
        print(f"    with a link or contact: {seen + missed}, of them marked {seen}")
        print(f"    codes: {dict(codes[label].most_common())}")
    seconds = min(_timed(detector, facets, [post for post, _ in posts]) for _ in range(ROUNDS))
    chars = sum(len(post.text) for post, _ in posts) / len(posts)
    print(f"  {len(posts) / seconds:,.0f} posts/s of {chars:.0f} characters, facets included")


def _timed(detector: LinkSpam, facets: Facets, events: list[Event]) -> float:
    started = time.process_time()
    for event in events:
        content = read_content(event)
        detector.observe(event, content)
        facets.of(event, content)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="print each wrong one")
    arguments = parser.parse_args()
    ruleset = default_ruleset()
    for name in ("event_pages.jsonl", "comments.jsonl"):
        report(arguments.data / name, ruleset, show=arguments.show)


if __name__ == "__main__":
    main()
