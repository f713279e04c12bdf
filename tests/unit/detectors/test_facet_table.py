"""Facets are packed until something can fire, and go, the oldest first, when memory is short."""

from __future__ import annotations

from contracts.ids import AccountId, EventId, Facet
from detectors.sighting import Sighting, sighting_text
from detectors.velocity import Velocity
from detectors.window import FacetWindow
from tests.traffic import START_MS, rule, ruleset

DAY_MS = 86_400_000


RULES = ruleset(rule((3, 30), facet="ip", window=3_600))


def see(velocity: Velocity, facet: str, number: int, at_ms: int) -> FacetWindow | None:
    """Observe a sighting; the window that its facet has then."""
    text = sighting_text(at_ms, AccountId(f"a{number}"), EventId(f"e{number}"))
    velocity.observe(Sighting(at_ms, text, (Facet(facet),)))
    return velocity._kinds["ip"].table.windows.get(Facet(facet))


def events(window: FacetWindow) -> list[str]:
    return [text.split("\0")[2] for text in window.texts]


def test_a_facet_is_packed_until_something_can_fire_and_then_has_all_of_it() -> None:
    kept = Velocity(RULES)
    assert see(kept, "ip:a", 0, START_MS) is None
    assert see(kept, "ip:a", 1, START_MS + 1) is None
    window = see(kept, "ip:a", 2, START_MS + 2)
    assert window is not None
    assert events(window) == ["e0", "e1", "e2"]
    assert see(kept, "ip:a", 3, START_MS + 3) is window
    assert (len(kept), kept._kinds["ip"].table.sightings) == (1, 4)


def test_what_is_too_old_is_not_unpacked() -> None:
    kept = Velocity(RULES)
    see(kept, "ip:a", 0, START_MS)
    see(kept, "ip:a", 1, START_MS + 3_000_000)
    window = see(kept, "ip:a", 2, START_MS + 4_000_000)
    assert window is not None
    assert events(window) == ["e1", "e2"]


def test_a_generation_that_no_window_reaches_goes_as_a_whole() -> None:
    kept = Velocity(RULES)
    for number in range(100):
        see(kept, f"ip:{number}", number, START_MS)
    for later in range(1, 4):
        see(kept, f"ip:later {later}", later, START_MS + later * DAY_MS)
    assert len(kept) <= 3


def test_past_the_budget_the_oldest_go_first_and_count_by_estimate() -> None:
    rules = ruleset(rule((10, 30), facet="ip", window=86_400))
    velocity = Velocity(rules, budget_bytes=2_000_000)

    def evidence(facet: str, number: int) -> dict[str, object]:
        at_ms = START_MS + number
        text = sighting_text(at_ms, AccountId(f"a{number}"), EventId(f"e{number}"))
        told = velocity.observe(Sighting(at_ms, text, (Facet(facet),)))
        return dict(told[0].evidence) if told else {}

    for number in range(7):
        assert not evidence("ip:old", number)
    for number in range(1_000, 8_500):
        assert not evidence(f"ip:{number}", number)
    for number in range(16_000, 16_007):
        assert not evidence("ip:young", number)
    assert len(velocity) < 7_000
    by_estimate = [evidence("ip:old", number) for number in range(20_000, 20_009)][-1]
    assert by_estimate["accounts"] == 10
    assert by_estimate["estimated"] is True
    assert by_estimate["error"] in range(1, 7)
    exactly = [evidence("ip:young", number) for number in range(30_000, 30_003)]
    assert [bool(one) for one in exactly] == [False] * 2 + [True]
