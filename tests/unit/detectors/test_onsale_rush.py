"""When tickets go on sale, thousands of honest people sign up at once: that is no attack."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from contracts.event import Event
from contracts.ruleset import default_ruleset
from detectors.scorer import Scorer
from tests.traffic import signup

PEOPLE = 10_000
MINUTES = 10
FIRST = re.findall(
    r"[a-z]+",
    "ada amir anna ben bruno carla chen clara dario dina elif emma erik farah felix gita hana hugo "
    "ida igor ines ivan jana jonas jorge julia kaito kira lars lea leon lina luca maja malik mara "
    "marco mei mia milan mona nadia nina noah nora olga omar oscar paula pia priya rafael rosa "
    "samir sara selma sofia tariq teo tom uma vera viktor wei yara yusuf zoe michael stephanie "
    "alexander",
)
LAST = re.findall(
    r"[a-z]+",
    "abbas adeyemi almeida andersen bauer becker bianchi borg brandt costa cruz dahl diaz dubois "
    "eriksen fischer fontana garcia gomez greco gupta haas hansen hoffmann ibrahim ivanova jansen "
    "kaya keller khan kim klein kovacs kumar lang larsen lopez marino meyer moreau nakamura ngo "
    "novak okafor olsen park patel petrov popescu ricci rossi sato schmidt silva singh sousa "
    "tanaka torres vargas virtanen wagner weber wolf yilmaz zhang zimmer smith johnson williams "
    "rodriguez",
)
MAIL = ("gmail.com", "outlook.com", "yahoo.com")
MAILBOXES = ("{first}.{last}{born:02}", "{first}19{born:02}", "{first[0]}{last}{born:02}")
"""What people have whose name was taken: ``anna.bauer84``, ``anna1987``, ``abauer77``."""


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
        mailbox = pick.choice(MAILBOXES).format(first=first, last=last, born=pick.randint(50, 99))
        events.append(
            signup(
                number,
                at_s=pick.uniform(0, 60 * MINUTES),
                ip=ip,
                device_id=f"device-{number}",
                email=f"{mailbox}@{pick.choice(MAIL)}",
                name=f"{first} {last}".title(),
                user_agent=f"Browser {number % 12}",
                payment_fingerprint=f"card-{number}",
                website="https://www.instagram.com/somebody" if share == 9 else None,
            )
        )
    return sorted(events, key=lambda event: event.occurred_at)


def test_the_rush_has_as_many_names_as_was_measured() -> None:
    assert (len(set(FIRST)), len(set(LAST))) == (70, 70)


@pytest.mark.parametrize("seed", [1, 2, 2026])
def test_an_on_sale_rush_is_no_campaign_and_disturbs_nobody(seed: int) -> None:
    scorer = Scorer(default_ruleset())
    outcomes = [scorer.score(event) for event in rush(random.Random(seed))]
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


@pytest.mark.parametrize(
    "mailbox",
    ["vip.passes{:02}@gmail.com", "ticket.deals.{}@outlook.com", "cheapseats{}@yahoo.com"],
)
def test_numbered_mailboxes_amid_the_rush_are_still_found(mailbox: str) -> None:
    pick = random.Random(2026)
    numbered = [
        signup(f"numbered-{n}", at_s=pick.uniform(0, 600), email=mailbox.format(n))
        for n in range(1, 31)
    ]
    scorer = Scorer(default_ruleset())
    events = sorted([*rush(pick)[:2_000], *numbered], key=lambda event: event.occurred_at)
    alerts = [alert for event in events for alert in scorer.score(event).alerts]
    alerts += scorer.finish()
    assert len({alert.campaign_id for alert in alerts}) == 1
    assert (alerts[-1].action, alerts[-1].account_count) == ("hold", 30)
    accounts = {f"a{event.event_id.removeprefix('signup-')}" for event in numbered}
    assert set(alerts[-1].account_ids) == accounts
