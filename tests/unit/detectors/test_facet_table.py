"""Facets are packed until something can fire, and go, the oldest first, when memory is short."""

from __future__ import annotations

from contracts.ids import AccountId, EventId, Facet
from detectors.facet_table import Budget, FacetTable
from detectors.velocity import Sighting, Velocity, sighting_text
from detectors.window import FacetWindow, event_of
from tests.traffic import START_MS, rule, ruleset

DAY_MS = 86_400_000


def table(*, quiet_below: int = 3, budget_bytes: int = 1 << 24) -> FacetTable:
    return FacetTable(
        kept_ms=3_600_000,
        quiet_below=quiet_below,
        budget=Budget(budget_bytes),
        new_window=lambda facet: FacetWindow(facet, 1),
    )


def see(kept: FacetTable, facet: str, number: int, at_ms: int) -> FacetWindow | None:
    text = sighting_text(at_ms, AccountId(f"a{number}"), EventId(f"e{number}"))
    window = kept.see(Facet(facet), text, at_ms)
    if window is not None:
        window.add(at_ms, text)
        kept.trim(window, (60_000,), 2_000)
    return window


def events(window: FacetWindow) -> list[str]:
    return list(map(event_of, window.texts))


def test_a_facet_is_packed_until_something_can_fire_and_then_has_all_of_it() -> None:
    kept = table()
    assert see(kept, "ip:a", 0, START_MS) is None
    assert see(kept, "ip:a", 1, START_MS + 1) is None
    window = see(kept, "ip:a", 2, START_MS + 2)
    assert window is not None
    assert events(window) == ["e0", "e1", "e2"]
    assert see(kept, "ip:a", 3, START_MS + 3) is window
    assert (len(kept), kept.sightings) == (1, 4)


def test_what_is_too_old_is_not_unpacked() -> None:
    kept = table()
    see(kept, "ip:a", 0, START_MS)
    see(kept, "ip:a", 1, START_MS + 3_000_000)
    window = see(kept, "ip:a", 2, START_MS + 4_000_000)
    assert window is not None
    assert events(window) == ["e1", "e2"]


def test_a_generation_that_no_window_reaches_goes_as_a_whole() -> None:
    kept = table()
    for number in range(100):
        see(kept, f"ip:{number}", number, START_MS)
    for later in range(1, 4):
        see(kept, f"ip:later {later}", later, START_MS + later * DAY_MS)
    assert len(kept) <= 3


def test_past_the_budget_the_oldest_go_first_and_count_by_estimate() -> None:
    rules = ruleset(rule((35, 30), facet="ip", window=86_400))
    velocity = Velocity(rules, budget_bytes=2_000_000)

    def evidence(facet: str, number: int) -> dict[str, object]:
        at_ms = START_MS + number
        text = sighting_text(at_ms, AccountId(f"a{number}"), EventId(f"e{number}"))
        told = velocity.observe(Sighting(at_ms, text, (Facet(facet),)))
        return dict(told[0].evidence) if told else {}

    for number in range(30):
        assert not evidence("ip:old", number)
    for number in range(1_000, 16_000):
        assert not evidence(f"ip:{number}", number)
    for number in range(16_000, 16_030):
        assert not evidence("ip:young", number)
    assert len(velocity) < 10_000
    by_estimate = [evidence("ip:old", number) for number in range(20_000, 20_020)][-1]
    assert by_estimate["accounts"] == 35
    assert by_estimate["estimated"] is True
    assert by_estimate["error"] in range(1, 20)
    exactly = [evidence("ip:young", number) for number in range(30_000, 30_005)]
    assert [bool(one) for one in exactly] == [False] * 4 + [True]
