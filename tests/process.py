"""Doorstaff's commands as the processes they are, and how to wait for what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")

COMMAND = (sys.executable, "-m", "doorstaff.cli")
LOOPBACK = {"127.0.0.1", "::1"}


def settings(**chosen: object) -> dict[str, str]:
    """An environment with these Doorstaff settings (``home=…``) and no others."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("DOORSTAFF_")
    }
    named = {
        name if name.isupper() else f"DOORSTAFF_{name.upper()}": str(value)
        for name, value in chosen.items()
    }
    return {**inherited, "PYTHONUNBUFFERED": "1", **named}


def doorstaff(
    *words: object, env: Mapping[str, str], seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def until(condition: Callable[[], T | None], what: str, *, seconds: float = 30) -> T:
    """Wait for a condition to hold; what it returned then."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            message = f"not within {seconds:.0f} s: {what} (last: {value!r})"
            raise AssertionError(message)
        time.sleep(0.05)
    return value


@dataclass(frozen=True)
class Scrape:
    """What one process's /metrics said: the names of all metrics, and what they are at."""

    names: set[str]
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples of a name that bear these labels."""
        return sum(
            value
            for (sample, found), value in self.samples.items()
            if sample == name and found >= labels.items()
        )


def scrape(address: str) -> Scrape:
    """Read the metrics of a process."""
    _, text = get(f"{address}/metrics")
    families = list(text_string_to_metric_families(text))
    return Scrape(
        names={family.name for family in families},
        samples={
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        },
    )


def get(url: str) -> tuple[int, str]:
    """The status and body of a page; status 0 where nobody answers."""
    try:
        with urlopen(url, timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except (URLError, OSError):
        return 0, ""


def is_well(address: str) -> bool:
    """Whether the process at an address says that it is healthy."""
    return get(f"{address}/healthz") == (200, "ok")


def family(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def listens_on(processes: Iterable[psutil.Process]) -> set[str]:
    """Addresses (without ports) that these processes take connections on."""
    return {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def log_of(folder: Path) -> str:
    """All that Doorstaff's processes of a home folder logged."""
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.log")))
