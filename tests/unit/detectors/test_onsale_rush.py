"""When tickets go on sale, thousands of honest people sign up at once: that is no attack."""

from __future__ import annotations

import random
from collections import Counter

from contracts.event import Event
from contracts.ruleset import default_ruleset
from detectors.scorer import Scorer
from tests.traffic import signup

PEOPLE = 10_000
MINUTES = 10
FIRST = ("anna", "ben", "carla", "david", "elif", "emma", "felix", "gita", "hugo", "ines", "jonas")
LAST = ("abbas", "bauer", "costa", "diaz", "eriksen", "fischer", "garcia", "hansen", "ivanova")
MAIL = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de")


def rush(pick: random.Random) -> list[Event]:
    """Everybody on a device of their own: four in ten behind carriers' gateways, two in offices.

    A gateway of a carrier, one of 20, serves 200 of them; an office or a school, one of 40, 50.
    """
    events: list[Event] = []
    for number in range(PEOPLE):
        share = number % 10
        if share < 4:
            ip = f"100.64.{number // 10 % 4}.{number // 40 % 5}"
        elif share < 6:
            ip = f"198.51.100.{number // 10 % 40}"
        else:
            ip = f"10.{number // 60_000}.{number // 250 % 250}.{number % 250}"
        first, last = pick.choice(FIRST), pick.choice(LAST)
        born = pick.randint(50, 99) if pick.random() < 0.4 else ""
        # most names are taken: there is something of one's own to them, and often a year
        own = "".join(pick.choices("abcdefghijklmnopqrstuvwxyz", k=3))
        events.append(
            signup(
                number,
                at_s=pick.uniform(0, 60 * MINUTES),
                ip=ip,
                device_id=f"device-{number}",
                email=f"{first}.{last}{own}{born}@{pick.choice(MAIL)}",
                name=f"{first} {last}".title(),
                user_agent=f"Browser {number % 12}",
                payment_fingerprint=f"card-{number}",
                website="https://www.instagram.com/somebody" if share == 9 else None,
            )
        )
    return sorted(events, key=lambda event: event.occurred_at)


def test_an_on_sale_rush_is_no_campaign_and_disturbs_nobody() -> None:
    scorer = Scorer(default_ruleset())
    outcomes = [scorer.score(event) for event in rush(random.Random(2026))]
    newest = {one.event_id: one for outcome in outcomes for one in outcome.verdicts}
    assert len(newest) == PEOPLE
    assert Counter(one.action for one in newest.values()) == {"allow": PEOPLE}
    assert [one.campaign_id for one in newest.values() if one.campaign_id] == []
    assert [alert.title for outcome in outcomes for alert in outcome.alerts] == []
    assert scorer.finish() == []
    # and yet the crowds were seen: addresses count beside something else
    assert max(one.risk for one in newest.values()) > 0


def test_an_attack_amid_the_rush_is_still_found() -> None:
    pick = random.Random(2026)
    farm = [
        signup(f"farm-{n}", at_s=pick.uniform(0, 600), ip="100.64.0.1", device_id="one")
        for n in range(30)
    ]
    scorer = Scorer(default_ruleset())
    events = sorted([*rush(pick)[:2_000], *farm], key=lambda event: event.occurred_at)
    alerts = [alert for event in events for alert in scorer.score(event).alerts]
    alerts += scorer.finish()
    last = alerts[-1]
    assert {alert.kind for alert in alerts} == {"campaign"}
    assert (last.action, last.account_count) == ("hold", 30)
    assert set(last.account_ids) == {f"a{event.event_id.removeprefix('signup-')}" for event in farm}
