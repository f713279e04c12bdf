"""The chart of ``docs/benchmarks/edits.md``: ``edit_plot.py RESULTS.json PICTURE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

OWN, PEER = "#0f766e", "#94a3b8"


def main() -> None:
    rows: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    rows.sort(key=lambda row: (row["vPDQ"], row["Doorstaff"]))
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(figsize=(8, 0.26 * len(rows) + 1), dpi=110)
    for shift, name, colour in ((0.2, "Doorstaff", OWN), (-0.2, "vPDQ", PEER)):
        places = [place + shift for place in range(len(rows))]
        bars = axes.barh(places, [100 * row[name] for row in rows], 0.4, color=colour, label=name)
        axes.bar_label(bars, [f" {row[name]:.0%}" for row in rows], fontsize=6)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 106)
    axes.set_xlabel("uploads of which a stretch was found, %")
    axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.tight_layout()
    figure.savefig(sys.argv[2], metadata={"Software": None})


if __name__ == "__main__":
    main()
