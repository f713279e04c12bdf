"""The stages together, without a broker: what they come to is what the scorer comes to."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.alert import Alert
from contracts.event import EventModel
from contracts.ids import AccountId, Action, AlertId, EventId, stricter
from contracts.ruleset import Ruleset, default_ruleset
from contracts.verdict import Verdict
from detectors.content import Content
from detectors.link_spam import LinkSpam
from detectors.scorer import Scorer
from streams.message import Outgoing, Record
from streams.topic import MAX_DEAD_LETTER_BYTES
from tests.alerts import standing
from tests.traffic import post, rule, ruleset, signup
from tests.unit.contracts.messages import SCREENING
from tests.unit.contracts.test_event import UPLOAD
from tests.unit.streams.bus import SENT_AT_MS, Bus, fields

DEFAULT = default_ruleset()
LATER = signup("later", at_s=4_200)
"""An ordinary event, so long after the others that all growth is told."""


def strictest(verdicts: dict[EventId, Verdict]) -> dict[AccountId, Action]:
    actions: dict[AccountId, Action] = defaultdict(lambda: "allow")
    for verdict in verdicts.values():
        actions[verdict.account_id] = stricter(actions[verdict.account_id], verdict.action)
    return dict(actions)


def by_scorer(
    events: list[EventModel], rules: Ruleset
) -> tuple[dict[EventId, Verdict], dict[AlertId, Alert]]:
    """The newest verdict of each event, and the alerts that stand."""
    scorer = Scorer(rules)
    outcomes = [scorer.score(event) for event in events]
    return (
        {verdict.event_id: verdict for outcome in outcomes for verdict in outcome.verdicts},
        standing(alert for outcome in outcomes for alert in outcome.alerts),
    )


def by_stream(
    events: list[EventModel], rules: Ruleset, pick: random.Random, *, partitions: int, most: int
) -> Bus:
    """The last event is sent when all others have come through."""
    bus = Bus(rules, partitions=partitions)
    for event in events[:-1]:
        bus.send(event)
    bus.run(pick, most=most)
    bus.send(events[-1])
    bus.run(pick, most=most)
    return bus


def members(alerts: dict[AlertId, Alert]) -> list[list[str]]:
    """Who belongs together, by the alerts that are still open."""
    return sorted(sorted(one.account_ids) for one in alerts.values() if one.status != "closed")


def evening(pick: random.Random) -> list[EventModel]:
    """A farm, numbered mailboxes, link builders and ordinary people, within an hour."""
    events: list[EventModel] = []
    for number in range(60):
        events.append(
            signup(
                f"p{number}",
                account=f"p{number}",
                at_s=pick.uniform(0, 3_000),
                ip=f"192.0.2.{number}",
                device_id=f"own-{number}",
            )
        )
    for number in range(14):
        at_s = pick.uniform(0, 3_000)
        farm = f"farm-{number % 2}"
        events.append(
            signup(
                f"f{number}",
                account=f"f{number}",
                at_s=at_s,
                device_id=farm,
                payment_fingerprint="one card" if number < 6 else f"card {number}",
            )
        )
        events.append(
            signup(
                f"m{number}", account=f"m{number}", at_s=at_s, email=f"vip.pass{number}@gmail.com"
            )
        )
        text = "Seats at https://cheap-arena.example/ now"
        events.append(post(f"l{number}", account=f"l{number}", at_s=at_s, text=text))
    return sorted(events, key=lambda event: event.occurred_at)


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5]), st.sampled_from([1, 7, 100]))
@settings(max_examples=20)
def test_in_whatever_order_partitions_are_read_the_stream_comes_to_what_the_scorer_does(
    seed: int, partitions: int, most: int
) -> None:
    pick = random.Random(seed)
    events = evening(pick)
    lateness_s = DEFAULT.lateness
    come = sorted(events, key=lambda one: one.occurred_at.timestamp() + pick.uniform(0, lateness_s))
    bus = by_stream([*come, LATER], DEFAULT, pick, partitions=partitions, most=most)
    verdicts, alerts = by_scorer([*events, LATER], DEFAULT)
    streamed = bus.verdicts()
    assert streamed.keys() == {event.event_id for event in [*events, LATER]}
    assert streamed == verdicts
    assert standing(bus.alerts()) == alerts
    assert [len(accounts) for accounts in members(alerts)] == [14, 14, 14]
    assert bus.dead_letters() == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 6), st.integers(0, 3_000), st.sampled_from("xyz"), st.sampled_from("pq")
        ),
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=50)
def test_any_events_in_any_order(
    rows: list[tuple[int, int, str, str]], pick: random.Random
) -> None:
    rules = ruleset(rule((2, 45), (4, 85)), rule((3, 45), facet="payment"))
    events: list[EventModel] = [
        signup(n, account=f"a{who}", at_s=at_s, device_id=device, payment_fingerprint=card)
        for n, (who, at_s, device, card) in enumerate(sorted(rows, key=lambda row: row[1]))
    ]
    events.append(LATER)
    bus = by_stream(events, rules, pick, partitions=3, most=4)
    verdicts, alerts = by_scorer(events, rules)
    assert bus.verdicts() == verdicts
    assert standing(bus.alerts()) == alerts


def test_a_verdict_that_changes_nothing_goes_straight_out() -> None:
    bus = Bus(DEFAULT)
    bus.send(signup(1))
    bus.run()
    assert bus.verdicts()[EventId("signup-1")].action == "allow"
    assert bus.alerts() == []


def test_an_upload_is_a_job_and_gets_a_verdict() -> None:
    bus = Bus(DEFAULT)
    bus.send(json.dumps(UPLOAD).encode(), topic=bus.topics.uploads)
    bus.run()
    (job,) = bus.jobs
    assert (job.event_id, job.upload_id, job.uri) == ("e3", "u1", UPLOAD["uri"])
    assert job.sha256 == UPLOAD["sha256"]
    assert bus.verdicts()[EventId("e3")].action == "allow"


def test_a_match_is_a_verdict_and_one_media_alert() -> None:
    bus = Bus(DEFAULT)
    bus.send(SCREENING)
    bus.send(SCREENING)
    bus.run(random.Random(1))
    (alert,) = bus.alerts()
    assert (alert.kind, alert.matches) == ("media", SCREENING.matches)
    assert bus.verdicts()[SCREENING.event_id].action == "hold"


def test_an_alert_knows_when_the_event_that_raised_it_came_in() -> None:
    bus = Bus(DEFAULT, partitions=1)
    for number in range(4):
        bus.send(signup(number, device_id="farm"))
    bus.run()
    (case,) = bus.of(bus.topics.cases)
    alerts = [
        message
        for message in bus.fresh(bus.topics.cases).handle([case])
        if isinstance(message, Outgoing) and message.topic == bus.topics.alerts
    ]
    assert [message.ingested_at_ms for message in alerts] == [SENT_AT_MS]


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_a_stage_that_is_restored_goes_on_as_if_nothing_had_happened(seed: int) -> None:
    pick = random.Random(seed)
    events = [*evening(pick), LATER]
    bus = Bus(DEFAULT, partitions=2)
    half = len(events) // 2
    for part in (events[:half], events[half:-1], events[-1:]):
        for event in part:
            bus.send(event)
        bus.run(pick, most=9)
        for topic in bus.readers:
            bus.restart(topic)
    verdicts, alerts = by_scorer(events, DEFAULT)
    assert strictest(bus.verdicts()) == strictest(verdicts)
    assert standing(bus.alerts()) == alerts
    for event in events:
        bus.send(event)  # all of them repeats
    before = len(bus.of(bus.topics.verdicts))
    bus.run(pick)
    assert len(bus.of(bus.topics.verdicts)) == before


def test_repeats_are_dropped_where_they_came_in() -> None:
    bus = Bus(DEFAULT)
    for _ in range(3):
        bus.send(signup(1))
    bus.run()
    bus.send(signup(1))
    bus.run()
    assert len(bus.of(bus.topics.verdicts)) == 1


def test_one_that_was_sent_again_from_the_dead_letters_is_no_repeat() -> None:
    bus = Bus(DEFAULT)
    bus.send(signup(1))
    bus.send(signup(1), is_retry=True)
    bus.run()
    assert len(bus.of(bus.topics.verdicts)) == 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff", "not JSON: "),
        (b"", "not JSON: "),
        (fields(signup(1), lambda e: e.pop("occurred_at")), "signup.occurred_at: Field required"),
        (fields(signup(1), lambda e: e.update(type="login")), "type: must be one of"),
        (
            fields(post(1, text="x"), lambda _: None),
            "type post on doorstaff.signups: it belongs on its own topic",
        ),
        (
            b'{"type":"decision","decision_id":"d","occurred_at":"2026-01-01T00:00:00Z",'
            b'"account_ids":["a"],"action":"ban","reviewer":"m"}',
            "type decision on doorstaff.signups: ",
        ),
    ],
)
def test_what_is_no_event_of_its_topic_dies_with_reason_and_origin(raw: bytes, reason: str) -> None:
    bus = Bus(DEFAULT)
    bus.send(signup("before"), partition=3)
    bus.send(raw, topic=bus.topics.signups, partition=3)
    bus.send(signup("after"), partition=3)
    bus.run()
    (letter,) = bus.dead_letters()
    assert letter.reason.startswith(reason)
    assert (letter.topic, letter.partition, letter.offset) == (bus.topics.signups, 3, 1)
    assert (letter.value, letter.key) == (raw, b"raw")
    assert bus.verdicts().keys() == {"signup-before", "signup-after"}


@pytest.mark.parametrize("topic", ["facets", "signals", "cases", "screenings"])
@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"batch": 1}', b"\xff"])
def test_a_foreign_message_between_the_agents_stops_nobody(topic: str, raw: bytes) -> None:
    bus = Bus(DEFAULT)
    bus.send(raw, topic=f"{bus.topics.prefix}{topic}", partition=0)
    bus.send(signup("after"))
    bus.run()
    (letter,) = bus.dead_letters()
    assert letter.reason.startswith("not a ")
    assert (letter.topic, letter.partition, letter.offset) == (f"doorstaff.{topic}", 0, 0)
    assert letter.value == raw
    assert bus.verdicts().keys() == {"signup-after"}


def test_a_bug_in_a_detector_costs_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(self: LinkSpam, content: Content) -> Any:
        if content.links:
            raise ZeroDivisionError(content.links)
        return ()

    monkeypatch.setattr(LinkSpam, "find", trip)
    odd = signup(1, website="https://odd.example")
    bus = Bus(DEFAULT)
    for event in (signup(0), odd, signup(2)):
        bus.send(event)
    bus.run()
    (letter,) = bus.dead_letters()
    assert letter.reason.startswith("not read: ZeroDivisionError in link_spam (test_stages.py:")
    assert bus.verdicts().keys() == {"signup-0", "signup-2"}
    monkeypatch.undo()  # mended: sent again, it is read
    bus.send(odd)
    bus.run()
    assert EventId("signup-1") in bus.verdicts()


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 3]))
@settings(max_examples=60)
def test_stages_that_die_while_they_send_cost_nothing(seed: int, partitions: int) -> None:
    """The beginning of what each was sending is durable in each partition; others go on there."""
    pick = random.Random(seed)
    events: list[EventModel] = [
        signup(
            number,
            at_s=number,
            device_id=f"farm-{number % 2}",
            payment_fingerprint=f"card-{number % 3}",
        )
        for number in range(30)
    ]
    events.append(LATER)
    verdicts, alerts = by_scorer(events, DEFAULT)
    bus = Bus(DEFAULT, partitions=partitions)
    come = iter(events[:-1])
    while (sent := list(islice(come, pick.randint(1, 4)))) or bus.waiting():
        for event in sent:
            bus.send(event)
        waiting = bus.waiting()
        origin, count = pick.choice(waiting), pick.randint(1, 10)
        if pick.random() < 0.2:
            bus.break_off(origin, count, pick)
        else:
            bus.step(origin, count)
    bus.send(LATER)
    bus.run(pick, most=3)
    assert bus.verdicts() == verdicts
    assert standing(bus.alerts()) == alerts


def test_no_message_is_larger_than_kafka_takes() -> None:
    bus = Bus(DEFAULT, partitions=2)
    links = " ".join(f"https://a-long-name-of-a-site-{number}.example/" for number in range(50))
    for number in range(400):
        bus.send(post(number, account=f"a{number}", text=links), partition=0)
    bus.run()
    sizes = {topic: max(map(len_of, bus.of(topic))) for topic in {topic for topic, _ in bus.logs}}
    assert max(sizes.values()) < 1_000_000, sizes
    assert len(bus.verdicts()) == 400


def len_of(record: Record) -> int:
    return len(record.value)


def test_a_dead_letter_beyond_all_bounds_is_cut() -> None:
    bus = Bus(DEFAULT)
    bus.send(b"x" * 3_000_000, topic=bus.topics.signups, partition=0)
    bus.run()
    (letter,) = bus.dead_letters()
    assert letter.reason.endswith("(kept: the first 2097152 of 3000000 bytes)")
    assert len(bus.of(bus.topics.dead_letters)[0].value) < MAX_DEAD_LETTER_BYTES


def test_state_is_dropped_with_the_partition_it_belongs_to() -> None:
    bus = Bus(DEFAULT, partitions=1)
    topics = bus.topics

    def played(count: int, *, begin: int) -> dict[AccountId, Action]:
        for number in range(begin, begin + count):
            bus.send(signup(number, device_id="farm"))
        bus.run()
        return strictest(bus.verdicts())

    assert set(played(3, begin=0).values()) == {"allow"}
    bus.readers[topics.facets].forget(topics.facets, 0)
    assert set(played(3, begin=3).values()) == {"allow"}  # counted from nothing
    bus.readers[topics.facets].forget(topics.facets, 7)  # not this one
    assert played(1, begin=6)[AccountId("a6")] == "review"

    bus.readers[topics.signals].forget(topics.signals, 0)
    bus.send(post("again", account="a6", text="hello"))
    bus.run()
    assert bus.verdicts()[EventId("post-again")].action == "allow"

    bus.send(SCREENING)
    bus.run()
    bus.readers[topics.cases].forget(topics.cases, 0)
    bus.readers[topics.screenings].forget(topics.screenings, 0)
    bus.send(SCREENING)
    bus.run()
    media = [alert for alert in bus.alerts() if alert.kind == "media"]
    assert len(media) == 2
    assert media[0] == media[1]

    bus.readers[topics.signups].forget(topics.signups, 0)
    before = len(bus.of(topics.verdicts))
    bus.send(signup(0, device_id="farm"))
    bus.run()
    assert len(bus.of(topics.verdicts)) > before
