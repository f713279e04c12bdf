"""A sweep as one HTML page that people read: charts and tables, nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, StrictUndefined

from tuning.chart import Line, column_chart, line_chart
from tuning.sweep import BIN_RISK, FACTORS, Score, Sweep


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A text model that was fitted, and how it did on texts that it had not seen.

    Attributes:
        texts: How many it learned from, of bad and of good accounts.
        at: Percent, precision and recall, by threshold.
        chosen: The threshold of the model, in percent.
        before: Precision and recall of the model in force, on the same texts.
        words: What speaks for spam most, each with its weight.
    """

    name: str
    texts: tuple[int, int]
    at: tuple[tuple[int, float | None, float], ...]
    chosen: int
    before: tuple[float | None, float]
    words: tuple[tuple[str, float], ...]


def report(sweep: Sweep, *, recording: str, labels: str, fitted: Fitted | None = None) -> str:
    """The page.

    Args:
        sweep: What was measured.
        recording: Of which file.
        labels: Whence the labels came.
        fitted: The text model, where one was fitted.
    """
    page = resources.files("tuning").joinpath("report.html").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": percent, "count": lambda number: f"{number:,}"}
    return environment.from_string(page).render(
        sweep=sweep,
        recording=recording,
        labels=labels,
        fitted=fitted,
        factors=FACTORS,
        kinds=sorted({kind for one in sweep.thresholds for kind in one.alerts}),
        precision=_precision(sweep),
        alerts=_alerts(sweep),
        risks=_risks(sweep),
        learned=_learned(fitted) if fitted else "",
        best=best_threshold(sweep),
    )


def percent(share: float | None) -> str:
    """A share as people read it; the word for none."""
    return "none" if share is None else f"{100 * share:.1f} %"


def best_threshold(sweep: Sweep) -> tuple[int, Score] | None:
    """The threshold with the best F1, and its score; None without bad accounts."""
    known = [(one.score.f1, -one.review, one) for one in sweep.thresholds if one.score.bad]
    if not known:
        return None
    _, _, best = max(known, key=lambda item: (item[0] or 0.0, item[1]))
    return best.review, best.score


def _precision(sweep: Sweep) -> str:
    at = sweep.thresholds
    return line_chart(
        [
            Line(
                name="precision",
                style="one",
                points=[(one.review, _hundred(one.score.precision)) for one in at],
            ),
            Line(
                name="recall",
                style="two",
                points=[(one.review, _hundred(one.score.recall)) for one in at],
            ),
        ],
        x_label="review from this risk on",
        y_label="percent",
        y_top=100,
        mark=sweep.ruleset.thresholds.review,
        mark_label="review now",
    )


def _alerts(sweep: Sweep) -> str:
    kinds = sorted({kind for one in sweep.thresholds for kind in one.alerts})
    styles = ("one", "two", "three", "four")
    return line_chart(
        [
            Line(
                name=kind,
                style=style,
                points=[(one.review, one.alerts[kind]) for one in sweep.thresholds],
            )
            for kind, style in zip(kinds, styles, strict=False)
        ],
        x_label="review from this risk on",
        y_label="alerts",
        mark=sweep.ruleset.thresholds.review,
        mark_label="review now",
    )


def _risks(sweep: Sweep) -> str:
    return column_chart(
        sweep.bins,
        names=(("labelled good", "two"), ("labelled bad", "one"), ("not labelled", "none")),
        x_label="risk",
        y_label="accounts (root scale)",
        step=BIN_RISK,
        mark=sweep.ruleset.thresholds.review,
        mark_label="review now",
    )


def _learned(fitted: Fitted) -> str:
    return line_chart(
        [
            Line(
                name="precision",
                style="one",
                points=[(at, _hundred(precision)) for at, precision, _ in fitted.at],
            ),
            Line(
                name="recall",
                style="two",
                points=[(at, 100 * recall) for at, _, recall in fitted.at],
            ),
        ],
        x_label="called spam from this probability on, in percent",
        y_label="percent of texts",
        y_top=100,
        mark=fitted.chosen,
        mark_label=f"chosen: {fitted.chosen} %",
    )


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share
