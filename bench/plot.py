"""The plots of ``docs/benchmarks.md``: ``plot.py RESULTS.json FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

OWN, PEER, CEILING = "#0f766e", "#94a3b8", "#cbd5e1"
ASKED_MS = 250
Row = dict[str, Any]


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        name: [row for row in part["rows"] if "failed" not in row]
        for name, part in results["parts"].items()
    }
    plt.rcParams.update(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 120,
            "svg.hashsalt": "doorstaff",
        }
    )
    if parts.get("workers"):
        rates(parts["workers"][0], parts.get("peers", []), folder / "benchmark-rates.png")
    if any("p99" in row for row in parts.get("latency", [])):
        latency(parts["latency"], folder / "benchmark-latency.png")
    if parts.get("keys"):
        keys(parts["keys"], folder / "benchmark-keys.png")
    if parts.get("facets") or parts.get("partitions"):
        growth(parts, folder / "benchmark-growth.png")


def rates(own: Row, peers: list[Row], path: Path) -> None:
    rows = [{**own, "title": "Doorstaff, whole live path", "ceiling": False}, *peers]
    rows.sort(key=lambda row: (not row["ceiling"], -row["rate"]))
    titles = [row["title"] + (" (only parses)" if row["ceiling"] else "") for row in rows]
    colours = [CEILING if row["ceiling"] else OWN if "workers" in row else PEER for row in rows]
    figure, axes = plt.subplots(figsize=(8, 0.45 * len(rows) + 1))
    bars = axes.barh(titles, [row["rate"] for row in rows], color=colours)
    axes.bar_label(bars, [f" {row['rate']:,.0f}" for row in rows])
    axes.set_xscale("log")
    axes.set_xlim(left=min(row["rate"] for row in rows) / 3, right=max(r["rate"] for r in rows) * 6)
    axes.set_xlabel("signups per second, one process (each step is ten times the last)")
    _save(figure, path)


def latency(rows: list[Row], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 3.4))
    rows = [row for row in rows if "p99" in row and not row["past_budget"]]
    for index, (name, label, colour) in enumerate(
        (("p50", "p50", "#99f6e4"), ("p99", "p99", "#14b8a6"), ("p999", "p99.9", OWN))
    ):
        places = [place + (index - 1) * 0.26 for place in range(len(rows))]
        bars = axes.bar(places, [row[name] * 1e3 for row in rows], 0.24, label=label, color=colour)
        axes.bar_label(bars, [f"{row[name] * 1e3:,.0f}" for row in rows], fontsize=9)
    axes.axhline(
        ASKED_MS, color="#dc2626", linewidth=1, linestyle="--", label="asked at a half: p99"
    )
    axes.set_yscale("log")
    axes.set_ylim(10, 3 * max(ASKED_MS, *(row["p999"] * 1e3 for row in rows)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
    axes.set_xticks(
        range(len(rows)),
        [f"{row['share']:g} of the highest rate\n{row['rate']:,.0f}/s" for row in rows],
    )
    axes.set_ylabel("event to alert, ms")
    axes.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _save(figure, path)


def keys(rows: list[Row], path: Path) -> None:
    figure, (cost, memory) = plt.subplots(1, 2, figsize=(8, 3.2))
    counts = [row["keys"] for row in rows]
    cost.plot(counts, [row["seconds"] / row["sightings"] * 1e6 for row in rows], "o-", color=OWN)
    cost.set_ylabel("µs a sighting")
    memory.plot(counts, [row["peak_rss_bytes"] / 2**20 for row in rows], "o-", color=OWN)
    memory.axhline(512, color="#dc2626", linewidth=1, linestyle="--")
    memory.text(counts[0], 525, "budget: 512 MiB", color="#dc2626", fontsize=9)
    memory.set_ylabel("peak of the process, MiB")
    for axes in (cost, memory):
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("distinct keys")
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
    memory.set_ylim(top=max(600, *(row["peak_rss_bytes"] / 2**20 * 1.1 for row in rows)))
    _save(figure, path)


def growth(parts: dict[str, list[Row]], path: Path) -> None:
    names = [name for name in ("facets", "partitions", "workers") if parts.get(name)]
    figure, panels = plt.subplots(1, len(names), figsize=(9, 3), sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        rows = parts[name]
        places = [str(row[name]) for row in rows]
        bars = axes.bar(places, [row["rate"] for row in rows], color=OWN, width=0.6)
        axes.bar_label(bars, [f"{row['rate'] / 1e3:.1f}k" for row in rows], fontsize=8)
        axes.set_xlabel(name)
    panels[0][0].set_ylabel("signups per second")
    panels[0][0].yaxis.set_major_formatter(FuncFormatter(_short))
    _save(figure, path)


def _short(value: float, _place: Any = None) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if value >= 1e3 else f"{value:g}"


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
