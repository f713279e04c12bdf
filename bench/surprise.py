"""How often `surprise` cries wolf on ordinary traffic, and how soon it cries at an attack.

Simulates a kind with home routers and busy gateways, minute by minute, with seeds. Run:
``python -m bench.surprise``; ``--plot OUT.png`` draws the picture of docs/explanation/surprise.md.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detectors.surprise import Baseline, Expectation, KindBaseline, block_ms, settled_before

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
START_MS = 20_000 * DAY_MS
WINDOW_MS = 10 * MINUTE_MS
LATENESS_MS = 2 * MINUTE_MS
BITS = 20
MIN_ACCOUNTS = 4
HISTORY_DAYS = 28


@dataclass(frozen=True, kw_only=True)
class Habit:
    """How accounts come to a facet."""

    per_day: float
    swing: float = 0.8
    """By how much of the mean the busiest hour (19 h UTC) lies above it, and the quietest below."""
    weather: float = 0.3
    """Standard deviation of the logarithm of a day's factor."""
    rush_days: tuple[int, ...] = ()
    rush: float = 1.0
    """At 18 h on those days, for an hour: so many times the usual."""

    def rate(self, minute: int, weather: float) -> float:
        """Accounts a minute, at a minute from the start."""
        hour = minute / 60 % 24
        rushing = minute // 1_440 in self.rush_days and 18 <= hour < 19
        day = 1 + self.swing * math.cos((hour - 19) / 24 * 2 * math.pi)
        return self.per_day / 1_440 * day * weather * (self.rush if rushing else 1)

    def arrivals(self, days: int, chance: random.Random) -> list[int]:
        """Times in ms, in order."""
        times = []
        weather = 1.0
        for minute in range(days * 1_440):
            if minute % 1_440 == 0:
                weather = chance.lognormvariate(-(self.weather**2) / 2, self.weather)
            for _ in range(poisson(self.rate(minute, weather), chance)):
                times.append(START_MS + minute * MINUTE_MS + chance.randrange(MINUTE_MS))
        return sorted(times)


HOME = Habit(per_day=1 / 30)
OFFICE = Habit(per_day=8)
UNIVERSITY = Habit(per_day=300)
CARRIER = Habit(per_day=1_500)


