from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ids import ReferenceId
from media_screening.errors import InvalidFingerprint
from media_screening.sound.index import SoundIndex
from media_screening.sound.sound_fingerprint import STEADY_VALUES, SoundFingerprint, is_steady

VALUES = st.lists(st.integers(0, (1 << 32) - 1), max_size=60)


@given(VALUES, st.data())
def test_what_is_packed_is_unpacked(values: list[int], data: st.DataObject) -> None:
    audible = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    packed = SoundFingerprint(
        duration_s=12.5, values=np.array(values, np.uint32), audible=np.array(audible, bool)
    ).pack()
    found = SoundFingerprint.unpack(packed)
    assert (found.duration_s, found.values.tolist()) == (12.5, values)
    assert found.audible.tolist() == audible
    for cut in {0, 7, len(packed) - 1}:
        with pytest.raises(InvalidFingerprint):
            SoundFingerprint.unpack(packed[:cut])
    with pytest.raises(InvalidFingerprint, match="version 1"):
        SoundFingerprint.unpack(b"XXXX" + packed[4:])


@given(st.lists(st.integers(0, 2), max_size=80))
def test_a_value_is_steady_in_a_long_run_only(values: list[int]) -> None:
    steady = is_steady(np.array(values, np.uint32))
    for at, value in enumerate(values):
        first = at
        while first and values[first - 1] == value:
            first -= 1
        last = at
        while last + 1 < len(values) and values[last + 1] == value:
            last += 1
        assert steady[at] == (last - first + 1 >= STEADY_VALUES)


@settings(max_examples=60)
@given(st.data())
def test_a_search_finds_what_brute_force_finds(data: st.DataObject) -> None:
    """Whatever was added, replaced and removed before."""
    index = SoundIndex()
    kept: dict[str, list[int]] = {}
    near = st.lists(st.integers(0, 255).map(lambda low: 0xABCDEF00 | low), max_size=12)
    for _ in range(data.draw(st.integers(0, 8))):
        name = data.draw(st.sampled_from("abcd"))
        if data.draw(st.booleans()):
            kept[name] = data.draw(near)
            index.add(
                ReferenceId(name), np.array(kept[name], np.uint32), np.arange(len(kept[name])) + 5
            )
        else:
            kept.pop(name, None)
            index.remove(ReferenceId(name))
    asked = data.draw(near)
    flips = data.draw(st.integers(0, 2))
    hits = index.search(np.array(asked, np.uint32), max_flips=flips)
    found = sorted(
        (int(query), hits.references[int(owner)], int(position), int(bits))
        for query, owner, position, bits in zip(
            hits.query, hits.owner, hits.position, hits.flips, strict=True
        )
    )
    assert found == sorted(
        (query, name, row + 5, (value ^ other).bit_count())
        for query, value in enumerate(asked)
        for name, values in kept.items()
        for row, other in enumerate(values)
        if (value ^ other).bit_count() <= flips
    )
    assert len(index) == sum(map(len, kept.values()))
