r"""How improbable a count is, by the facet's own and its kind's usual rate, in bits.

**Model.** Accounts come to a facet as a Poisson process. Its rate is drawn from its kind's Gamma
distribution, of shape ``PRIOR_SHAPE`` and with the kind's mean rate, and is learned from the
facet's own past (Gelman et al., *Bayesian Data Analysis*, 3rd ed., 2.6, Gamma-Poisson): after
``c`` accounts in an exposure of ``e`` it is Gamma(``PRIOR_SHAPE + c``, ``PRIOR_SHAPE / kind's
rate + e``). Counts and exposures halve every ``HALF_LIFE_MS``. The hour of the day scales the
rate by the kind's profile. On top of that every window has its own weather, a Gamma factor of
mean 1 and shape ``WEATHER_SHAPE``: on-sales and first days of term. A count is then negative
binomial to a very good approximation (mean and variance are matched); without weather it tends to
Poisson as the history grows.

``surprise = -log2 P(X >= count)``: at 20 bits, chance gets there in one window of a million.

**A facet not seen before** is taken to have had no account since its kind is watched, but for no
more than ``UNSEEN_MS``: long enough for five in ten minutes to be a surprise at a home router,
short enough for a new office to be at home in an hour or two. While a whole kind is new, its
prior is wide, and little surprises.

**Order.** Only blocks of event time that are final feed a baseline, all of a block at once, and
an expectation names the block up to which it looks back (``settled_before``). So it is the same
for every order in which events come within the lateness, as sums within a block are of whole
numbers.

Measured by ``python -m bench.surprise`` with seeds: see docs/explanation/surprise.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from detectors.negative_binomial import surprise_bits

PRIOR_SHAPE = 0.2
"""How alike the facets of a kind are: few are busy, most are not (squared variation 1/0.2 = 5)."""
WEATHER_SHAPE = 1.25
"""With it a window of 12 times a high usual rate comes once in a million; half that is weather."""
HALF_LIFE_MS = 14 * 86_400_000
UNSEEN_MS = 6 * 3_600_000
PROFILE_DAYS = 3.0
"""Days' worth of the mean hour that every hour of the profile is mixed with."""
FIRST_GUESS_MS = 3_600_000
"""One account in an hour of a facet: what a kind's rate is taken for before anything is known."""

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_TAU_MS = HALF_LIFE_MS / math.log(2)
_FLAT = (1.0,) * 24

BaselineState = tuple[float, float, int, int, int]
KindState = tuple[int, float, float, tuple[float, ...], tuple[float, ...], int, int, int]


def block_ms(window_ms: int, lateness_ms: int) -> int:
    """The length of the blocks in which a rule's baselines are fed: a minute to an hour.

    It is never below the lateness (which is an hour at most): so a late event's window lacks
    only the last block of those settled, and that one is kept apart.
    """
    return max(lateness_ms, min(window_ms, _HOUR_MS), _MINUTE_MS)