def poisson(mean: float, chance: random.Random) -> int:
    """Knuth's, for small means."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


class Watch:
    """Baselines of many facets of a kind, settled block by block, as the velocity engine does."""

    def __init__(self, traffic: Mapping[str, list[int]], window_ms: int = WINDOW_MS) -> None:
        self.window_ms = window_ms
        self.traffic = traffic
        self.kind = KindBaseline()
        self.facets: dict[str, Baseline] = {}
        self._block = block_ms(window_ms, LATENESS_MS)
        blocks: dict[int, dict[str, int]] = {}
        for facet, times in traffic.items():
            for at_ms in times:
                block = blocks.setdefault(at_ms // self._block * self._block, {})
                block[facet] = block.get(facet, 0) + 1
        self._blocks = blocks
        self._waiting = sorted(blocks, reverse=True)

    def bits(self, facet: str, at_ms: int, extra: Iterable[int] = ()) -> float:
        """The surprise of the window that ends at ``at_ms``, with some accounts more.

        Time goes on: an earlier window can no longer be asked for.
        """
        settled_ms = settled_before(at_ms, self.window_ms, LATENESS_MS)
        while self._waiting and self._waiting[-1] < settled_ms:
            block = self._waiting.pop()
            for name, count in self._blocks[block].items():
                self.facets.setdefault(name, Baseline()).settle(block, count, self.kind)
        times, since_ms = self.traffic.get(facet, []), at_ms - self.window_ms
        count = bisect_right(times, at_ms) - bisect_right(times, since_ms)
        count += sum(since_ms < at <= at_ms for at in extra)
        if count < MIN_ACCOUNTS:
            return 0.0
        return self.expected(facet, at_ms).surprise_bits(count)

    def expected(self, facet: str, at_ms: int) -> Expectation:
        """What is usual in the window that ends at ``at_ms``."""
        return self.kind.expected(
            self.facets.get(facet),
            at_ms=at_ms,
            window_ms=self.window_ms,
            settled_ms=settled_before(at_ms, self.window_ms, LATENESS_MS),
        )

    def alarms(self, facet: str, first_ms: int, windows: int) -> int:
        """In how many of so many windows, one after the other, the rule fires."""
        ends = (first_ms + number * self.window_ms for number in range(1, windows + 1))
        return sum(self.bits(facet, end) >= BITS for end in ends)

    def delay_s(self, facet: str, attack: list[int]) -> tuple[int, float] | None:
        """With how many accounts and after how many seconds the rule fires at an attack."""
        for number, at_ms in enumerate(attack, 1):
            if self.bits(facet, at_ms, attack) >= BITS:
                return number, (at_ms - attack[0]) / 1_000
        return None


def town(
    seed: int, *, homes: int = 1_000, days: int = HISTORY_DAYS, rush_days: tuple[int, ...] = ()
) -> dict[str, list[int]]:
    """Traffic of a kind: many home routers, some offices, a few gateways."""
    chance = random.Random(seed)
    traffic = {}
    for number in range(homes):
        times = (
            START_MS + chance.randrange(days * DAY_MS) for _ in range(poisson(days / 30, chance))
        )
        traffic[f"home{number}"] = sorted(times)
    for number in range(10):
        traffic[f"office{number}"] = OFFICE.arrivals(days, chance)
    for number in range(2):
        traffic[f"university{number}"] = Habit(per_day=300, rush_days=rush_days, rush=6).arrivals(
            days, chance
        )
    traffic["carrier"] = CARRIER.arrivals(days, chance)
    return traffic


def attack(first_ms: int, accounts: int, span_ms: int, chance: random.Random) -> list[int]:
    """So many accounts spread over a span, at random."""
    return sorted(first_ms + chance.randrange(span_ms) for _ in range(accounts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    print(f"rule: surprise >= {BITS} bits in 10m, min_accounts {MIN_ACCOUNTS}")
    _false_alarms(options.seeds)
    _delays(options.seeds)
    _newcomers(options.seeds)
    if options.plot:
        plot(options.plot)


def _false_alarms(seeds: int) -> None:
    groups = {
        "home routers (30)": [f"home{number}" for number in range(30)],
        "offices (3)": ["office0", "office1", "office2"],
        "universities (2), 2 rushes of 6x": ["university0", "university1"],
        "carrier": ["carrier"],
    }
    windows, fired = dict.fromkeys(groups, 0), dict.fromkeys(groups, 0)
    for seed in range(seeds):
        watch = Watch(town(seed, rush_days=(17, 24)))
        for number in range(14 * 144):
            end_ms = START_MS + 14 * DAY_MS + number * WINDOW_MS
            for group, facets in groups.items():
                windows[group] += len(facets)
                fired[group] += sum(watch.bits(facet, end_ms) >= BITS for facet in facets)
    print("false alarms, days 15 to 28:")
    for group, count in fired.items():
        print(f"  {group}: {count} of {windows[group]} windows")


def _delays(seeds: int) -> None:
    print(
        "attack at 12 h UTC of day 27, spread over 10 minutes: accounts and seconds until it fires"
    )
    noon_ms = START_MS + 26 * DAY_MS + 12 * HOUR_MS
    usual = (1 + 0.8 * math.cos((12 - 19) / 24 * 2 * math.pi)) / 144
    for facet, accounts, what in (
        ("home7", 5, "home router, 5 accounts"),
        ("never seen", 5, "never seen before, 5 accounts"),
        ("office0", 8, "office, 8 accounts"),
        ("university0", round(300 * usual * 20), "university, 20 times its usual"),
        ("carrier", round(1_500 * usual * 20), "carrier, 20 times its usual"),
    ):
        found = []
        for seed in range(seeds):
            chance = random.Random(seed)
            watch = Watch(town(seed))
            delay = watch.delay_s(facet, attack(noon_ms, accounts, WINDOW_MS, chance))
            found.append("missed" if delay is None else f"{delay[0]} in {delay[1]:.0f} s")
        print(f"  {what} ({accounts}): {', '.join(found)}")


def _newcomers(seeds: int) -> None:
    print("windows that fire, of 144 a day, day by day, where nothing is wrong:")
    for what, first_day in (("new university on day 15", 14), ("all is new on day 1", 0)):
        days = [0] * 4
        for seed in range(seeds):
            chance = random.Random(1_000 + seed)
            traffic = town(seed)
            born_ms = first_day * DAY_MS
            traffic["new"] = [at_ms + born_ms for at_ms in UNIVERSITY.arrivals(8, chance)]
            watch = Watch(traffic)
            for day in range(4):
                days[day] += watch.alarms("new", START_MS + born_ms + day * DAY_MS, 144)
        print(f"  {what}: {', '.join(f'{count / seeds:.1f}' for count in days)} (mean of seeds)")


def plot(path: Path) -> None:
    """Draw where the rule fires, for a home router and a university, over the same two days."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- a developers' tool, for this alone

    first_ms = START_MS + 22 * DAY_MS
    shown = range(0, 2 * 1_440, 2)
    attack_ms = first_ms + 36 * HOUR_MS
    chance = random.Random(7)
    panels = (
        ("home7", "Home router: one account a month", 5),
        ("university0", "University: 300 accounts a day", 64),
    )
    figure, rows = plt.subplots(
        2, 2, figsize=(11, 5.2), sharex=True, height_ratios=(2, 1), layout="constrained"
    )
    for column, (facet, title, accounts) in enumerate(panels):
        traffic = town(7, rush_days=(22,))
        more = attack(attack_ms, accounts, WINDOW_MS, chance)
        watch = Watch(traffic)
        hours, counts, needed, bits = [], [], [], []
        for minute in shown:
            end_ms = first_ms + minute * MINUTE_MS
            bits.append(watch.bits(facet, end_ms, more))
            expected = watch.expected(facet, end_ms)
            times = sorted(traffic[facet] + more)
            counts.append(bisect_right(times, end_ms) - bisect_right(times, end_ms - WINDOW_MS))
            needed.append(
                next(k for k in itertools.count(MIN_ACCOUNTS) if expected.surprise_bits(k) >= BITS)
            )
            hours.append(minute / 60)
        count_axes, bit_axes = rows[0][column], rows[1][column]
        count_axes.set_title(title, loc="left", fontweight="bold")
        count_axes.fill_between(
            hours, counts, color="#4c78a8", lw=0, label="accounts in 10 minutes"
        )
        count_axes.plot(hours, counts, color="#4c78a8", lw=1)
        count_axes.plot(hours, needed, color="#e45756", lw=1.4, label="fires from here on")
        count_axes.set_ylim(0, max(*counts, *needed) * 1.3)
        count_axes.legend(loc="upper left", frameon=False)
        bit_axes.plot(hours, bits, color="#4c78a8", lw=1.2)
        bit_axes.axhline(BITS, color="#e45756", lw=1.4)
        bit_axes.set_ylim(0, max(*bits, BITS) * 1.2)
        bit_axes.set_xlabel("hours (UTC), two days")
        bit_axes.set_xticks(range(0, 49, 6), [str(hour % 24) for hour in range(0, 49, 6)])
        for axes in (count_axes, bit_axes):
            axes.spines[["top", "right"]].set_visible(False)
        peak = max(counts)
        count_axes.annotate(
            f"{accounts} accounts\nof an attack",
            ((attack_ms - first_ms) / HOUR_MS, peak),
            xytext=(-80, -12),
            textcoords="offset points",
            fontsize=9,
        )
        if facet == "university0":
            count_axes.annotate(
                "on-sale, 6 times the usual",
                (18.5, max(counts[: len(counts) // 2])),
                xytext=(8, 53),
                fontsize=9,
                arrowprops={"arrowstyle": "-", "color": "#888888"},
            )
    rows[0][0].set_ylabel("accounts")
    rows[1][0].set_ylabel("surprise, bits")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
