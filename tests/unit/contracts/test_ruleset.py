"""Rulesets: the one that ships loads; what is wrong with another is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidRuleset
from contracts.ids import Code
from contracts.ruleset import (
    MAX_WINDOW_SECONDS,
    Ruleset,
    default_ruleset,
    default_ruleset_text,
    parse_ruleset,
    read_ruleset,
    window_seconds,
    window_text,
)

GOOD = """\
version: v1
thresholds: { review: 30, hold: 60 }
groups:
  device: 80
  links: 50
velocity:
  - code: velocity.device.1h
    facet: device
    window: 1h
    levels:
      - { at_least: 3, points: 30 }
      - { at_least: 9, points: 60 }
    group: device
    ties: true
  - code: velocity.ip.10m
    facet: ip
    window: 600
    levels: [{ at_least: 3, points: 5 }]
    group: device
    mode: shadow
signals:
  link.shortener:
    points: 15
    group: links
    mode: off
lists:
  blocked_domains: [B.example., a.example, a.example]
"""


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(InvalidRuleset) as caught:
        parse_ruleset(text, name="rules.yaml")
    return caught.value.problems


def test_the_ruleset_that_ships_loads() -> None:
    rules = default_ruleset()
    assert rules == parse_ruleset(default_ruleset_text())
    assert {rule.mode for rule in rules.velocity} == {"live"}
    assert rules.action_for(rules.thresholds.hold) == "hold"


def test_reads_what_is_written() -> None:
    rules = parse_ruleset(GOOD)
    device, ip = rules.velocity
    assert (device.window, ip.window) == (3_600, 600)
    assert (device.mode, ip.mode) == ("live", "shadow")
    assert (device.ties, ip.ties) == (True, False)
    assert rules.lists.blocked_domains == ("a.example", "b.example")


def test_an_unquoted_off_is_the_mode_off() -> None:
    assert parse_ruleset(GOOD).signals[Code("link.shortener")].mode == "off"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("version: v1\n", "", "rules.yaml:1: version: Field required"),
        ("version: v1", "version: 1", "rules.yaml:1: version: Input should be a valid string"),
        (
            "review: 30, hold: 60",
            "review: 60, hold: 30",
            "rules.yaml:2: thresholds: hold must not be below review",
        ),
        ("links: 50", "links: 101", "rules.yaml:5: groups.links: Input should be less than"),
        ("window: 1h", "window: 1 hour", "rules.yaml:9: velocity.0.window: a window is a number"),
        ("window: 1h", "window: 31d", "rules.yaml:9: velocity.0.window: Input should be less"),
        ("facet: ip", "facet: IP", "rules.yaml:16: velocity.1.facet: no facet is called IP; there"),
        ("at_least: 9", "at_least: 3", "rules.yaml:7: velocity.0: levels must rise in at_least"),
        ("at_least: 9", "at_least: 0", "rules.yaml:12: velocity.0.levels.1.at_least: Input"),
        ("at_least: 3, points: 30", "at_least: 1, points: 30", "rules.yaml:7: velocity.0: a level"),
        ("facet: ip", "facet: ip\n    of: device", "rules.yaml:15: velocity.1: `of` names what"),
        ("at_least: 9, points: 60", "at_least: 9", "rules.yaml:12: velocity.0.levels.1.points:"),
        ("ties: true", "tie: true", "rules.yaml:14: velocity.0.tie: Extra inputs are not"),
        ("mode: shadow", "mode: dark", "rules.yaml:20: velocity.1.mode: Input should be 'live'"),
        (
            "velocity.ip.10m",
            "velocity.device.1h",
            "rules.yaml:15: velocity.1.code: velocity.device.1h is given twice",
        ),
        (
            "    group: device\n    mode",
            "    group: net\n    mode",
            "rules.yaml:19: velocity.1.group: net has no cap under groups",
        ),
        (
            "    group: links",
            "    group: linx",
            "rules.yaml:24: signals.link.shortener.group: linx has no cap under groups",
        ),
        ("points: 15", "points: 101", "rules.yaml:23: signals.link.shortener.points: Input"),
        ("lists:", "list:", "rules.yaml:26: list: Extra inputs are not permitted"),
        ("version: v1", "version: v1\nversion: v2", "rules.yaml:2: not YAML: found duplicate key"),
        ("  links: 50", " links: 50", "rules.yaml:5: not YAML:"),
        ("  device: 80", "  device: \x00", "rules.yaml:4: not YAML: special characters are not"),
        ("version: v1", "version: 2026-13-45", "rules.yaml:1: not YAML: month must be"),
        ("version: v1", "version: &a { b: *a }", "rules.yaml:1: "),
    ],
)
def test_a_problem_is_told_with_its_line(before: str, after: str, problem: str) -> None:
    assert GOOD.count(before) == 1
    problems = problems_of(GOOD.replace(before, after))
    assert len(problems) == 1, problems
    assert problems[0].startswith(problem), problems[0]


def test_all_problems_are_told_at_once() -> None:
    text = GOOD.replace("hold: 60", "hold: 600").replace("mode: shadow", "mode: dark")
    assert [problem.split(" ")[0] for problem in problems_of(text)] == [
        "rules.yaml:2:",
        "rules.yaml:20:",
    ]


@pytest.mark.parametrize("text", ["", "- a\n", "42", "null"])
def test_a_ruleset_is_a_mapping(text: str) -> None:
    assert problems_of(text) == (
        "rules.yaml:1: a ruleset is a mapping that begins with `version:`",
    )


def test_a_file_that_cannot_be_read_is_an_invalid_ruleset(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"version: \xe9")
    for path in (missing, latin, tmp_path):
        with pytest.raises(InvalidRuleset, match="cannot be read") as caught:
            read_ruleset(path)
        assert str(path) in caught.value.problems[0]


@given(st.text(max_size=80) | st.text(alphabet="abc:-{}[]&*!|>%@#'\"\n ,?0", max_size=40))
def test_noise_is_an_invalid_ruleset_and_nothing_else(text: str) -> None:
    assert all(problem.startswith("rules.yaml:") for problem in problems_of(text))


@given(st.integers(1, MAX_WINDOW_SECONDS))
def test_a_window_is_read_as_it_is_written(seconds: int) -> None:
    assert window_seconds(window_text(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1m", 60),
        ("10m", 600),
        ("1h", 3_600),
        ("24h", 86_400),
        ("7d", 7 * 86_400),
    ],
)
def test_windows_by_their_units(text: str, seconds: int) -> None:
    assert window_seconds(text) == seconds
    assert window_text(seconds) == text


def test_levels_are_reached_from_their_number_on() -> None:
    rule = parse_ruleset(GOOD).velocity[0]
    assert [rule.level_for(accounts) for accounts in (2, 3, 8, 9, 10_000)] == [0, 1, 1, 2, 2]


def test_compound_facets_are_a_line() -> None:
    text = GOOD.replace("facet: ip", "facet: ip_agent").replace(
        "velocity:", "facets: { ip_agent: [ip, user_agent] }\nvelocity:"
    )
    assert parse_ruleset(text).facets == {"ip_agent": ("ip", "user_agent")}
    with pytest.raises(InvalidRuleset, match="device is a facet kind already"):
        parse_ruleset(text.replace("ip_agent: [", "device: [").replace("ip_agent", "device"))


@given(st.integers(0, 100), st.integers(0, 100))
def test_more_risk_is_never_a_milder_action(one: int, other: int) -> None:
    rules: Ruleset = parse_ruleset(GOOD)
    order = ("allow", "review", "hold")
    low, high = sorted((one, other))
    assert order.index(rules.action_for(low)) <= order.index(rules.action_for(high))
    assert (rules.action_for(29), rules.action_for(30)) == ("allow", "review")
    assert (rules.action_for(59), rules.action_for(60)) == ("review", "hold")
