"""How many different values were seen in a window of panes: exact to 64, then estimated.

Beyond ``EXACT_VALUES`` a pane keeps a sketch of Apache DataSketches, and a window's estimate is
that of the union of its panes. The sketch is CPC (Lang, *Back to the Future: an Even More Nearly
Optimal Cardinality Estimation Algorithm*, 2017, arXiv:1708.06839), the successor of HyperLogLog
in that library, since of the two only its estimate is a function of the set of values that never
falls when values are added. What a window comes to must not depend on the order of arrival
(docs/decisions/0056-distinct-by-cpc.md has the measurements).

Values are hashed by DataSketches (MurmurHash3 with a fixed seed): the same in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt

from datasketches import cpc_sketch, cpc_union

EXACT_VALUES = 64
LG_K = 10
RELATIVE_STANDARD_ERROR = log(2) / sqrt(1 << LG_K)
"""Of a merged CPC sketch, asymptotically (Lang 2017, section 4): 2.2 %."""

PaneState = tuple[int, tuple[str, ...] | bytes]

FEW = 16
"""Values up to which a union is added to; with more it is made anew when it is next asked for."""

KEPT_UNIONS = 2
"""Kept up to date at every addition; late sightings ask for the window before the newest too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number, and how far it may be off."""

    count: int
    relative_standard_error: float
    """0 where the count is exact; in two of three cases the truth is nearer than this."""


class DistinctPanes:
    """The values seen in each of the panes that are kept.

    Every answer depends on nothing but the set of (pane, value) that was added, and never falls
    when the set grows.
    """

    __slots__ = ("_panes", "_unions")

    def __init__(self) -> None:
        self._panes: dict[int, set[str] | cpc_sketch] = {}
        self._unions: dict[tuple[int, int], set[str] | cpc_sketch] = {}
        """By oldest and newest pane: those asked for lately, kept up to date."""

    def __len__(self) -> int:
        """Panes kept."""
        return len(self._panes)

    def add(self, pane: int, value: str) -> None:
        """Note a value. Again in the same pane, it changes nothing."""
        self.add_all(pane, (value,))

    def add_all(self, pane: int, values: Sequence[str]) -> None:
        """Note values of one pane."""
        self._panes[pane] = _with(self._panes.get(pane, set()), values)
        for asked, union in list(self._unions.items()):
            if asked[0] <= pane <= asked[1]:
                if len(values) > FEW:
                    del self._unions[asked]
                else:
                    self._unions[asked] = _with(union, values)

    def estimate(self, newest: int, panes: int) -> Estimate:
        """Distinct values in the ``panes`` panes up to and with ``newest``.

        Asked again for the same panes, it costs no union anew, whatever was added meanwhile.
        """
        asked = (newest - panes + 1, newest)
        values = self._unions.get(asked)
        if values is None:
            if len(self._unions) >= KEPT_UNIONS:
                del self._unions[next(iter(self._unions))]
            values = self._unions[asked] = _union(
                [values for pane, values in self._panes.items() if asked[0] <= pane <= newest]
            )
        if isinstance(values, set):
            return Estimate(count=len(values), relative_standard_error=0.0)
        return Estimate(
            count=max(EXACT_VALUES + 1, round(values.get_estimate())),
            relative_standard_error=RELATIVE_STANDARD_ERROR,
        )

    def forget_before(self, pane: int) -> None:
        """Let go of the panes before ``pane``."""
        for number in [number for number in self._panes if number < pane]:
            del self._panes[number]
        for asked in [asked for asked in self._unions if asked[0] < pane]:
            del self._unions[asked]

    def merge(self, other: DistinctPanes) -> None:
        """Take in all that another has seen."""
        for pane, values in other._panes.items():
            mine = self._panes.get(pane)
            self._panes[pane] = _union([values] if mine is None else [mine, values])
        self._unions.clear()

    def state(self) -> tuple[PaneState, ...]:
        """All of it, for a snapshot, in the order of panes."""
        return tuple(
            (pane, tuple(sorted(values)) if isinstance(values, set) else values.serialize())
            for pane, values in sorted(self._panes.items(), key=lambda kept: kept[0])
        )

    @classmethod
    def of(cls, state: Sequence[PaneState]) -> DistinctPanes:
        """Panes as they were."""
        distinct = cls()
        for pane, values in state:
            distinct._panes[pane] = (
                cpc_sketch.deserialize(values) if isinstance(values, bytes) else set(values)
            )
        return distinct


def _with(known: set[str] | cpc_sketch, values: Iterable[str]) -> set[str] | cpc_sketch:
    if isinstance(known, set):
        known.update(values)
        return known if len(known) <= EXACT_VALUES else _union([known])
    update = known.update
    for value in values:
        update(value or "\0")  # DataSketches skips an empty string
    return known


def _union(parts: Sequence[set[str] | cpc_sketch]) -> set[str] | cpc_sketch:
    """All values of the parts, in a set or a sketch of its own.

    The sketch comes from a union: its estimate depends on no order, also when it is added to.
    """
    exact: set[str] = set()
    sketches: list[cpc_sketch] = []
    for part in parts:
        if isinstance(part, set):
            exact |= part
        else:
            sketches.append(part)
    if not sketches and len(exact) <= EXACT_VALUES:
        return exact
    union = cpc_union(LG_K)
    for sketch in sketches:
        union.update(sketch)
    if exact:
        rest = cpc_sketch(LG_K)
        for value in exact:
            rest.update(value or "\0")
        union.update(rest)
    return union.get_result()
