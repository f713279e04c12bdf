"""``doorstaff up`` as a person runs it: started, started twice, stopped, and killed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from doorstaff.embedded.child import free_port
from doorstaff.embedded.services import KEPT
from tests.process import COMMAND, doorstaff, family, get, listens_on, settings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

END_SECONDS = 30
"""Within which all processes have ended: the broker 2 s, the others 10 s at the most."""


@dataclass(frozen=True, kw_only=True)
class Up:
    """A running ``doorstaff up``."""

    process: subprocess.Popen[bytes]
    env: dict[str, str]
    output: Path

    @property
    def home(self) -> Path:
        return Path(self.env["DOORSTAFF_HOME"])

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> None:
        def is_said() -> bool:
            assert self.process.poll() is None, self.said()
            return words in self.said()

        until(is_said, f"it says {words!r}", seconds=60)

    def named(self, words: str) -> list[psutil.Process]:
        """Its descendants with these words in their command lines."""
        return [one for one in family(self.process.pid)[1:] if words in command_line(one)]


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie too
        return ""


@contextmanager
def up(home: Path) -> Iterator[Up]:
    env = settings(home=home, console_port=free_port(), partitions=2)
    output = home.parent / f"{home.name}.out"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "up", "--media-workers", "1"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Up(process=process, env=env, output=output)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def all_gone(processes: list[psutil.Process]) -> bool:
    gone, alive = psutil.wait_procs(processes, timeout=END_SECONDS)
    assert not alive, [one.cmdline() for one in alive]
    return bool(gone)


def test_it_says_what_it_needs_to_keeps_to_itself_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    with up(tmp_path / "home") as first:
        first.wait_for("Ready.")
        processes = family(first.process.pid)
        assert listens_on(processes) == {"127.0.0.1"}
        console = f"http://127.0.0.1:{first.env['DOORSTAFF_CONSOLE_PORT']}"
        assert f"Console  {console}" in first.said()
        until(lambda: get(console)[0] == 200, "the console answers")
        assert KEPT in first.said()

        second = doorstaff("up", env=first.env)
        assert second.returncode == 1
        assert second.stderr == (
            f"doorstaff: Doorstaff already runs in {first.home} (process {first.process.pid})."
            " Stop it, or set DOORSTAFF_HOME to another folder.\n"
        )
        assert first.process.poll() is None
        assert json.loads((first.home / "running.json").read_text()).keys() == {
            "kafka_url",
            "redis_url",
        }

        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(END_SECONDS) == 0
        assert all_gone(processes[1:])
        assert first.said().endswith("Stopped\n")
        assert "Traceback" not in first.said()
        assert not (first.home / "running.json").exists()
        assert not (first.home / "children.json").exists()


def test_it_ends_at_once_also_while_it_starts(tmp_path: Path) -> None:
    with up(tmp_path / "home") as starting:
        starting.wait_for("Logs ")
        processes = family(starting.process.pid)
        starting.process.send_signal(signal.SIGTERM)
        assert starting.process.wait(END_SECONDS) == 0
        assert all_gone(processes[1:])
        assert "Ready." not in starting.said()
        assert "Traceback" not in starting.said()


def test_what_is_killed_leaves_nothing_behind_and_starts_again(tmp_path: Path) -> None:
    with up(tmp_path / "home") as killed:
        killed.wait_for("Ready.")
        processes = family(killed.process.pid)
        killed.process.kill()
        killed.process.wait()
        assert all_gone(processes[1:])
        asked = doorstaff("send", __file__, env=killed.env)
        assert (asked.returncode, asked.stdout) == (1, "")
        assert asked.stderr.startswith("doorstaff: Kafka at 127.0.0.1:")
        assert len(asked.stderr.splitlines()) == 1

    with up(tmp_path / "home") as again:
        again.wait_for("Ready.")
        (worker,) = again.named("doorstaff.cli worker")
        worker.kill()
        (second,) = until(
            lambda: [one for one in again.named("doorstaff.cli worker") if one.pid != worker.pid],
            "the worker that was killed is started again",
        )
        assert second.is_running()
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(END_SECONDS) == 0


def test_it_does_not_go_on_without_its_broker(tmp_path: Path) -> None:
    with up(tmp_path / "home") as headless:
        headless.wait_for("Ready.")
        processes = family(headless.process.pid)
        (broker,) = headless.named("--storage-engine")
        broker.kill()
        assert headless.process.wait(END_SECONDS) == 1
        assert all_gone(processes[1:])
        last = headless.said().splitlines()[-1]
        assert last.startswith("doorstaff: embedded broker ended: ")
        assert "Traceback" not in headless.said()
