"""Charts as inline SVG: lines over an axis, and stacked columns. No script, no font, no network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 28, 40
TICKS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        style: The CSS class of its colour.
        points: Of x and y; a y of None leaves a gap.
    """

    name: str
    style: str
    points: Sequence[tuple[float, float | None]]


def line_chart(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    mark: float,
    mark_label: str,
    y_top: float | None = None,
) -> str:
    """Lines from an x of 0 to 100.

    Args:
        lines: With a legend by their names.
        x_label: What runs from 0 to 100.
        y_label: What is drawn.
        mark: The x of a dashed line.
        mark_label: What stands there.
        y_top: Where the y axis ends; a round number above the highest point if not given.
    """
    highest = max((y for line in lines for _, y in line.points if y is not None), default=1)
    top = y_top or _round_up(highest)
    parts = [*_axes(x_label, y_label, top, x_ticks=range(0, 101, 20))]
    x = _x(mark)
    parts.append(f'<line class="mark" x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>')
    parts.append(f'<text class="note" x="{x + 4}" y="{TOP + 10}">{escape(mark_label)}</text>')
    for line in lines:
        drawn = [(_x(x), _y(y, top)) for x, y in line.points if y is not None]
        path = " ".join(f"{'L' if at else 'M'}{x} {y}" for at, (x, y) in enumerate(drawn))
        parts.append(f'<path class="line {line.style}" d="{path}"/>')
        parts += [f'<circle class="{line.style}" cx="{x}" cy="{y}" r="3"/>' for x, y in drawn]
    parts += _legend([(line.name, line.style) for line in lines])
    return _svg(parts, f"{y_label} by {x_label}")


def column_chart(
    columns: Sequence[Sequence[int]],
    *,
    names: Sequence[tuple[str, str]],
    x_label: str,
    y_label: str,
    step: float,
    mark: float,
    mark_label: str,
) -> str:
    """Stacked columns side by side, the first at 0; their heights by the square root.

    Small counts beside large ones are what such a chart is looked at for: hence the root.

    Args:
        columns: Counts from the bottom to the top.
        names: Name and CSS class of each part of a column.
        x_label: What runs from 0 to 100.
        y_label: What is counted.
        step: How much of x a column stands for.
        mark: The x of a dashed line.
        mark_label: What stands there.
    """
    highest = max((sum(column) for column in columns), default=0) or 1
    parts = [*_axes(x_label, y_label, highest, x_ticks=range(0, 101, 20), root=True)]
    room = HEIGHT - TOP - BOTTOM
    for at, column in enumerate(columns):
        whole = sum(column)
        tall = room * math.sqrt(whole / highest)
        base = float(HEIGHT - BOTTOM)
        for count, (_, style) in zip(column, names, strict=True):
            part = tall * count / whole if whole else 0
            base -= part
            width = max(_x(step) - _x(0) - 2, 1)
            parts.append(
                f'<rect class="{style}" x="{_x(at * step) + 1}" y="{base:.1f}" width="{width:.1f}"'
                f' height="{part:.1f}"><title>{count:,}</title></rect>'
            )
    x = _x(mark)
    parts.append(f'<line class="mark" x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>')
    parts.append(f'<text class="note" x="{x + 4}" y="{TOP + 10}">{escape(mark_label)}</text>')
    parts += _legend(names)
    return _svg(parts, f"{y_label} by {x_label}")


def _axes(
    x_label: str, y_label: str, top: float, *, x_ticks: Sequence[int], root: bool = False
) -> Iterator[str]:
    bottom = HEIGHT - BOTTOM
    for tick in range(TICKS + 1):
        share = tick / TICKS
        y = round(bottom - share * (bottom - TOP), 1)
        value = top * (share * share if root else share)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
        yield (
            f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{y + 4}">'
            f"{_number(value)}</text>"
        )
    for x in x_ticks:
        yield f'<text class="tick" text-anchor="middle" x="{_x(x)}" y="{bottom + 16}">{x}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield (
        f'<text class="tick" text-anchor="middle" x="{middle}" y="{HEIGHT - 6}">'
        f"{escape(x_label)}</text>"
    )
    yield f'<text class="tick" x="4" y="{TOP - 14}">{escape(y_label)}</text>'


def _legend(names: Sequence[tuple[str, str]]) -> Iterator[str]:
    x = WIDTH - RIGHT - 110
    for at, (name, style) in enumerate(names):
        y = TOP + 12 + 16 * at
        yield f'<rect class="{style}" x="{x}" y="{y - 8}" width="10" height="10"/>'
        yield f'<text class="tick" x="{x + 16}" y="{y + 1}">{escape(name)}</text>'


def _svg(parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _x(value: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / 100, 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)


def _round_up(value: float) -> float:
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"  # noqa: PLR2004
