"""The demo stands alone: nothing that its user has set up is reached by made traffic."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorstaff.demo.run import demo_environment, demo_settings
from doorstaff.settings import Settings

USERS = {
    "DOORSTAFF_SINKS": "slack,webhook",
    "DOORSTAFF_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x",
    "DOORSTAFF_RULESET": "/rules.yaml",
    "DOORSTAFF_PARTITIONS": "64",
    "doorstaff_kafka_url": "kafka.internal:9092",
    "DATABASE_URL": "postgresql://somewhere/else",
}


def test_children_get_no_setting_of_the_users() -> None:
    environment = demo_environment({"PATH": "/bin", "HTTPS_PROXY": "x", **USERS})
    assert environment == {"PATH": "/bin", "HTTPS_PROXY": "x", "DOORSTAFF_SINKS": "console"}


def test_its_own_settings_are_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    settings = demo_settings(tmp_path)
    for name in USERS:
        monkeypatch.delenv(name)
    assert settings.model_dump() == {
        **Settings().model_dump(),
        "home": tmp_path / "demo",
        "partitions": 4,
    }
