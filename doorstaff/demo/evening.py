"""The evening's traffic: ordinary people, one on-sale rush, and three attacks."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.event import BaseEvent, Post, Signup, Upload
from contracts.ids import AccountId, EventId, UploadId

ORDINARY = 4_300
RUSH_OFFICE = 400
RUSH_ELSEWHERE = 500
FARM = 40
FARM_DEVICES = 3
ENUMERATED = 30
LINK_BUILDERS = 30
ORDINARY_POSTS = 600

EVENING = timedelta(hours=4)
OFFICE_IP = "198.51.100.17"
PLANTED_DOMAIN = "cheap-arena-tickets.example"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "Ada Amir Anna Ben Bruno Carla Chen Clara Dario Dina Elif Emma Erik Farah Felix Gita Hana "
    "Hugo Ida Igor Ines Ivan Jana Jonas Jorge Julia Kaito Kira Lars Lea Leon Lina Luca Maja "
    "Malik Mara Marco Mei Mia Milan Mona Nadia Nina Noah Nora Olga Omar Oscar Paula Pia Priya "
    "Rafael Rosa Samir Sara Selma Sofia Tariq Teo Tom Uma Vera Viktor Wei Yara Yusuf Zoe"
)
_LAST = _words(
    "Abbas Adeyemi Almeida Andersen Bauer Becker Bianchi Borg Brandt Costa Cruz Dahl Diaz "
    "Dubois Eriksen Fischer Fontana Garcia Gomez Greco Gupta Haas Hansen Hoffmann Ibrahim "
    "Ivanova Jansen Kaya Keller Khan Kim Klein Kovacs Kumar Lang Larsen Lopez Marino Meyer "
    "Moreau Nakamura Ngo Novak Okafor Olsen Park Patel Petrov Popescu Ricci Rossi Sato Schmidt "
    "Silva Singh Sousa Tanaka Torres Vargas Virtanen Wagner Weber Wolf Yilmaz Zhang Zimmer"
)
_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "proton.me", "gmx.de", "web.de")
_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
)
_NOUNS = tuple(
    re.findall(
        r"[a-z]+",
        "accordion archive atlas bakery ballad banner beacon bicycle bonfire bridge canal"
        " candle canvas carousel cello chapel cinema circus clarinet clay comet compass copper"
        " cottage courtyard cricket daylight dialect dragon drum echo engine fable falcon"
        " feather ferry fiddle film forest fountain fox gallery garden glacier glaze granite"
        " guitar harbour harvest hedgehog heron hill honey horizon island ivory juggler jungle"
        " kettle kite lantern lemon library lighthouse loom magnet mandolin maple market meadow"
        " mirror monsoon mosaic moss mountain mural museum needle novel oasis oboe ocean"
        " orchard organ otter paper pebble pepper piano planet poem pottery puppet quarry"
        " quartet quilt radio rain raven reef river robot saddle satire shadow silver sketch"
        " snow sonata spice stage statue story sunset tango tea temple theatre thunder tower"
        " trombone tulip valley velvet village violin volcano walnut waltz whale willow winter"
        " wool yarn zither",
    )
)
_KINDS = tuple(
    re.findall(
        r"[a-z]+",
        "ancient bold bright calm clever curious eager famous fresh gentle golden honest"
        " hidden hollow jolly lively local loud lucky merry mild modern narrow odd open patient"
        " plain polite proud quick quiet rare ripe rough round rural sharp shy simple slow"
        " small smooth soft spare steady strange sunny tall tidy tiny urban warm wide wild wise"
        " witty young",
    )
)
"""What honest people announce is made of these, so that no two say the same by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """What was hidden in the evening: what the pipeline has to find, and to leave alone."""

    farm: frozenset[AccountId]
    enumerated: frozenset[AccountId]
    link_builders: frozenset[AccountId]
    office: frozenset[AccountId]

    @property
    def attackers(self) -> frozenset[AccountId]:
        """Accounts of all campaigns."""
        return self.farm | self.enumerated | self.link_builders


