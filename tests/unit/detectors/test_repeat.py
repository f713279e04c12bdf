"""Whether an event came before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import EventId
from detectors.repeat import Repeats


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(1, 8))
def test_remembers_the_newest_and_no_more(ids: list[str], capacity: int) -> None:
    repeats = Repeats(capacity=capacity)
    newest: list[str] = []
    for event_id in ids:
        assert (EventId(event_id) in repeats) == (event_id in newest)
        if event_id not in newest:
            newest = [*newest, event_id][-capacity:]
        repeats.add(EventId(event_id))
    assert {name for name in "abcdefgh" if EventId(name) in repeats} == set(newest)
