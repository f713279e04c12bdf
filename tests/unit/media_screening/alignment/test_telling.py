from __future__ import annotations

from dataclasses import replace

import numpy as np

from contracts.ids import ReferenceId
from media_screening.alignment.exclusion import NOTHING_EXCLUDED, Exclusions, Interval
from media_screening.alignment.telling import TellingRule, telling_rows
from media_screening.index.hash_index import HashIndex
from tests.unit.media_screening.footage import random_fingerprint

REFERENCE = random_fingerprint(1, count=80, period_s=0.125)
TIMES_S = np.arange(0, 10, 0.25)
RULE = TellingRule(max_others=2)


def rows(*excluded: Exclusions, index: HashIndex | None = None) -> list[int]:
    found = telling_rows(
        TIMES_S, REFERENCE, exclusions=excluded, index=index or HashIndex(), rule=RULE
    )
    return [int(row) for row in found]


def test_every_picture_of_its_own_tells() -> None:
    index = HashIndex()
    index.add(ReferenceId("it"), REFERENCE.pdq)
    assert rows(index=index) == list(range(0, 80, 2))


def test_what_many_references_have_does_not() -> None:
    index = HashIndex()
    index.add(ReferenceId("it"), REFERENCE.pdq)
    opening = REFERENCE.pdq[:20]
    for name in ("a", "b"):
        index.add(ReferenceId(name), opening)
    assert rows(index=index) == list(range(0, 80, 2))
    index.add(ReferenceId("c"), opening)
    assert rows(index=index) == list(range(20, 80, 2))
    index.remove(ReferenceId("a"))
    assert rows(index=index) == list(range(0, 80, 2))


def test_what_moves_about_a_shared_picture_does_not() -> None:
    # Ten pictures of one shot, of which others have the first: 40 bits off, and 72 from each other.
    chance = np.random.default_rng(5)
    pdq = REFERENCE.pdq.copy()
    for row in range(1, 20):
        flips = np.zeros(256, np.uint8)
        flips[chance.choice(256, 40, replace=False)] = 1
        pdq[row] = pdq[0] ^ np.packbits(flips)
    reference = replace(REFERENCE, pdq=pdq)
    index = HashIndex()
    index.add(ReferenceId("it"), pdq)
    for name in ("a", "b", "c"):
        index.add(ReferenceId(name), pdq[:1])
    found = telling_rows(TIMES_S, reference, exclusions=(), index=index, rule=RULE)
    assert found.tolist() == list(range(20, 80, 2))


def test_what_is_excluded_does_not() -> None:
    assert rows(replace(NOTHING_EXCLUDED, intervals=(Interval(start_s=0.0, end_s=5.0),))) == list(
        range(40, 80, 2)
    )
    near = REFERENCE.pdq[10:13].copy()
    near[:, :2] ^= 0xFF  # 16 bits off
    assert rows(replace(NOTHING_EXCLUDED, pdq=near)) == [
        row for row in range(0, 80, 2) if row not in {10, 12}
    ]
    near[:, :4] ^= 0xFF
    near[:, 4:8] ^= 0xFF
    assert len(rows(replace(NOTHING_EXCLUDED, pdq=near))) == 40


def test_where_a_fingerprint_is_empty_nothing_tells() -> None:
    gap = replace(REFERENCE, times_s=REFERENCE.times_s + 100)
    assert not len(telling_rows(TIMES_S, gap, exclusions=(), index=HashIndex(), rule=RULE))
    none = random_fingerprint(1, count=0, period_s=1)
    assert not len(telling_rows(TIMES_S, none, exclusions=(), index=HashIndex(), rule=RULE))