@dataclass(slots=True)
class Evening:
    """Makes the events, the same ones for the same seed and beginning."""

    begins_at: datetime
    seed: int = 20_26
    _random: random.Random = field(init=False)
    _number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def events(self) -> tuple[list[BaseEvent], Planted]:
        """All signups and posts, in the order they happen, and what is planted in them."""
        rush_at = self.begins_at + timedelta(hours=1)
        events: list[BaseEvent] = []
        people = [self._person(self._within(self.begins_at, EVENING)) for _ in range(ORDINARY)]
        elsewhere = [
            self._person(self._within(rush_at, timedelta(minutes=10)))
            for _ in range(RUSH_ELSEWHERE)
        ]
        office = [
            self._person(self._within(rush_at, timedelta(minutes=10)), ip=OFFICE_IP)
            for _ in range(RUSH_OFFICE)
        ]
        farm = list(self._farm(self.begins_at + timedelta(minutes=80)))
        enumerated = list(self._enumerated(self.begins_at + timedelta(minutes=130)))
        builders = [
            self._person(self._within(self.begins_at + timedelta(minutes=100), EVENING / 4))
            for _ in range(LINK_BUILDERS)
        ]
        events += [*people, *elsewhere, *office, *farm, *enumerated, *builders]
        events += [self._ordinary_post(who) for who in self._random.sample(people, ORDINARY_POSTS)]
        events += [self._planted_post(who) for who in builders]
        events.sort(key=lambda event: (event.occurred_at, event.event_id))
        planted = Planted(
            farm=_accounts(farm),
            enumerated=_accounts(enumerated),
            link_builders=_accounts(builders),
            office=_accounts(office),
        )
        return events, planted

    def upload(self, number: int, *, uri: str, title: str) -> Upload:
        """One upload, by an account of its own, late in the evening."""
        at = self.begins_at + timedelta(minutes=150 + number)
        return Upload(
            event_id=EventId(f"upload-{number}"),
            account_id=AccountId(f"uploader-{number}"),
            occurred_at=at,
            upload_id=UploadId(f"video-{number}"),
            uri=uri,
            title=title,
        )

    def _person(self, at: datetime, *, ip: str | None = None) -> Signup:
        pick = self._random
        first, last = pick.choice(_FIRST), pick.choice(_LAST)
        local = pick.choice(
            (f"{first}.{last}", f"{first[0]}{last}", f"{last}.{first}", f"{first}_{last}")
        )
        number = pick.choice(("", "", str(pick.randint(1960, 2008)), str(pick.randint(1, 99))))
        return self._signup(
            at,
            email=f"{local.lower()}{number}@{pick.choice(_MAIL)}",
            ip=ip or self._home_ip(),
            device_id=f"{pick.getrandbits(64):016x}",
            name=f"{first} {last}",
        )

    def _farm(self, begins_at: datetime) -> Iterator[Signup]:
        devices = [f"{self._random.getrandbits(64):016x}" for _ in range(FARM_DEVICES)]
        card = f"card-{self._random.getrandbits(48):012x}"
        for number in range(FARM):
            person = self._person(begins_at + timedelta(seconds=40 * number))
            shared = {"device_id": devices[number % FARM_DEVICES], "payment_fingerprint": card}
            yield person.model_copy(update=shared)

    def _enumerated(self, begins_at: datetime) -> Iterator[Signup]:
        for number in range(ENUMERATED):
            person = self._person(begins_at + timedelta(seconds=30 * number))
            yield person.model_copy(update={"email": f"vip.passes{number + 1:02d}@gmail.com"})

    def _signup(self, at: datetime, *, email: str, ip: str, device_id: str, name: str) -> Signup:
        self._number += 1
        return Signup.model_validate(
            {
                "event_id": f"signup-{self._number}",
                "account_id": f"account-{self._number}",
                "occurred_at": at,
                "email": email,
                "ip": ip,
                "user_agent": self._random.choice(_AGENTS),
                "device_id": device_id,
                "name": name,
            }
        )

    def _ordinary_post(self, who: Signup) -> Post:
        one, other, *rest = self._random.sample(_NOUNS, 10)
        kinds = self._random.sample(_KINDS, 4)
        title = f"{kinds[0]} {one} and {other}".capitalize()
        text = (
            f"{rest[0].title()}, {rest[1]} and {kinds[1]} {rest[2]}; {rest[3]} by {kinds[2]}"
            f" {rest[4]}. {rest[5].title()} or {rest[6]}, {kinds[3]} {rest[7]}."
        )
        own_site = f"https://{str(who.name).lower().replace(' ', '-')}.example"
        links = ("", f" More on {own_site}.", " Map: https://www.openstreetmap.org/way/1")
        return self._post(who, title, text + self._random.choice(links))

    def _planted_post(self, who: Signup) -> Post:
        seats = self._random.choice(("front row", "floor", "VIP", "balcony"))
        text = (
            f'<p>Sold out? Get {seats} seats at <a href="https://{PLANTED_DOMAIN}/'
            f'{self._random.getrandbits(24):06x}">the official shop</a>.</p>'
        )
        return self._post(who, f"Last {seats} tickets", text)

    def _post(self, who: Signup, title: str, text: str) -> Post:
        later = timedelta(seconds=self._random.randint(60, 900))
        return Post(
            event_id=EventId(f"post-of-{who.event_id}"),
            account_id=who.account_id,
            occurred_at=who.occurred_at + later,
            kind="event_page",
            title=title,
            text=text,
        )

    def _within(self, begins_at: datetime, length: timedelta) -> datetime:
        seconds = self._random.uniform(0, length.total_seconds())
        return begins_at + timedelta(milliseconds=int(seconds * 1_000))

    def _home_ip(self) -> str:
        pick = self._random
        network = f"{pick.randint(11, 99)}.{pick.randint(0, 255)}.{pick.randint(0, 255)}"
        return f"{network}.{pick.randint(1, 254)}"


def _accounts(signups: list[Signup]) -> frozenset[AccountId]:
    return frozenset(signup.account_id for signup in signups)
