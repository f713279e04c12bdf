"""The demo stands alone: nothing that its user has set up is reached by made traffic."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Never, Self, cast

import pytest

from doorstaff.demo.run import _play, demo_environment, demo_settings
from doorstaff.fleet import Fleet
from doorstaff.settings import Settings
from streams.topic import Topics

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


class Silence:
    """Stands in for producer, fleet and consumer; the consumer breaks at its first message."""

    def __init__(self, *_: object, **__: object) -> None:
        self.kept_up = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def flush(self) -> None: ...

    def keep_up(self) -> None:
        self.kept_up += 1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Never:
        raise BrokenMessageError


class BrokenMessageError(Exception):
    """What the listener cannot read."""


async def test_a_listener_that_fails_ends_the_wait_with_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AIOKafkaProducer", "AIOKafkaConsumer"):
        monkeypatch.setattr(f"doorstaff.demo.run.{name}", Silence)
    async with asyncio.timeout(10):
        with pytest.raises(BrokenMessageError):
            await _play("", Topics(), [], cast("Fleet", Silence()))
