"""What an event costs until the windows see it: parsing, and reading by stage, in microseconds.

    python -m bench.reader

Signups are those of ``bench.traffic``, posts are of 500 characters. Events are read as intake reads
them, by the batch. Each stage is timed alone, in CPU time, on events that it has not seen before:
nearly every account brings a device, a mailbox and a site of its own. The median of several rounds,
and the least: a shared machine only ever adds.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from bench.ruleset import bench_ruleset
from bench.traffic import Traffic
from contracts.event import Event, parse_event
from contracts.ruleset import Ruleset, default_ruleset
from detectors.content import read_content, read_contents
from detectors.facet import Facets
from detectors.first_link import FirstLink
from detectors.identity import Identity
from detectors.learned import Learned
from detectors.lettering import Lettering
from detectors.link_spam import LinkSpam
from detectors.mailbox import mailbox_of
from detectors.prohibited import Prohibited
from detectors.reader import Reader
from detectors.text_model import bundled_model
from detectors.vip import VipTraits
from detectors.wording import read_wording

EVENTS = 5_000
ROUNDS = 7
BATCH = 250
"""Events that intake reads at once under load: of one partition, what came since the last time."""
POST_CHARS = 500

Rows = Sequence[Sequence[object]]
Stage = tuple[str, Callable[[Rows], object], Callable[[Event, bytes], Sequence[object]]]
"""Its name, what it does with a batch, and what it is given of each event."""


def stages(ruleset: Ruleset) -> tuple[Stage, ...]:
    """The parts of parsing and reading; those that begin with a blank are parts of ``read``."""
    reader = Reader(ruleset)
    return (
        ("parse", _each(parse_event), lambda _, raw: (raw,)),
        ("read", _all(reader.read_all), _alone),
        (" content", _all(read_contents), _alone),
        (" mailbox", _each(mailbox_of), _alone),
        (" facets", _each(Facets(ruleset).read), _with_content_and_mailbox),
        (" link spam", _each(LinkSpam(ruleset).observe), _with_content),
        (
            " identity",
            _each(Identity(ruleset).observe),
            lambda event, _: (event, mailbox_of(event)),
        ),
        (" VIP", _each(VipTraits(ruleset).observe), _with_content),
    )


def stages_of_text(ruleset: Ruleset) -> tuple[Stage, ...]:
    """The parts of reading that a signup without a text has not."""
    learned, prohibited = Learned(ruleset, bundled_model()), Prohibited(ruleset)
    return (
        (" wording", _each(read_wording), lambda event, _: (read_content(event),)),
        (" lettering", _each(Lettering(ruleset).observe), _with_wording),
        (" first link", _each(FirstLink(ruleset).observe), _with_content),
        (
            " prohibited",
            lambda rows: prohibited.observe_all([row[-1] for row in rows]),
            _with_wording,
        ),
        (" learned", _all(learned.observe_all), _with_wording),
    )


def report(name: str, messages: Iterator[bytes], parts: tuple[Stage, ...]) -> None:
    """Time each stage on messages of its own, round by round, and print a line for each."""
    taken: dict[str, list[float]] = {}
    sizes: list[int] = []
    for _ in range(ROUNDS):
        for stage, do, given in parts:
            raws = [next(messages) for _ in range(EVENTS)]
            sizes += map(len, raws)
            inputs = [given(_event(raw), raw) for raw in raws]
            taken.setdefault(stage, []).append(_microseconds(do, inputs))
    print(f"{name}, {statistics.mean(sizes):.0f} bytes, in µs of CPU: median, least")
    taken["parse + read"] = [
        parse + read for parse, read in zip(taken["parse"], taken["read"], strict=True)
    ]
    for stage, times in taken.items():
        print(f"  {stage:<14}{statistics.median(times):8.2f}{min(times):8.2f}")
    together = statistics.median(taken["parse + read"])
    print(f"  {1e6 / together:,.0f} a second a core")


def signups() -> Iterator[bytes]:
    """The signups of ``bench.traffic``, without end."""
    traffic = Traffic(start=datetime(2026, 1, 1, tzinfo=UTC))
    while True:
        yield from traffic.messages(EVENTS)


def posts(*, seed: int = 1) -> Iterator[bytes]:
    """Posts of ``POST_CHARS`` characters: prose with a link or two, some in markup."""
    pick = random.Random(seed)
    number = 0
    while True:
        number += 1
        site = f"https://{''.join(pick.choices(_LETTERS, k=8))}.{pick.choice(_SUFFIXES)}/programme"
        linked = pick.choice(
            (
                f'<p>Tickets at <a href="{site}">our own shop</a>, and at the door.</p>',
                f"Tickets at {site} and at the door. ",
                f"[Tickets]({site}) & more at the door. Call (030) 901 820, or see {site}/map. ",
            )
        )
        text = linked + " ".join(pick.choices(_SENTENCES, k=12))
        yield json.dumps(
            {
                "type": "post",
                "event_id": f"p-{number:08d}",
                "occurred_at": "2026-01-01T00:00:00.000Z",
                "account_id": f"a-{number:08d}",
                "kind": pick.choice(("event_page", "comment")),
                "title": f"{pick.choice(_SENTENCES)[:30]} {number}",
                "text": text[:POST_CHARS],
            }
        ).encode()


_LETTERS = "abcdefghiklmnoprstuvwz"
_SUFFIXES = ("com", "org", "de", "co.uk", "example")
_SENTENCES = (
    "We meet in the old town hall, as every year, and talk about trees.",
    "Doors open at 19:00, and the first set begins at half past seven.",
    "There are three quartets on one stage, with a break for soup in between.",
    "Bring your own cup: there is tea, and coffee from the co-operative next door.",
    "“Never too late”, says Zoë, who began to play the viola at 61.",
)


def _each(do: Callable[..., object]) -> Callable[[Rows], object]:
    return lambda rows: [do(*row) for row in rows]


def _all(do: Callable[..., object]) -> Callable[[Rows], object]:
    return lambda rows: do(*zip(*rows, strict=True))


def _alone(event: Event, _: bytes) -> Sequence[object]:
    return (event,)


def _with_content(event: Event, _: bytes) -> Sequence[object]:
    return event, read_content(event)


def _with_content_and_mailbox(event: Event, _: bytes) -> Sequence[object]:
    content = read_content(event)
    return event, content, mailbox_of(event), read_wording(content)


def _with_wording(event: Event, _: bytes) -> Sequence[object]:
    content = read_content(event)
    return event, content, read_wording(content)


def _event(raw: bytes) -> Event:
    event = parse_event(raw)
    if not isinstance(event, Event):
        msg = "the bench sends no decisions"
        raise TypeError(msg)
    return event


def _microseconds(do: Callable[[Rows], object], inputs: Rows) -> float:
    gc.collect()
    begun = time.process_time()
    for start in range(0, len(inputs), BATCH):
        do(inputs[start : start + BATCH])
    return (time.process_time() - begun) / EVENTS * 1e6


def main() -> None:
    report("signup, counted by six kinds", signups(), stages(bench_ruleset()))
    shipped = default_ruleset()
    all_stages = stages(shipped) + stages_of_text(shipped)
    report("post, by the ruleset that ships", posts(), all_stages)


if __name__ == "__main__":
    main()
