"""The signups that every contestant gets: seeded, about 464 bytes of JSON each.

97 of 100 are ordinary people: a device, a card, a page and a text of their own, on networks that they
share with others as people do (homes, offices, carriers). 3 of 100 come in bursts of 4 to 40
accounts, each burst from one hand: one device, card, address pattern, network or planted site. Each
signup shows six facets: device, ip, subnet, email_stem, payment and link_domain.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

SIGNUPS_PER_SECOND = 50
"""Event time: 50,000 signups are 1,000 s, more than the shortest of the windows."""

FRAUD_SHARE = 0.03
BURST_SIZES = (4, 4, 5, 6, 8, 10, 14, 20, 40)
OPEN_BURSTS = 8
"""Bursts that run at a time, in between the ordinary signups."""

HOMES, OFFICES, CARRIERS = 400_000, 3_000, 400
HOME_SHARE, OFFICE_SHARE = 0.70, 0.15

_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "proton.me", "gmx.de", "web.de")
_ENDINGS = ("com", "org", "net", "de", "fr", "co.uk", "studio")
_FIRST = tuple(
    re.findall(
        r"[a-z]+",
        "ada amir anna ben bruno carla chen clara dario dina elif emma erik farah felix gita hana"
        " hugo ida igor ines ivan jana jonas jorge julia kaito kira lars lea leon lina luca maja",
    )
)
_SYLLABLES = tuple(f"{consonant}{vowel}" for consonant in "bcdfgklmnprstvz" for vowel in "aeiou")
_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Safari/18.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0",
)
_INTERESTS = tuple(
    re.findall(
        r"[a-z]+",
        "jazz choirs pottery running climbing theatre sailing chess gardening cinema painting"
        " cycling baking astronomy photography museums folk opera swimming yoga dance comedy"
        " robotics birds hiking origami knitting tennis rowing archery calligraphy fencing juggling"
        " cooking skating karate trains maps radio sculpture puppets languages drums violin piano",
    )
)
"""Of four of these a bio is made: people who do not know each other seldom write the same."""


class Traffic:
    """An endless stream of signups; the same seed and start give the same bytes."""

    def __init__(self, *, start: datetime, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._start = start
        self._number = 0
        self._bursts: list[Iterator[dict[str, str]]] = []

    def signups(self, count: int) -> Iterator[dict[str, str]]:
        """The next ``count`` signups, in the order of their event time."""
        for _ in range(count):
            fraud = self._random.random() < FRAUD_SHARE
            yield self._stamped(self._of_a_burst() if fraud else self.person())

    def messages(self, count: int) -> list[bytes]:
        """The same as JSON."""
        encode = msgspec.json.Encoder().encode
        return [encode(signup) for signup in self.signups(count)]

    def person(self) -> dict[str, str]:
        """What an ordinary person fills in and shows."""
        pick = self._random
        first, last = pick.choice(_FIRST), self._name()
        return {
            "email": f"{first}.{last}{pick.randrange(100)}@{pick.choice(_MAIL)}",
            "ip": self._address(),
            "user_agent": pick.choice(_AGENTS),
            "device_id": f"{pick.getrandbits(128):032x}",
            "name": f"{first.title()} {last.title()}",
            "website": f"https://{last}{first}.{pick.choice(_ENDINGS)}/about",
            "bio": ", ".join(pick.sample(_INTERESTS, 4)),
            "payment_fingerprint": f"card_{pick.getrandbits(96):024x}",
        }

    def _stamped(self, fields: dict[str, str]) -> dict[str, str]:
        number = self._number
        self._number += 1
        at = self._start + timedelta(seconds=number / SIGNUPS_PER_SECOND)
        return {
            "type": "signup",
            "event_id": f"s-{number:08d}",
            "occurred_at": stamp(at),
            "account_id": f"a-{number:08d}",
            **fields,
        }

    def _of_a_burst(self) -> dict[str, str]:
        while True:
            if len(self._bursts) < OPEN_BURSTS:
                self._bursts.append(self._burst())
            burst = self._random.choice(self._bursts)
            if (fields := next(burst, None)) is not None:
                return fields
            self._bursts.remove(burst)

    def _burst(self) -> Iterator[dict[str, str]]:
        """One hand at work: what all of its accounts share, each with the rest of a person."""
        pick = self._random
        template, network = self.person(), self._address().rpartition(".")[0]
        shared = pick.choice(("device_id", "payment_fingerprint", "website", "email"))
        stem = self._name()
        for number in range(pick.choice(BURST_SIZES)):
            fields = self.person()
            fields["ip"] = f"{network}.{pick.randrange(1, 255)}"
            mailbox = f"{stem}.vip{number}@gmail.com"
            fields[shared] = mailbox if shared == "email" else template[shared]
            yield fields

    def _name(self) -> str:
        return "".join(self._random.choices(_SYLLABLES, k=4))

    def _address(self) -> str:
        """Most are at home, some share an office's address, some a carrier's."""
        where = self._random.random()
        if where < HOME_SHARE:
            number = self._random.randrange(HOMES)
            return f"81.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        if where < HOME_SHARE + OFFICE_SHARE:
            number = self._random.randrange(OFFICES)
            return f"145.{number >> 8}.{number & 255}.10"
        number = self._random.randrange(CARRIERS)
        return f"109.40.{number >> 8}.{number & 255}"


def stamp(at: datetime) -> str:
    """A time as events bear it: RFC 3339 in UTC, to the millisecond."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1_000:03d}Z"


def ending_now(count: int) -> datetime:
    """When traffic of so many signups begins if it ends now."""
    return datetime.now(UTC) - timedelta(seconds=count / SIGNUPS_PER_SECOND)