def settled_before(at_ms: int, window_ms: int, lateness_ms: int) -> int:
    """The start of the first block that a window ending at ``at_ms`` must not know yet, in ms.

    All before it is older than the window, and final once an event of ``at_ms`` was seen.
    """
    block = block_ms(window_ms, lateness_ms)
    return (at_ms - window_ms - lateness_ms) // block * block


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What is usual: a negative binomial distribution."""

    mean: float
    """Accounts in the window."""
    shape: float
    """Variance is ``mean + mean ** 2 / shape``; infinite for Poisson."""

    def surprise_bits(self, count: int) -> float:
        """How improbable ``count`` or more is."""
        return surprise_bits(count, mean=self.mean, shape=self.shape)


class Baseline:
    """What one facet's rate is learned from. Blocks are settled in order of time.

    The last block is kept apart: a late event's window may not know it yet.
    """

    __slots__ = ("count", "exposure_ms", "last_count", "last_ms", "settled_ms")

    def __init__(self) -> None:
        self.count = 0.0
        """Accounts, decayed to ``settled_ms``."""
        self.exposure_ms = 0.0
        """Time watched, decayed likewise."""
        self.settled_ms = 0
        """Up to here."""
        self.last_ms = -1
        """The start of the last block with an account; -1 before there is one."""
        self.last_count = 0

    def settle(self, block_start_ms: int, count: int, kind: KindBaseline) -> None:
        """Take in the accounts of a block that is final; blocks without any may be left out.

        An account counts in the block in which it was first seen within the rule's window. Several
        counts of one block add up. All facets of a kind are settled block by block.

        Raises:
            ValueError: The block lies before one that was settled.
        """
        if block_start_ms < self.last_ms:
            msg = f"block {block_start_ms} is settled after {self.last_ms}"
            raise ValueError(msg)
        kind.open(block_start_ms)
        if block_start_ms == self.last_ms:
            self.last_count += count
            kind.add(block_start_ms, count, 0)
            return
        if self.last_ms < 0:
            self.settled_ms = block_start_ms
            self.exposure_ms = kind.unseen_ms
            kind.add(block_start_ms, count, kind.aged_ms)
        else:
            kind.add(block_start_ms, count, block_start_ms - self.last_ms)
            self.count, self.exposure_ms = self.at(block_start_ms)
            self.settled_ms = block_start_ms
        self.last_ms, self.last_count = block_start_ms, count

    def at(self, settled_ms: int) -> tuple[float, float]:
        """Accounts and exposure in ms of all blocks that start before ``settled_ms``, decayed."""
        gone_ms = max(0, settled_ms - self.settled_ms)
        kept = math.exp(-gone_ms / _TAU_MS)
        count = self.count + (self.last_count if self.last_ms < settled_ms else 0)
        return count * kept, self.exposure_ms * kept + _TAU_MS * (1 - kept)

    def state(self) -> BaselineState:
        """All of it, for a snapshot."""
        return self.count, self.exposure_ms, self.settled_ms, self.last_ms, self.last_count

    @classmethod
    def of(cls, state: BaselineState) -> Baseline:
        """A baseline as it was."""
        baseline = cls()
        (
            baseline.count,
            baseline.exposure_ms,
            baseline.settled_ms,
            baseline.last_ms,
            baseline.last_count,
        ) = state
        return baseline


class KindBaseline:
    """What is usual for the facets of a kind: mean rate and hours of the day (UTC).

    It is fed by ``Baseline.settle`` alone, for all facets block by block.
    """

    __slots__ = (
        "_closed",
        "_opened",
        "aged_ms",
        "count",
        "exposure_ms",
        "hours",
        "hours_ms",
        "last_count",
        "last_exposure_ms",
        "last_ms",
        "since_ms",
        "unseen_ms",
    )

    def __init__(self) -> None:
        self.since_ms = -1
        """When the kind was first seen; -1 before."""
        self.count = 1.0
        """Accounts of all facets before the last block, decayed to its start."""
        self.exposure_ms = float(FIRST_GUESS_MS)
        """Time for which facets were watched, decayed likewise: a sum over facets."""
        self.hours = [0.0] * 24
        """Accounts by hour of the day."""
        self.hours_ms = [0.0] * 24
        """Time watched by hour of the day."""
        self.last_ms = -1
        """The start of the last block."""
        self.last_count = 0
        self.last_exposure_ms = 0
        self.aged_ms = 0
        """For how long the kind was watched before the last block, decayed."""
        self.unseen_ms = 0.0
        """The same for a facet not seen before, undecayed."""
        self._closed: _Usual | None = None
        self._opened: _Usual | None = None

    def age_ms(self, at_ms: int) -> int:
        """For how long the kind has been watched."""
        return max(0, at_ms - self.since_ms) if self.since_ms >= 0 else 0

    def open(self, block_start_ms: int) -> None:
        """Fold the last block, if this one is later."""
        if self.since_ms < 0:
            self.since_ms = self.last_ms = block_start_ms
        elif block_start_ms > self.last_ms:
            folded = self._folded(block_start_ms)
            self.count, self.exposure_ms, self.hours, self.hours_ms = folded
            self.last_ms = block_start_ms
            self.last_count = self.last_exposure_ms = 0
            self._closed = self._opened = None
            self._grow_old()

    def add(self, block_start_ms: int, count: int, exposure_ms: int) -> None:
        """Add a facet's accounts, and what of its time has passed since it was settled before.

        Raises:
            ValueError: The block is not the last that was opened.
        """
        if block_start_ms != self.last_ms:
            msg = f"block {block_start_ms} of a kind is settled after {self.last_ms}"
            raise ValueError(msg)
        self.last_count += count
        self.last_exposure_ms += exposure_ms
        self._opened = None

    def expected(
        self, baseline: Baseline | None, *, at_ms: int, window_ms: int, settled_ms: int
    ) -> Expectation:
        """How many accounts a facet usually has in the window that ends at ``at_ms``.

        Args:
            baseline: The facet's own, if any block of it was settled.
            at_ms: The window's end.
            window_ms: Its length.
            settled_ms: ``settled_before`` the window: younger blocks are left out.
        """
        usual = self._usual(settled_ms)
        if baseline is None or baseline.last_ms < 0:
            count, exposure_ms = 0.0, float(min(self.age_ms(settled_ms), UNSEEN_MS))
        else:
            count, exposure_ms = baseline.at(settled_ms)
        shape = PRIOR_SHAPE + count
        rate = shape / (PRIOR_SHAPE / usual.rate + exposure_ms)
        mean = rate * (usual.ticks(at_ms) - usual.ticks(at_ms - window_ms))
        return Expectation(mean=mean, shape=shape * WEATHER_SHAPE / (shape + WEATHER_SHAPE + 1))

    def state(self) -> KindState:
        """All of it, for a snapshot."""
        return (
            self.since_ms,
            self.count,
            self.exposure_ms,
            tuple(self.hours),
            tuple(self.hours_ms),
            self.last_ms,
            self.last_count,
            self.last_exposure_ms,
        )

    @classmethod
    def of(cls, state: KindState) -> KindBaseline:
        """A kind's baseline as it was."""
        kind = cls()
        kind.since_ms, kind.count, kind.exposure_ms = state[:3]
        kind.hours, kind.hours_ms = list(state[3]), list(state[4])
        kind.last_ms, kind.last_count, kind.last_exposure_ms = state[5:]
        kind._grow_old()
        return kind

    def _grow_old(self) -> None:
        age_ms = self.age_ms(self.last_ms)
        self.aged_ms = round(_decayed_span(age_ms))
        self.unseen_ms = float(min(age_ms, UNSEEN_MS))

    def _folded(self, until_ms: int) -> tuple[float, float, list[float], list[float]]:
        """Count, exposure and hours with the last block, decayed to ``until_ms``."""
        hours, hours_ms = self.hours.copy(), self.hours_ms.copy()
        hours[self.last_ms // _HOUR_MS % 24] += self.last_count
        at_ms = max(self.last_ms, until_ms - 4 * HALF_LIFE_MS)
        while at_ms < until_ms:
            end_ms = min(until_ms, (at_ms // _HOUR_MS + 1) * _HOUR_MS)
            hours_ms[at_ms // _HOUR_MS % 24] += end_ms - at_ms
            at_ms = end_ms
        kept = math.exp(-(until_ms - self.last_ms) / _TAU_MS)
        return (
            (self.count + self.last_count) * kept,
            (self.exposure_ms + self.last_exposure_ms) * kept,
            [hour * kept for hour in hours],
            [hour * kept for hour in hours_ms],
        )

    def _usual(self, settled_ms: int) -> _Usual:
        """What is usual by the blocks before ``settled_ms``; the same before and after folding."""
        if settled_ms <= self.last_ms or self.since_ms < 0:
            if self._closed is None:
                self._closed = _Usual(
                    settled_ms, self.count, self.exposure_ms, self.hours, self.hours_ms
                )
            return self._closed
        if self._opened is None or self._opened.settled_ms != settled_ms:
            self._opened = _Usual(settled_ms, *self._folded(settled_ms))
        return self._opened


class _Usual:
    """A kind's rate in accounts a millisecond, and its day."""

    __slots__ = ("_before", "_profile", "rate", "settled_ms")

    def __init__(
        self,
        settled_ms: int,
        count: float,
        exposure_ms: float,
        hours: list[float],
        hours_ms: list[float],
    ) -> None:
        self.settled_ms = settled_ms
        self.rate = count / exposure_ms
        self._profile = _profile(hours, hours_ms)
        passed, before = 0.0, []
        for weight in self._profile:
            before.append(passed)
            passed += weight * _HOUR_MS
        self._before = tuple(before)

    def ticks(self, at_ms: int) -> float:
        """Milliseconds since the epoch on a clock that runs faster in busy hours."""
        day, of_day_ms = divmod(at_ms, _DAY_MS)
        hour, of_hour_ms = divmod(of_day_ms, _HOUR_MS)
        return day * _DAY_MS + self._before[hour] + self._profile[hour] * of_hour_ms


def _profile(hours: list[float], hours_ms: list[float]) -> tuple[float, ...]:
    """How busy each hour of the day is; the mean is 1, and so is all when little is known."""
    count, watched_ms = sum(hours), sum(hours_ms)
    if not count or not watched_ms:
        return _FLAT
    mean = count / watched_ms
    mixed_ms = PROFILE_DAYS * _HOUR_MS
    rates = [
        (hours[hour] + mean * mixed_ms + 1) / (hours_ms[hour] + mixed_ms + 1 / mean)
        for hour in range(24)
    ]
    average = sum(rates) / 24
    return tuple(rate / average for rate in rates)


def _decayed_span(age_ms: float) -> float:
    """What is left of a time that has passed, decayed since."""
    return _TAU_MS * -math.expm1(-age_ms / _TAU_MS)
