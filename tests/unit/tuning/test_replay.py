"""A replay: the summary, what is written, and that it is the scorer's own."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

from contracts.alert import Alert
from contracts.event import EventModel
from contracts.ruleset import default_ruleset
from contracts.verdict import Verdict
from contracts.wire import decode, encode
from detectors.scorer import Scorer
from tests.traffic import post, signup
from tests.unit.contracts.test_event import DECISION, UPLOAD
from tuning.recording import open_recording
from tuning.replay import SHOWN_PROBLEMS, Replay, Summary

DEFAULT = default_ruleset()


def quiet(_done: int, _whole: int) -> None:
    pass


def raw(event: EventModel) -> bytes:
    return event.model_dump_json().encode()


def replayed(folder: Path, lines: list[bytes], **sinks: Any) -> Summary:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    return Replay(DEFAULT, **sinks).run(open_recording(path, quiet), quiet)


def farm(count: int = 12) -> list[EventModel]:
    return [signup(number, at_s=number, device_id="farm") for number in range(count)]


def test_the_summary_counts_what_came_of_it(tmp_path: Path) -> None:
    people: list[EventModel] = [signup(f"p{number}", at_s=number) for number in range(20)]
    builders: list[EventModel] = [
        post(f"b{number}", at_s=50 + number, text="https://one-shop.example") for number in range(6)
    ]
    lines = [raw(event) for event in (*farm(), *people, *builders)]
    lines += [lines[0], lines[0], b"{", b'{"type": "signup"}', b""]
    lines += [str(UPLOAD).replace("'", '"').encode(), str(DECISION).replace("'", '"').encode()]
    summary = replayed(tmp_path, lines)
    assert summary.events == {"signup": 34, "post": 6, "upload": 1, "decision": 1}
    assert (summary.repeated, summary.broken) == (2, 2)
    assert summary.problems[0].startswith("line 41: not JSON: ")
    assert summary.problems[1].startswith("line 42: signup.event_id: Field required")
    assert summary.accounts == {"hold": 12, "allow": 20, "review": 6}
    assert summary.alerts == {"campaign": 2}
    assert summary.unordered == 2
    assert summary.elapsed_s > 0
    assert summary.events_per_second > 0


def test_only_the_first_problems_are_kept(tmp_path: Path) -> None:
    summary = replayed(tmp_path, [b"{"] * 20)
    assert summary.broken == 20
    assert len(summary.problems) == SHOWN_PROBLEMS
    assert summary.events_per_second == 0


def test_writes_what_the_scorer_says_byte_for_byte(tmp_path: Path) -> None:
    events = [*farm(), *(signup(f"p{number}", at_s=number) for number in range(9))]
    events.sort(key=lambda event: event.occurred_at)
    scorer = Scorer(DEFAULT)
    outcome = scorer.score_all(events)
    expected_verdicts = b"".join(encode(verdict) + b"\n" for verdict in outcome.verdicts)
    expected_alerts = b"".join(
        encode(alert) + b"\n" for alert in (*outcome.alerts, *scorer.finish())
    )
    verdicts, alerts = io.BytesIO(), io.BytesIO()
    summary = replayed(tmp_path, [raw(event) for event in events], verdicts=verdicts, alerts=alerts)
    assert verdicts.getvalue() == expected_verdicts
    assert alerts.getvalue() == expected_alerts
    assert summary.verdicts == len(expected_verdicts.splitlines())
    newest = decode(alerts.getvalue().splitlines()[-1], Alert)
    assert (newest.status, newest.account_count) == ("escalated", 12)
    assert decode(verdicts.getvalue().splitlines()[0], Verdict).event_id == "signup-0"


def test_a_shuffled_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    lines = [raw(event) for event in farm(30)]
    said: list[bytes] = []
    for seed in range(4):
        verdicts = io.BytesIO()
        random.Random(seed).shuffle(lines) if seed else None
        replayed(tmp_path, lines, verdicts=verdicts)
        said.append(verdicts.getvalue())
    assert len(set(said)) == 1


def test_a_time_that_utc_cannot_hold_is_one_broken_line(tmp_path: Path) -> None:
    bad = raw(signup(1)).replace(b"2026-05-04T18:00:00Z", b"0001-01-01T00:00:00+14:00")
    summary = replayed(tmp_path, [bad, raw(signup(2))])
    assert (summary.broken, summary.events["signup"]) == (1, 1)
    assert "must lie between" in summary.problems[0]
