"""A child process: watched, asked to stop, and gone with its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from doorstaff.embedded.child import Child, accepts, free_port
from doorstaff.errors import ServiceUnavailable

PYTHON = [sys.executable, "-u", "-c"]
SLEEP = [*PYTHON, "import time; time.sleep(60)"]
STUBBORN = [
    *PYTHON,
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('deaf', flush=True); time.sleep(60)",
]


def child(folder: Path, command: list[str], *, stop_seconds: float = 5) -> Child:
    return Child("program", command, log_file=folder / "logs" / "p.log", stop_seconds=stop_seconds)


def test_stops_when_asked(tmp_path: Path) -> None:
    program = child(tmp_path, SLEEP)
    before = program.exit_code
    program.stop()
    assert (before, program.exit_code) == (None, -signal.SIGTERM)
    program.stop()  # a second time changes nothing


def test_one_that_does_not_listen_is_ended(tmp_path: Path) -> None:
    program = child(tmp_path, STUBBORN, stop_seconds=0.2)
    program.wait_until(lambda: "deaf" in program.last_words(), seconds=10)
    program.stop()
    assert program.exit_code == -signal.SIGKILL


def test_one_that_ends_at_its_start_says_so_with_its_last_words(tmp_path: Path) -> None:
    script = "[print('line', n) for n in range(20)]; raise SystemExit('no licence')"
    program = child(tmp_path, [*PYTHON, script])
    with pytest.raises(ServiceUnavailable) as caught:
        program.wait_until(lambda: False, seconds=10)
    assert str(caught.value) == (
        "program ended with exit code 1: line 16 / line 17 / line 18 / line 19 / no licence"
    )


def test_one_that_is_never_ready_says_so(tmp_path: Path) -> None:
    program = child(tmp_path, SLEEP)
    with pytest.raises(ServiceUnavailable, match="not ready within 0 s: it left no log"):
        program.wait_until(lambda: False, seconds=0.1)
    program.stop()


def test_a_program_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        child(tmp_path, [str(tmp_path / "none")])


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_it_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent_script = (
        "import sys, time; from pathlib import Path; from doorstaff.embedded.child import Child;"
        f"child = Child('c', {SLEEP!r}, log_file=Path({str(tmp_path)!r}) / 'c.log');"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [*PYTHON, parent_script], stdout=subprocess.PIPE, text=True, cwd=root
    ) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        assert orphan.ppid() == parent.pid
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
    deadline = time.monotonic() + 10
    while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.02)


def test_a_free_port_is_one_that_nobody_listens_on() -> None:
    port = free_port()
    assert not accepts(port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert accepts(port)
