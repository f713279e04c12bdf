"""``doorstaff console`` as a person or a container runs it: a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("DOORSTAFF_")
}


@contextmanager
def console(home: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "doorstaff.cli", "console"],
        env={**ENVIRONMENT, "DOORSTAFF_HOME": str(home), "PYTHONUNBUFFERED": "1", **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_when_asked(tmp_path: Path, stop: signal.Signals) -> None:
    with console(tmp_path, DOORSTAFF_CONSOLE_PORT="0") as process:
        assert process.stdout
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address, said
        with urlopen(f"{address[0]}/healthz", timeout=10) as answer:
            assert answer.status == 200
        told = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stdout.readline())
        assert told
        with urlopen(told[0], timeout=10) as answer:
            assert b'doorstaff_console_requests_total{status="200"}' in answer.read()
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
        assert "Traceback" not in err
        assert "stopped" in out
        assert process.returncode == 0


def test_what_it_could_not_answer_stands_in_its_log(tmp_path: Path) -> None:
    with console(tmp_path, DOORSTAFF_CONSOLE_PORT="0") as process:
        assert process.stdout
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert address
        with sqlite3.connect(tmp_path / "doorstaff.db") as database:
            database.execute("DROP TABLE alerts")
        database.close()
        with pytest.raises(HTTPError, match="500") as refused:
            urlopen(f"{address[0]}/?q=anna@example.org", timeout=10)
        refused.value.close()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    (line,) = map(json.loads, err.splitlines())
    assert line["level"] == "error"
    assert "no such table: alerts" in line["exception"]
    assert "anna@example.org" not in err


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with console(tmp_path, DOORSTAFF_CONSOLE_PORT=port) as process:
            _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in err
    assert "DOORSTAFF_CONSOLE_PORT" in err
    assert "Traceback" not in err
