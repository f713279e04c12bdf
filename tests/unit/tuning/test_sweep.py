"""A trial at the ruleset's own thresholds is a replay; a sweep counts what people would count."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event import EventModel
from contracts.ids import AccountId, Action, Code
from contracts.ruleset import Ruleset, SignalRule, Thresholds, default_ruleset
from detectors.knowledge import BUNDLED
from tests.traffic import post, rule, ruleset, signup
from tuning.recording import open_recording
from tuning.replay import Replay
from tuning.report import Fitted, best_threshold, report
from tuning.sweep import THRESHOLDS, score, sweep
from tuning.trial import Trial, risk_with

FARM = [signup(n, at_s=n, device_id="farm") for n in range(12)]
LONE = [signup(20 + n, at_s=60 + n, device_id=f"own{n}") for n in range(20)]
SPAM = [
    post(n, at_s=100 + n, kind="comment", text=f"Cheap: http://shop{n}.example/x") for n in range(5)
]
LABELS = {AccountId(f"a{n}"): n < 12 for n in range(40)}


def quiet(_done: int, _whole: int) -> None:
    """No bar."""


def trial(folder: Path, events: list[EventModel], rules: Ruleset) -> Trial:
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(event.model_dump_json().encode() for event in events))
    return Trial.of(open_recording(file, quiet), rules, BUNDLED, quiet)


def test_at_its_own_thresholds_it_is_a_replay(tmp_path: Path) -> None:
    rules = default_ruleset()
    ran = trial(tmp_path, [*FARM, *LONE, *SPAM], rules)
    result = ran.at(rules.thresholds)
    recording = open_recording(tmp_path / "events.jsonl", quiet)
    summary = Replay(rules).run(recording, quiet)
    leasts: dict[Action, int] = {"review": rules.thresholds.review, "hold": rules.thresholds.hold}
    for action, least in leasts.items():
        most = rules.thresholds.hold if action == "review" else 101
        found = [one for one in result.accounts.values() if least <= one.risk < most]
        assert len(found) == summary.accounts[action], action
    assert result.alerts["campaign"] == 1
    assert len(result.accounts) == 32


def test_a_sweep_says_what_each_threshold_would_have_come_to(tmp_path: Path) -> None:
    rules = ruleset(rule((4, 45), (10, 85), facet="device"))
    steps = 0

    def stepped(_: int) -> None:
        nonlocal steps
        steps += 1

    swept = sweep(trial(tmp_path, [*FARM, *LONE], rules), LABELS, stepped)
    assert steps == len(THRESHOLDS) + 1
    assert (swept.accounts, swept.labelled, swept.now.score.bad) == (32, 32, 12)
    found = {one.review: one.score.found for one in swept.thresholds}
    assert found == {review: 12 if review <= 80 else 0 for review in THRESHOLDS}
    assert {one.review: one.alerts.total() for one in swept.thresholds}[40] == 1
    (signal,) = swept.signals
    assert (signal.code, signal.points, signal.alone.found) == (
        Code("velocity.device.3600s"),
        85,
        12,
    )
    assert signal.at_factor[0.0].found == 0
    assert sum(map(sum, swept.bins)) == 32
    assert best_threshold(swept) == (10, swept.thresholds[0].score)


def test_precision_is_told_of_the_labelled_ones_alone() -> None:
    scored = score([AccountId("a1"), AccountId("a13"), AccountId("stranger")], LABELS)
    assert (scored.found, scored.precision) == (3, 0.5)
    assert scored.recall == pytest.approx(1 / 12)
    nothing = score([], {})
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


def test_points_count_under_the_caps_of_their_groups(tmp_path: Path) -> None:
    signals = {
        "link.density": SignalRule(points=40, group="links"),
        "link.shortener": SignalRule(points=30, group="links"),
    }
    rules = ruleset(groups={"links": 50}, signals=signals)
    spam = [post(1, kind="comment", text="http://bit.ly/x")]
    dense = rules.model_copy(update={"density": default_ruleset().density})
    (standing,) = trial(tmp_path, list(spam), dense).at(Thresholds()).accounts.values()
    assert standing.risk == 50
    assert risk_with(standing, dense, {}) == 50
    assert risk_with(standing, dense, {Code("link.density"): 10}) == 40


def test_what_stands_on_different_pages_does_not_add_up_with_other_points_either(
    tmp_path: Path,
) -> None:
    rules = default_ruleset()
    pages = ["Slides: https://bit.ly/abc", "Live from http://93.184.216.34/x", "https://bit.ly/d"]
    posts = [post(n, at_s=n, account="a1", text=text) for n, text in enumerate(pages)]
    (standing,) = trial(tmp_path, list(posts), rules).at(rules.thresholds).accounts.values()
    assert {reason.code for reason in standing.reasons} == {"link.shortener", "link.numeric_host"}
    assert standing.risk == risk_with(standing, rules, {}) == 25
    assert risk_with(standing, rules, {Code("link.shortener"): 30}) == 30


def test_the_page_holds_all_of_it_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    rules = ruleset(rule((4, 45), facet="device"))
    swept = sweep(trial(tmp_path, [*FARM, *LONE], rules), LABELS, lambda _: None)
    fitted = Fitted(
        name="m<1>",
        texts=(30, 40),
        at=((50, 0.9, 0.8), (90, None, 0.1)),
        chosen=57,
        before=(None, 0.0),
        words=(("<script>", 2.5),),
    )
    page = report(swept, recording="a&b.jsonl", labels="decisions", fitted=fitted)
    assert page.count("<svg") == 4
    assert "velocity.device.3600s" in page
    assert "a&amp;b.jsonl" in page
    assert "<script>" not in page
    assert "http" not in page
    assert report(swept, recording="x", labels="y").count("<svg") == 3
