"""Points fitted to labels: what tells gets more, what honest accounts show gets less."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event import EventModel
from contracts.ids import AccountId, Code
from contracts.ruleset import LEARNED, Ruleset, SignalRule, default_ruleset
from detectors.knowledge import BUNDLED
from tests.traffic import post
from tuning.errors import TooFewLabels
from tuning.label import Labels
from tuning.pricing import MIN_CARRIERS, fit_points, price
from tuning.recording import open_recording
from tuning.trial import Trial

TALK = "An evening of talks about trees, with coffee in between and a walk by the river. " * 2
BAD = "Write to me on telegram @cash_king{} or see https://bit.ly/x{}. " + TALK
GOOD = "Slides, as ever, on hxxp://trees{}.example.net and http://93.184.216.34/{}. " + TALK
RARE = "Pay 0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe, {} {}. " + TALK
RULES = default_ruleset()


def of_one_event(rules: Ruleset) -> Ruleset:
    """Without what was learned, and what accounts share: all of these texts are alike."""
    signals = {**rules.signals, LEARNED: SignalRule(points=40, group="text", mode="off")}
    return rules.model_copy(update={"signals": signals, "velocity": ()})


def trial(folder: Path, *kinds: tuple[str, int]) -> Trial:
    texts = [text for text, count in kinds for _ in range(count)]
    events: list[EventModel] = [
        post(number, at_s=number * 3_600, text=text.format(number, number))
        for number, text in enumerate(texts)
    ]
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(event.model_dump_json().encode() for event in events))
    rules = of_one_event(RULES)
    return Trial.of(open_recording(file, lambda *_: None), rules, BUNDLED, lambda *_: None)


def labels(*kinds: tuple[bool, int]) -> Labels:
    each = [bad for bad, count in kinds for _ in range(count)]
    return {AccountId(f"a{number}"): bad for number, bad in enumerate(each)}


def test_what_tells_gets_more_and_what_honest_accounts_show_gets_less(tmp_path: Path) -> None:
    recorded = trial(tmp_path, (BAD, 40), (GOOD, 40), (TALK, 40))
    known = labels((True, 40), (False, 80))
    at_first = recorded.at(RULES.thresholds)
    assert {one.risk for one in at_first.accounts.values()} == {35, 55, 0}
    pricing = price(recorded, known)
    fitted = {str(one.code): (one.now, one.fitted) for one in pricing.proposals}
    for code in ("contact.messenger", "link.shortener"):
        assert fitted[code][1] >= fitted[code][0]
    for code in ("link.disguised", "link.numeric_host"):
        assert fitted[code][1] < fitted[code][0]
    assert (pricing.together.score.right, pricing.together.score.wrong) == (40, 0)
    assert pricing.together.alerts.total() == 40
    assert (pricing.unseen.right, pricing.unseen.wrong) == (40, 0)
    assert (pricing.unseen_now.right, pricing.unseen_now.wrong) == (0, 40)
    lower = next(one for one in pricing.proposals if one.code == "link.disguised")
    assert (lower.bad, lower.good) == (0, 40)
    assert lower.alone.score.right == 0
    assert price(recorded, known) == pricing


def test_what_few_accounts_show_stays_as_it_is(tmp_path: Path) -> None:
    few = MIN_CARRIERS - 1
    recorded = trial(tmp_path, (BAD, 40), (RARE, few), (TALK, 40))
    fitted = fit_points(
        recorded.at(RULES.thresholds).accounts,
        labels((True, 40), (False, few + 40)),
        recorded.ruleset,
    )
    assert Code("contact.wallet") not in fitted
    assert fitted


def test_points_keep_to_the_caps_of_their_groups(tmp_path: Path) -> None:
    recorded = trial(tmp_path, (BAD, 200), (TALK, 200))
    accounts = recorded.at(RULES.thresholds).accounts
    known = labels((True, 200), (False, 200))
    caps = {**RULES.groups, "contact": 25}
    rules = recorded.ruleset.model_copy(update={"groups": caps})
    assert fit_points(accounts, known, rules)[Code("contact.messenger")] == 25
    assert (
        fit_points(accounts, known, rules.model_copy(update={"groups": caps | {"contact": 0}}))[
            Code("contact.messenger")
        ]
        == 0
    )


def test_labels_that_agree_with_the_points_leave_nothing_to_tell(tmp_path: Path) -> None:
    recorded = trial(tmp_path, (TALK, 60))
    assert price(recorded, labels((True, 30), (False, 30))).proposals == ()
    assert (
        fit_points(recorded.at(RULES.thresholds).accounts, labels((True, 60)), recorded.ruleset)
        == {}
    )


def test_too_few_labels_are_told(tmp_path: Path) -> None:
    with pytest.raises(TooFewLabels, match="3 bad accounts and 57 good ones"):
        price(trial(tmp_path, (TALK, 60)), labels((True, 3), (False, 57)))
