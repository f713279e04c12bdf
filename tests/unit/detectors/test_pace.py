"""The slowest of several sources tells how far event time has come, unless it is idle."""

from __future__ import annotations

from detectors.pace import HEARD_WITHIN, Pace


def test_the_slowest_counts() -> None:
    pace = Pace()
    for source, at_ms, slowest in ((1, 10, 10), (2, 30, 10), (1, 20, 20), (1, 50, 30), (2, 5, 30)):
        pace.observe(source, at_ms)
        assert pace.at_ms == slowest
    assert pace.newest_ms == 50


def test_one_that_is_idle_holds_nobody_back_and_time_never_goes_back() -> None:
    pace = Pace()
    pace.observe(1, 10)
    pace.observe(2, 20)
    for step in range(2 * HEARD_WITHIN):
        pace.observe(2, 100 + step)
    before_ms = pace.at_ms
    assert before_ms > 100
    pace.observe(1, 11)
    assert pace.at_ms == before_ms


def test_it_goes_on_from_what_was_dumped() -> None:
    pace, other = Pace(), Pace()
    pace.observe(1, 10)
    pace.observe(2, 30)
    other.load(pace.dump())
    other.observe(1, 40)
    assert (other.at_ms, other.newest_ms) == (30, 40)
