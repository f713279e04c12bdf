"""A copy of windows is as of one moment, whatever happens while it is written."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ids import AccountId, Code, EventId, Facet
from contracts.ruleset import Level, VelocityRule
from detectors import table_copy
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import Velocity
from tests.traffic import START_MS, rule, ruleset

RULES = ruleset(
    rule((3, 30), (5, 60), window=600),
    rule((2, 30), facet="ip", window=3_600),
    VelocityRule(
        code=Code("velocity.surprise"),
        facet="device",
        window=60,
        measure="surprise",
        min_accounts=2,
        levels=(Level(at_least=1, points=10), Level(at_least=3, points=20)),
        group="any",
    ),
)
TIGHT_BYTES = 60_000
"""So little that generations, and windows too, have to go to the sketch."""


def seen(pick: random.Random, number: int) -> Sighting:
    facets = (
        Facet(f"device:{pick.randrange(60)}"),
        Facet(f"ip:{pick.randrange(5) if pick.random() < 0.3 else number}"),
    )
    at_ms = START_MS + number * 2_000 - pick.randrange(30_000)
    account = AccountId(f"a{pick.randrange(200)}")
    return Sighting(at_ms, sighting_text(at_ms, account, EventId(f"e{number}")), facets)


def alone(number: int, facet: str) -> Sighting:
    text = sighting_text(START_MS, AccountId(f"{number}"), EventId(f"{number}"))
    return Sighting(START_MS, text, (Facet(facet),))


@given(
    seed=st.integers(0, 2**32),
    before=st.integers(0, 700),
    budget_bytes=st.sampled_from([TIGHT_BYTES, 1 << 24]),
)
@settings(max_examples=30)
def test_what_is_counted_meanwhile_is_not_in_it(seed: int, before: int, budget_bytes: int) -> None:
    pick = random.Random(seed)
    sightings = [seen(pick, number) for number in range(before + 300)]
    velocity, undisturbed, copy = (Velocity(RULES, budget_bytes=budget_bytes) for _ in range(3))
    for one in sightings[:before]:
        velocity.observe(one)
        undisturbed.observe(one)
    meanwhile = iter(sightings[before:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_copy, "TEXTS_PER_PIECE", 20)
        patch.setattr(table_copy, "SIGHTINGS_PER_PIECE", 2)
        for piece in velocity.snapshot():
            copy.load(piece)
            for one in meanwhile:
                velocity.observe(one)
                if pick.random() < 0.2:
                    break
    assert len(copy) == len(undisturbed)
    for one in sightings[before:]:
        assert copy.observe(one) == undisturbed.observe(one)


def test_a_copy_that_is_broken_off_costs_nothing_more() -> None:
    velocity = Velocity(RULES)
    for number in range(20):
        velocity.observe(alone(number, "ip:1"))
    pieces = velocity.snapshot()
    next(pieces)
    pieces.close()
    assert all(kind.table.copy is None for kind in velocity._kinds.values())


def test_by_another_budget_what_had_to_go_is_forgotten_and_the_rest_is_not() -> None:
    velocity = Velocity(RULES, budget_bytes=TIGHT_BYTES)
    for number in range(3_000):
        velocity.observe(alone(number, f"ip:{number}"))
    other = Velocity(RULES, budget_bytes=2 * TIGHT_BYTES)
    for piece in velocity.snapshot():
        other.load(piece)
    assert 0 < len(other) == len(velocity) < 3_000
