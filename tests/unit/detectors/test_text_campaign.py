"""Attacks that only texts give away come together as one campaign."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.alert import Alert
from contracts.event import Event
from contracts.ruleset import default_ruleset
from detectors.scorer import Scorer
from tests.traffic import post

NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Omar")
CITIES = ("Berlin", "Lagos", "Leeds", "Austin", "Porto", "Oslo", "Lyon", "Dublin")


def alerts_of(events: list[Event]) -> list[Alert]:
    scorer = Scorer(default_ruleset())
    said = [alert for event in events for alert in scorer.score(event).alerts]
    last = {alert.alert_id: alert for alert in [*said, *scorer.finish()]}
    return [alert for alert in last.values() if alert.status != "closed"]


def posts(text: str, **fields: Any) -> list[Event]:
    return [
        post(
            number,
            at_s=60 * number,
            text=text.format(name=NAMES[number], city=CITIES[number], number=number),
            kind="event_page",
            **fields,
        )
        for number in range(8)
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "We sell garden furniture of oak and teak in {city} and the villages around. Ask for"
            " {name}, look at https://shop{number}.example/oak and order before the summer ends.",
            "again and again",
        ),
        (
            "{city}: {name} repairs it. Ring (555) 018-73{number}0, or better +49 30 901 820 77",
            "giving",
        ),
        (
            "Our plumbers in {city} come at any hour: ask for {name}. We repair pipes and taps and"
            " boilers and whatever else there is in a house that leaks, drips, whistles or howls.",
            "again and again",
        ),
    ],
)
def test_accounts_that_share_nothing_but_their_texts_are_one_campaign(text: str, told: str) -> None:
    (alert,) = alerts_of(posts(text))
    assert (alert.kind, alert.account_count, alert.action) == ("campaign", 8, "review")
    assert told in alert.title


def test_honest_events_on_one_night_are_none() -> None:
    events: list[Event] = [
        post(
            number,
            at_s=60 * number,
            kind="event_page",
            title=f"New Year's Eve Party {2020 + number}",
            text=f"{name} invites you to {city}. Doors at {number + 17}:00, "
            + (
                "a band plays",
                "we dance",
                "bring cake",
                "dress up",
                "with fireworks",
                "for children",
                "by the river",
                "in the old mill",
            )[number]
            + f". Tickets: https://house{number}.example/",
        )
        for number, (name, city) in enumerate(zip(NAMES, CITIES, strict=True))
    ]
    assert alerts_of(events) == []
