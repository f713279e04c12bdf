"""Sinks from settings: each one that is named, or the setting that it lacks."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from doorstaff.errors import InvalidSettings
from doorstaff.settings import Settings, load_settings
from doorstaff.sinks import build_routes, build_sinks
from sinks.route import Route, sinks_for
from tests.alerts import CAMPAIGN

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path))


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"DOORSTAFF_{name.upper()}", value)
    return Settings()


async def test_every_sink_can_be_built_in_the_order_named(monkeypatch: pytest.MonkeyPatch) -> None:
    all_set = settings(
        monkeypatch,
        sinks="webhook,console,jsonl,redis,kafka,slack,solutions,console",
        redis_url="redis://127.0.0.1:1/0",
        kafka_url="127.0.0.1:1",
        slack_webhook_url="https://hooks.slack.com/services/T/B/x",
        solutions_webhook_url="https://hooks.slack.com/services/T/B/y",
        webhook_url="https://platform.example/hook",
        webhook_secret=SECRET,
    )
    sinks = build_sinks(all_set, stream=io.StringIO())
    assert [sink.name for sink in sinks] == [
        "webhook", "console", "jsonl", "redis", "kafka", "slack", "solutions",
    ]  # fmt: skip
    for sink in sinks:
        await sink.aclose()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"sinks": "slack"}, "DOORSTAFF_SLACK_WEBHOOK_URL: the slack sink is among"),
        ({"sinks": "solutions"}, "DOORSTAFF_SOLUTIONS_WEBHOOK_URL: the solutions sink is among"),
        ({"sinks": "redis"}, "DOORSTAFF_REDIS_URL: the redis sink"),
        ({"sinks": "redis", "redis_url": "http://x"}, "DOORSTAFF_REDIS_URL: must be redis://"),
        ({"sinks": "kafka"}, "DOORSTAFF_KAFKA_URL: the kafka sink"),
        ({"sinks": "webhook"}, "DOORSTAFF_WEBHOOK_URL: the webhook sink"),
        (
            {"sinks": "webhook", "webhook_url": "https://x.example/"},
            "DOORSTAFF_WEBHOOK_SECRET: the webhook sink",
        ),
        (
            {"sinks": "webhook", "webhook_url": "https://x.example/", "webhook_secret": "hush"},
            "DOORSTAFF_WEBHOOK_SECRET: must begin with whsec_",
        ),
        (
            {"sinks": "slack", "slack_webhook_url": "hooks.slack.com/hush"},
            "DOORSTAFF_SLACK_WEBHOOK_URL: must be https://hooks.slack.com/services/…",
        ),
    ],
)
def test_a_setting_that_a_sink_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidSettings) as raised:
        build_sinks(settings(monkeypatch, **variables))
    assert message in str(raised.value)
    assert "hush" not in str(raised.value)


def test_routes_are_read_for_the_sinks_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    both = settings(monkeypatch, sinks="console,jsonl", routes="jsonl=media:hold")
    assert build_routes(both) == (Route(sink="jsonl", kind="media", action="hold"),)
    one = settings(monkeypatch, sinks="console")
    with pytest.raises(InvalidSettings, match=r"DOORSTAFF_ROUTES: .*there is no sink 'jsonl'"):
        build_routes(one)


def test_vips_go_to_the_solutions_team_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    named = settings(monkeypatch, sinks="console,slack,solutions", routes="slack=*:hold")
    routes, sinks = build_routes(named), named.sinks
    vip = replace(CAMPAIGN, kind="vip", action="allow")
    assert sinks_for(vip, routes, sinks) == ("solutions",)
    assert sinks_for(replace(CAMPAIGN, action="review"), routes, sinks) == ("console",)
    assert sinks_for(replace(CAMPAIGN, action="hold"), routes, sinks) == ("console", "slack")
    also = settings(monkeypatch, sinks="console,solutions", routes="console=*:*")
    assert sinks_for(vip, build_routes(also), also.sinks) == ("console", "solutions")


def test_blanks_between_sinks_do_not_matter_and_an_unknown_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings(monkeypatch, sinks=" console, jsonl,").sinks == ("console", "jsonl")
    monkeypatch.setenv("DOORSTAFF_SINKS", "console,mail")
    with pytest.raises(InvalidSettings, match="DOORSTAFF_SINKS: Input should be 'console'"):
        load_settings()
