"""What a Doorstaff on one machine stands on: whose the folder is, and what may be deleted in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorstaff.commands.up import with_console_port
from doorstaff.embedded.home import Home
from doorstaff.embedded.services import Services
from doorstaff.errors import AlreadyRunning
from doorstaff.settings import Settings

WIPE = ("valkey", "doorstaff.db*")


def lived_in(home: Path) -> list[Path]:
    left = [home / "valkey" / "appendonly.aof", home / "doorstaff.db", home / "doorstaff.db-wal"]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return left


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Services that are configured, so that none is started."""
    return Settings().model_copy(
        update={"home": tmp_path, "kafka_url": "127.0.0.1:1", "redis_url": "redis://127.0.0.1:1"}
    )


def test_a_start_that_is_refused_deletes_nothing(tmp_path: Path, elsewhere: Settings) -> None:
    left = lived_in(tmp_path)
    with Home(tmp_path), pytest.raises(AlreadyRunning), Services(elsewhere, wipe=WIPE):
        pass
    assert all(file.exists() for file in left)


def test_a_fresh_start_deletes_what_is_named_and_nothing_else(
    tmp_path: Path, elsewhere: Settings
) -> None:
    left = lived_in(tmp_path)
    (tmp_path / "films").mkdir()
    with Services(elsewhere, wipe=WIPE):
        assert not any(file.exists() for file in left)
        assert not (tmp_path / "valkey").exists()
        assert (tmp_path / "films").is_dir()


def test_a_start_that_is_not_told_to_keeps_all(tmp_path: Path, elsewhere: Settings) -> None:
    left = lived_in(tmp_path)
    with Services(elsewhere):
        assert all(file.exists() for file in left)


def test_any_port_for_the_console_is_one_that_every_child_knows(elsewhere: Settings) -> None:
    settings = with_console_port(elsewhere.model_copy(update={"console_port": 0}))
    assert settings.console_port
    with Services(settings) as services:
        told = services.environment()["DOORSTAFF_CONSOLE_PORT"]
    assert settings.resolved_console_url == f"http://127.0.0.1:{told}"


def test_a_port_that_is_chosen_is_kept(elsewhere: Settings) -> None:
    assert with_console_port(elsewhere) is elsewhere
