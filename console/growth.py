"""A campaign's size over time, as a picture's geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.alert import GrowthPoint

WIDTH = 1_000.0
HEIGHT = 150.0
LEAST_POINTS = 2
"""One step shows nothing that the number of accounts does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A line that only rises, from the lower left, in units of ``WIDTH`` and ``HEIGHT``.

    Attributes:
        line: The line's points as SVG takes them, a step a point.
        area: The same, closed along the ground.
        half_at: When half of the accounts had come.
    """

    line: str
    area: str
    begins_at: datetime
    ends_at: datetime
    half_at: datetime
    accounts: int


def chart(growth: Sequence[GrowthPoint]) -> Chart | None:
    """Draw a campaign's growth; None where there is nothing to draw.

    A point stands for the end of a step; the first step begins as long before its end as the
    others do, with no account.
    """
    if len(growth) < LEAST_POINTS:
        return None
    ends_at, accounts = growth[-1].at, growth[-1].accounts
    begins_at = growth[0].at - (growth[1].at - growth[0].at)
    whole_s = (ends_at - begins_at).total_seconds()
    corners = [(0.0, HEIGHT)]
    for point in growth:
        x = WIDTH * (point.at - begins_at).total_seconds() / whole_s
        corners.append((x, HEIGHT * (1 - point.accounts / accounts)))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return Chart(
        line=line,
        area=f"{line} {WIDTH:.1f},{HEIGHT:.1f}",
        begins_at=begins_at,
        ends_at=ends_at,
        half_at=next(point.at for point in growth if 2 * point.accounts >= accounts),
        accounts=accounts,
    )
