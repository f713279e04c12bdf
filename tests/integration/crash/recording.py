"""A few hours of traffic with attacks in it, as a platform sends it: out of order, and some twice.

All times lie in the past: what claims to come from the future would be moved. The last events
happen ``CLOSING`` after all others, so that every campaign has gone quiet and nothing is left open.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.event import epoch_ms, rfc3339

LENGTH = timedelta(hours=5)
CLOSING = timedelta(hours=25)
"""After the last event: longer than a campaign stays open, and than any window of the ruleset."""

CLOSING_AGAIN = timedelta(minutes=30)

MAX_DELAY_MS = 110_000
"""An event is sent up to so long after others that happened later: within the lateness, 2 min."""

MAX_REPEAT_MS = 4_500_000
"""An event may be sent again so long after it happened."""

REPEATED = 0.02
"""Share of the events that are sent twice; half of these follow at once, the others much later."""

CLOSERS = 200
"""So many signups and as many posts at the end: every partition of every topic gets some."""

Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One message to the platform's topics."""

    kind: str
    event_id: str
    account_id: str
    occurred_at_ms: int
    value: bytes


@dataclass(slots=True)
class Recording:
    """So many events, the same ones for the same seed and beginning.

    Attributes:
        events: Each once, closing events left out, in no particular order.
        bursts: Accounts of each planted attack, by its name.
        offices: Accounts that share an address and nothing else.
    """

    begins_at: datetime
    count: int
    seed: int = 3
    events: list[Sent] = field(init=False, default_factory=list)
    bursts: dict[str, set[str]] = field(init=False, default_factory=dict)
    offices: set[str] = field(init=False, default_factory=set)
    _random: random.Random = field(init=False)
    _begin_ms: int = field(init=False)
    _accounts: int = field(init=False, default=0)
    _posts: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._begin_ms = epoch_ms(self.begins_at)
        scale = max(1, self.count // 5_000)
        for number in range(scale):
            self._farm(f"farm-{number}", self._at())
            self._chain(f"chain-{number}", self._at())
            self._enumerated(f"mailboxes-{number}", self._at())
            self._link_builders(f"links-{number}", self._at())
            self._office(30 + 20 * (number % 10), self._at(), minutes=5 * (1 + number % 12))
        self._rush(self.count // 20)
        while len(self.events) < self.count:
            self._ordinary()
        self._random.shuffle(self.events)

    def sending(self) -> list[Sent]:
        """In the order of sending: late within the bounds, repeats included, no closing events."""
        pick = self._random
        order = [
            (one.occurred_at_ms + pick.randint(0, MAX_DELAY_MS), number, one)
            for number, one in enumerate(self.events)
        ]
        for one in pick.sample(self.events, round(len(self.events) * REPEATED)):
            longest_ms = pick.choice((MAX_DELAY_MS, MAX_REPEAT_MS))
            order.append((one.occurred_at_ms + pick.randint(0, longest_ms), len(order), one))
        return [one for *_, one in sorted(order)]

    def closing(self, time: int) -> list[Sent]:
        """Events of people with nothing in common: the first time a day and an hour later.

        When they come a second time, half an hour on, whatever still waited for time to pass has
        its turn, as it would have where the traffic goes on.
        """
        newest_ms = max(one.occurred_at_ms for one in self.events)
        at_ms = newest_ms + (CLOSING + time * CLOSING_AGAIN) // timedelta(milliseconds=1)
        closing = []
        for number in range(CLOSERS):
            account = f"closer-{time}-{number}"
            closing.append(_signup(account, at_ms, device_id=f"{account}-device"))
            closing.append(_post(f"{account}-post", account, at_ms, "Thanks", "See you next time."))
        return closing

    def _at(self) -> int:
        return self._begin_ms + self._random.randint(0, LENGTH // timedelta(milliseconds=1))

    def _person(self, at_ms: int, **shared: str) -> str:
        pick = self._random
        self._accounts += 1
        account = f"account-{self._accounts}"
        fields = {
            "email": f"{self._word()}@{pick.choice(('gmail.com', 'web.de', 'gmx.de'))}",
            "ip": self._address(),
            "device_id": f"{pick.getrandbits(64):016x}",
            "user_agent": pick.choice(("Firefox/140", "Chrome/150", "Safari/19")),
            "name": pick.choice(("Ada Novak", "Bruno Costa", "Chen Wei", "Dina Khan")),
            **shared,
        }
        self.events.append(_signup(account, at_ms, **fields))
        return account

    def _says(self, account: str, at_ms: int, title: str, text: str) -> None:
        self._posts += 1
        self.events.append(_post(f"post-{self._posts}", account, at_ms, title, text))

    def _ordinary(self) -> None:
        pick = self._random
        at_ms = self._at()
        home = (
            {"ip": self._address(), "device_id": f"{pick.getrandbits(64):016x}"}
            if pick.random() < 0.1
            else {}
        )
        for _ in range(pick.choice((2, 2, 3)) if home else 1):  # a household
            account = self._person(at_ms + pick.randint(0, 600_000), **home)
            if pick.random() < 0.15:
                text = pick.choice(
                    (
                        "Three quartets, one stage.",
                        f"Clay and tea. https://studio-{pick.getrandbits(32):x}.example",
                        "Bring a light. Map: https://www.openstreetmap.org/way/1",
                    )
                )
                self._says(account, at_ms + pick.randint(60_000, 3_600_000), "Our evening", text)

    def _farm(self, name: str, at_ms: int) -> None:
        """Accounts on a few devices; some of them write hours later."""
        pick = self._random
        devices = [f"{name}-device-{pick.getrandbits(32):x}" for _ in range(pick.randint(1, 3))]
        for number in range(pick.randint(12, 60)):
            account = self._planted(name, at_ms + 15_000 * number, device_id=pick.choice(devices))
            if pick.random() < 0.2:
                self._says(account, at_ms + pick.randint(0, 7_200_000), "Tickets", "Write to me.")

    def _chain(self, name: str, at_ms: int) -> None:
        """Two groups with nothing in common, until an account shares a facet with each."""
        pick = self._random
        device, card = (f"{name}-{what}-{pick.getrandbits(32):x}" for what in ("device", "card"))
        for number in range(pick.randint(8, 20)):
            self._planted(name, at_ms + 20_000 * number, device_id=device)
            self._planted(name, at_ms + 23_000 * number, payment_fingerprint=card)
        bridge = {"device_id": device, "payment_fingerprint": card}
        self._planted(name, at_ms + pick.randint(0, 1_800_000), **bridge)

    def _enumerated(self, name: str, at_ms: int) -> None:
        word = self._word()
        for number in range(self._random.randint(10, 40)):
            self._planted(name, at_ms + 30_000 * number, email=f"{word}.vip{number:02}@gmail.com")

    def _link_builders(self, name: str, at_ms: int) -> None:
        """Accounts with nothing in common but the site that they write of, over an hour."""
        pick = self._random
        site = f"cheap-seats-{pick.getrandbits(32):x}.example"
        for _ in range(pick.randint(6, 30)):
            account = self._planted(name, at_ms + pick.randint(0, 3_600_000))
            text = f'<p>Sold out? <a href="https://{site}/{pick.getrandbits(24):x}">Here</a></p>'
            self._says(account, at_ms + pick.randint(0, 5_400_000), "Last seats", text)

    def _planted(self, name: str, at_ms: int, **shared: str) -> str:
        account = self._person(at_ms, **shared)
        self.bursts.setdefault(name, set()).add(account)
        return account

    def _office(self, people: int, at_ms: int, *, minutes: int) -> None:
        address = self._address()
        for _ in range(people):
            shift_ms = self._random.randint(0, minutes * 60_000)
            self.offices.add(self._person(at_ms + shift_ms, ip=address))

    def _rush(self, people: int) -> None:
        """An on-sale: all within ten minutes, a third of them behind a few carriers' addresses."""
        at_ms = self._begin_ms + 3_600_000
        carriers = [self._address() for _ in range(3)]
        for number in range(people):
            shared = {"ip": self._random.choice(carriers)} if number % 3 == 0 else {}
            self.offices.add(self._person(at_ms + self._random.randint(0, 600_000), **shared))

    def _word(self) -> str:
        return "".join(map(self._random.choice, ("bcdfgklmnprst", "aeiou") * 5))

    def _address(self) -> str:
        return ".".join(str(self._random.randint(low, 254)) for low in (11, 0, 0, 1))


def _signup(account: str, at_ms: int, **fields: str) -> Sent:
    return _sent("signup", f"signup-of-{account}", account, at_ms, fields)


def _post(event_id: str, account: str, at_ms: int, title: str, text: str) -> Sent:
    fields = {"kind": "event_page", "title": title, "text": text}
    return _sent("post", event_id, account, at_ms, fields)


def _sent(kind: str, event_id: str, account: str, at_ms: int, fields: Fields) -> Sent:
    about = {"event_id": event_id, "account_id": account, "occurred_at": rfc3339(at_ms)}
    return Sent(
        kind=kind,
        event_id=event_id,
        account_id=account,
        occurred_at_ms=at_ms,
        value=json.dumps({"type": kind, **about, **fields}).encode(),
    )
