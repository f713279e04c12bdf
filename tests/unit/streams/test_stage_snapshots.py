"""Of every stage: its state after a snapshot and the tail is the one that all records come to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ruleset import Ruleset, VelocityRule, default_ruleset
from detectors import alert_desk, ledger, table_copy
from store.clock import ManualClock
from store.database import open_database
from store.migration import migrate
from streams import intake
from streams.history import History
from streams.keeper import Keeper
from streams.message import Outgoing, Record
from streams.pack import AnswerPack, joined, packs_in
from streams.remembering import Stage
from streams.snapshot import SnapshotShelf
from tests.traffic import rule, ruleset, signup
from tests.unit.streams.bus import Bus
from tests.unit.streams.tally import ToyLog
from tests.unit.streams.test_stages import LATER, evening

DAY_S = 86_400

MEASURING = ruleset(
    rule((3, 30), (6, 60)),
    VelocityRule.model_validate(
        {
            "code": "velocity.cards",
            "facet": "device",
            "window": "1h",
            "measure": "distinct",
            "of": "payment",
            "levels": [{"at_least": 2, "points": 10}],
            "group": "any",
        }
    ),
    rule((2, 20), facet="email_stem", window=600),
    VelocityRule.model_validate(
        {
            "code": "velocity.surprise",
            "facet": "ip",
            "window": "1m",
            "measure": "surprise",
            "min_accounts": 2,
            "levels": [{"at_least": 1, "points": 10}, {"at_least": 3, "points": 20}],
            "group": "any",
        }
    ),
)


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    """So that much happens between one piece and the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alert_desk, "PIECE_ROWS", 3)
        patch.setattr(table_copy, "TEXTS_PER_PIECE", 7)
        patch.setattr(table_copy, "SIGHTINGS_PER_PIECE", 1)
        patch.setattr(ledger, "ACCOUNTS_PER_PIECE", 2)
        patch.setattr(ledger, "EVENTS_PER_PIECE", 5)
        patch.setattr(intake, "IDS_PER_PIECE", 3)
        yield


def handled(stage: Stage, records: list[Record]) -> list[object]:
    """What came of some records, record by record."""
    return [
        (one.topic, one.partition, one.key, one.value) if isinstance(one, Outgoing) else one
        for record in records
        for one in stage.handle([record])
    ]


def snapshot_amid(stage: Stage, tail: list[Record], pick: random.Random) -> list[bytes]:
    """Take a snapshot of a partition while its next records are being handled."""
    topic, partition = tail[0].topic, tail[0].partition
    rest = list(tail)
    pieces = []
    for piece in stage.snapshot(topic, partition):
        pieces.append(piece)
        while rest and pick.random() < 0.6:
            handled(stage, [rest.pop(0)])
    handled(stage, rest)
    return pieces


@given(
    seed=st.integers(0, 2**32),
    rules=st.sampled_from([default_ruleset(), MEASURING]),
    most=st.sampled_from([1, 3, 20]),
)
@settings(max_examples=25)
def test_a_stage_goes_on_from_its_snapshot_as_from_all_records(
    seed: int, rules: Ruleset, most: int
) -> None:
    pick = random.Random(seed)
    bus = Bus(rules, partitions=2)
    for event in [*evening(pick), LATER]:
        bus.send(event)
    bus.run(pick, most=most)
    tried = set()
    for (topic, partition), records in bus.logs.items():
        if topic not in bus.readers or not bus.fresh(topic).basis:
            continue
        split = pick.randrange(len(records))
        ahead, copy = bus.fresh(topic), bus.fresh(topic)
        handled(ahead, records[:split])
        undisturbed = bus.fresh(topic)
        handled(undisturbed, records[:split])
        expected = handled(undisturbed, records[split:])
        for piece in snapshot_amid(ahead, records[split:], pick):
            copy.load(topic, partition, piece)
        assert handled(copy, records[split:]) == expected
        again = handled(undisturbed, records)
        assert handled(copy, records) == again
        assert handled(ahead, records) == again
        tried.add(topic)
    assert tried >= {bus.topics.signups, bus.topics.facets, bus.topics.signals}


def test_another_count_is_another_basis_and_another_price_is_not() -> None:
    def basis(rules: Ruleset, partitions: int = 2) -> str:
        bus = Bus(rules, partitions=partitions)
        return bus.fresh(bus.topics.facets).basis

    base = basis(ruleset(rule((3, 30))))
    assert base == basis(ruleset(rule((3, 99), mode="shadow", ties=False)))
    others = [
        ruleset(rule((4, 30))),
        ruleset(rule((3, 30), window=60)),
        ruleset(rule((3, 30), facet="ip")),
        ruleset(rule((3, 30), mode="off")),
        ruleset(rule((3, 30))).model_copy(update={"lateness": 7}),
        ruleset(rule((3, 30))).model_copy(update={"facets": {"both": ("ip", "device")}}),
    ]
    assert base not in {basis(other) for other in others}
    assert base != basis(ruleset(rule((3, 30))), partitions=3)


async def test_a_window_of_thirty_days_outlives_its_topic(tmp_path: Path) -> None:
    """Two of a farm sign up, the topic forgets them, the worker restarts, the third comes."""
    rules = ruleset(rule((3, 45), window=30 * DAY_S))
    bus = Bus(rules, partitions=1)
    for number, at_s in enumerate((0, DAY_S, 20 * DAY_S)):
        bus.send(signup(number, device_id="farm", at_s=at_s))
        bus.run()
    packs = bus.logs[bus.topics.facets, 0]
    engine = open_database(f"sqlite:///{tmp_path / 'doorstaff.db'}")
    migrate(engine)
    shelf = SnapshotShelf(engine, ManualClock())
    log = ToyLog(topic=bus.topics.facets, records=packs[:2])

    before = History("velocity", bus.fresh(bus.topics.facets), log, shelf)
    (await before.handle([packs[:2]])).settle()
    await Keeper([before], shelf, every_seconds=300).take_all(limit_seconds=5)
    log.records, log.begin = packs, 2
    after = History("velocity", bus.fresh(bus.topics.facets), log, shelf)
    (answer,) = (await after.handle([packs[2:]])).outgoing
    engine.dispose()

    assert isinstance(answer, Outgoing)
    (pack,) = packs_in(joined([answer])[0].value, AnswerPack)
    (told,) = pack.answers
    assert sorted(signal.account_id for signal in told.signals) == ["a0", "a1", "a2"]
