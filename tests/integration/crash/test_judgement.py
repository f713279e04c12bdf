from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from contracts.alert import Alert
from contracts.wire import encode
from tests.alerts import CAMPAIGN
from tests.integration.crash.judgement import sink_faults
from tests.integration.crash.turmoil import Outcome

OPENED = replace(CAMPAIGN, status="opened", revision=3)
GROWN = replace(CAMPAIGN, status="grown", revision=8, account_count=24)
STORED = replace(GROWN, revision=9)
"""What SQL has may be newer by something that is no news to people."""


def outcome(*delivered: Alert, stored: Alert = STORED, kills: int = 1) -> Outcome:
    return Outcome(
        verdicts=[],
        alerts=[],
        dead_letters=[],
        delivered=[encode(alert) for alert in delivered],
        stored=[encode(stored)],
        given_up=[],
        done=Counter(kill=kills),
        seconds=0.0,
    )


@pytest.mark.parametrize(
    "delivered",
    [
        pytest.param((OPENED, GROWN), id="each once"),
        pytest.param((replace(GROWN, status="opened"),), id="the newest alone"),
        pytest.param((OPENED, OPENED, GROWN), id="one again, by a worker that was killed"),
    ],
)
def test_a_sink_that_has_all_that_is_new_is_well(delivered: tuple[Alert, ...]) -> None:
    assert sink_faults(outcome(*delivered)) == []


@pytest.mark.parametrize(
    ("delivered", "told"),
    [
        pytest.param((), "told was nothing", id="lost"),
        pytest.param((OPENED,), "is grown by revision 9; told was revision 3", id="its end lost"),
        pytest.param((GROWN, OPENED), "went back", id="in the wrong order"),
        pytest.param((OPENED, OPENED, OPENED, GROWN), "2 deliveries were repeated", id="too often"),
        pytest.param((OPENED, replace(GROWN, status="opened")), "opened 2 times", id="twice"),
        pytest.param((OPENED, replace(OPENED, title="x"), GROWN), "two wordings", id="changed"),
    ],
)
def test_what_a_sink_got_wrong_is_named(delivered: tuple[Alert, ...], told: str) -> None:
    assert told in "\n".join(sink_faults(outcome(*delivered)))
