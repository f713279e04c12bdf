"""The rate bench on a few hundred signups: does it still run, and see all of them done?"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.page import write_page
from bench.ruleset import COUNTED, FACETS, WINDOWS_SECONDS, bench_ruleset
from bench.traffic import Traffic
from contracts.event import parse_event
from detectors.reader import Reader
from tests.process import settings

START = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_signup_of_the_bench_shows_six_facets_and_has_the_asked_size() -> None:
    reader = Reader(bench_ruleset())
    messages = Traffic(start=START).messages(1_000)
    readings = [
        reader.read(event) for raw in messages if (event := parse_event(raw)).type != "decision"
    ]
    assert {len(reading.facets) for reading in readings} == {COUNTED}
    assert 440 <= sum(map(len, messages)) / len(messages) <= 480


def test_the_same_seed_gives_the_same_signups() -> None:
    once, again, other = (Traffic(start=START, seed=seed).messages(200) for seed in (1, 1, 2))
    assert once == again != other


@pytest.mark.parametrize("facets", [2, COUNTED, len(FACETS)])
def test_every_facet_has_its_windows(facets: int) -> None:
    rules = bench_ruleset(facets).velocity
    assert len(rules) == facets * len(WINDOWS_SECONDS)


@pytest.mark.slow
def test_the_bench_runs(tmp_path: Path) -> None:
    results = tmp_path / "rate.json"
    parts = ("workers", "shared_out", "peers", "replay", "latency", "keys")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "bench.rate", "--quick", "--results", str(results)),
            *(word for part in parts for word in ("--only", part)),
        ],
        env=settings(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(results.read_text())
    assert found["parts"].keys() == set(parts)
    rows = {name: part["rows"][0] for name, part in found["parts"].items() if part["rows"]}
    assert rows.keys() >= set(parts) - {"shared_out"}  # it takes root
    assert "shared_out" not in rows or rows["shared_out"]["cores"] < 1
    for name in ("workers", "peers"):
        assert rows[name]["done"] == rows[name]["events"] > 0
        assert rows[name]["rate"] > 0
    assert rows["replay"]["verdicts"] >= rows["replay"]["events"] > 0
    assert rows["latency"]["alerts"] >= 0.9 * rows["latency"]["expected"] > 0
    assert rows["keys"]["kept"] == rows["keys"]["keys"]
    write_page(found, tmp_path / "benchmarks.md")
    page = (tmp_path / "benchmarks.md").read_text()
    assert "**Doorstaff, the whole live path**" in page
    assert "reached" in page
