"""What an event costs until the windows see it: parsing, and reading, in microseconds.

    python -m bench.reader

Signups of about 460 bytes as a busy evening brings them: addresses, devices and mailboxes that
come again a few times, half of the sites new. Each stage is timed alone, the best of a few rounds:
a shared machine only ever adds.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence

from contracts.event import Signup, parse_event
from contracts.ruleset import default_ruleset
from detectors.content import read_content
from detectors.facet import Facets
from detectors.identity import Identity
from detectors.link_spam import LinkSpam
from detectors.reader import Reader

EVENTS = 20_000
ROUNDS = 5


def signups(*, linked: bool, events: int = EVENTS) -> list[bytes]:
    """An evening's signups, as they come off the topic."""
    return [_signup(number, linked=linked) for number in range(events)]


def _signup(number: int, *, linked: bool) -> bytes:
    minute, second = divmod(number // 100, 60)
    first, last = _FIRST[number % 97 % 8], _LAST[number % 89 % 7]
    fields: dict[str, object] = {
        "type": "signup",
        "event_id": f"signup-{number:08}-5f0c1d",
        "occurred_at": f"2026-11-22T18:{minute:02}:{second:02}.{number % 1_000:03}Z",
        "account_id": f"account-{number:08}",
        "email": f"{first}.{last}{number % 7_001}@{_HOSTS[number % 5]}",
        "ip": f"203.{number % 113}.{number * 7 % 251}.{number * 31 % 253}",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like"
        f" Gecko) Chrome/{120 + number % 11}.0.0.0 Safari/537.36",
        "device_id": f"{number * 2_654_435_761 % 2**64:016x}",
        "name": f"{first.title()} {last.title()}",
        "country": "DE",
        "payment_fingerprint": f"{number * 40_503 % 2**40:010x}",
    }
    if linked:
        site = f"site{number // 2}.example.org" if number % 2 else f"www.shop{number % 50}.com"
        fields["website"] = f"https://{site}/about"
        fields["bio"] = f"We plant trees and tell of it at https://{site}/blog since 1998."
    return json.dumps(fields).encode()


_FIRST = ("anna", "ben", "clara", "david", "emma", "felix", "greta", "hanna")
_LAST = ("schmidt", "kowalski", "rossi", "garcia", "dubois", "novak", "berg")
_HOSTS = ("gmail.com", "web.de", "example.org", "outlook.com", "trees.example.net")


def microseconds(do: Callable[..., object], inputs: Sequence[tuple[object, ...]]) -> float:
    """What one event costs, the best of ``ROUNDS``."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        begun = time.process_time()
        for given in inputs:
            do(*given)
        best = min(best, time.process_time() - begun)
    return best / len(inputs) * 1e6


def main() -> None:
    ruleset = default_ruleset()
    reader = Reader(ruleset)
    for linked in (False, True):
        raws = [(raw,) for raw in signups(linked=linked)]
        parsed = [parse_event(raw) for (raw,) in raws]
        events = [(event,) for event in parsed if isinstance(event, Signup)]
        pairs = [(event, read_content(event)) for (event,) in events]
        print(f"{'signup with links' if linked else 'plain signup'}, {_mean_size(raws):.0f} bytes")
        together = 0.0
        for name, do, inputs in (
            ("parse", parse_event, raws),
            ("read", reader.read, events),
            ("  content", read_content, events),
            ("  facets", Facets(ruleset).of, pairs),
            ("  link spam", LinkSpam(ruleset).observe, pairs),
            ("  identity", Identity(ruleset).observe, events),
        ):
            cost = microseconds(do, inputs)
            together += 0.0 if name.startswith(" ") else cost
            print(f"  {name:<14}{cost:6.2f} µs")
        print(f"  {'together':<14}{together:6.2f} µs")


def _mean_size(raws: Sequence[tuple[bytes]]) -> float:
    return sum(len(raw) for (raw,) in raws) / len(raws)


if __name__ == "__main__":
    main()
