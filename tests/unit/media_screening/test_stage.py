from __future__ import annotations

import time

import pytest

from media_screening.stage import StageLog


def busy(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_what_is_done_aside_is_counted_to_its_own_stage() -> None:
    log = StageLog()
    busy(0.01)
    with log.aside("leads"):
        busy(0.05)
    busy(0.01)
    log.end("sparse", "key frames", 3)
    log.end("file", "")
    busy(0.02)
    log.end("leads", "2 leads")
    sparse, file, leads = log.stages
    assert (sparse.name, sparse.pictures, leads.decided) == ("sparse", 3, "2 leads")
    assert sparse.cpu_s == pytest.approx(0.02, abs=0.015)
    assert file.cpu_s == pytest.approx(0.0, abs=0.01)
    assert leads.cpu_s == pytest.approx(0.07, abs=0.02)
    for stage in log.stages:
        assert stage.elapsed_s >= stage.cpu_s - 0.01
