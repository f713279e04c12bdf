"""The home folder belongs to one running Doorstaff, which cleans up after a crashed one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from doorstaff.embedded.child import Child
from doorstaff.embedded.home import Home
from doorstaff.errors import AlreadyRunning, InvalidSettings

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Child]:
    """A program that a crashed run may have left behind."""
    child = Child("left", SLEEP, log_file=tmp_path / "left.log")
    yield child
    child.stop()


def crashed(folder: Path, *running: list[float]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "children.json").write_text(json.dumps(running))


def test_a_second_start_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    with Home(tmp_path / "home") as home:
        with (
            pytest.raises(AlreadyRunning, match=f"process {os.getpid()}.*DOORSTAFF_HOME"),
            Home(tmp_path / "home"),
        ):
            pass
        with Home(tmp_path / "other"):
            pass
        assert home.folder.is_dir()
    with Home(tmp_path / "home"):  # given back
        pass


def test_what_a_crashed_run_left_is_ended(tmp_path: Path, left: Child) -> None:
    crashed(tmp_path / "home", [left.pid, psutil.Process(left.pid).create_time()])
    with Home(tmp_path / "home"):
        assert left.exit_code is not None
        assert not (tmp_path / "home" / "children.json").exists()


def test_another_process_that_got_the_same_number_is_left_alone(
    tmp_path: Path, left: Child
) -> None:
    crashed(tmp_path / "home", [left.pid, 12_345.0], [2**22 + 1, 12_345.0])
    with Home(tmp_path / "home"):
        assert left.exit_code is None


def test_a_note_that_was_torn_by_the_crash_is_no_hindrance(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "children.json").write_text("[[12, 3")
    with Home(home):
        pass


def test_remembers_who_runs_until_it_is_left(tmp_path: Path, left: Child) -> None:
    gone = Child("gone", [sys.executable, "-c", ""], log_file=tmp_path / "gone.log")
    gone.stop()
    with Home(tmp_path / "home") as home:
        home.remember([left, gone])
        noted = json.loads((home.folder / "children.json").read_text())
        assert [pid for pid, _ in noted] == [left.pid]
    assert not (tmp_path / "home" / "children.json").exists()
    assert left.exit_code is None  # whoever started it stops it


def test_a_home_that_is_a_file_is_told_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InvalidSettings, match=r"DOORSTAFF_HOME: .*notes\.txt: "):
        Home(tmp_path / "notes.txt").__enter__()
