"""How fast Doorstaff is, beside other ways to do its job: ``python -m bench.rate``.

Every run of every contestant stands alone: a fresh broker of the same make, the same signups, the
same machine, one after another (see ``race``). Writes ``build/bench/rate.json``, and from it
``docs/benchmarks.md`` with its plots.

    python -m bench.rate                    everything; less than 25 minutes on a quiet machine
    python -m bench.rate --only latency     one part anew, into the same results
    python -m bench.rate --quick            a smoke test: a few hundred signups, no page
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.contestant import Doorstaff
from bench.field import FIELD
from bench.latency import SETTLE_SECONDS, measure
from bench.machine import describe
from bench.page import write_page
from bench.quota import is_available
from bench.race import Finish, race
from bench.ruleset import COUNTED, FACETS, bench_ruleset, write
from bench.traffic import Traffic, ending_now
from contracts.ruleset import default_ruleset

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "build" / "bench" / "rate.json"
PEERS_PYTHON = ROOT / "build" / "peers-venv" / "bin" / "python"
PARTITIONS = 8
SHARE = 0.6
"""Of a core: what each worker is held to, so that two of them leave the broker what it needs."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """A load at which alerts are timed.

    Attributes:
        share: Of the highest rate.
        seconds: For which they are, short enough for all keys to stay within the memory budget,
            which is used up after some 280,000 signups of six facets.
        after_signups: So many come before; enough of them, and the budget is used up.
    """

    share: float
    seconds: float = 20.0
    after_signups: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        pilot: Signups of the run that tells how many the others get.
        seconds: That a run of Doorstaff is to last.
        limit_seconds: After which any run is broken off.
    """

    pilot: int = 10_000
    warm_up: int = 500
    seconds: float = 10.0
    most: int = 400_000
    limit_seconds: float = 60.0
    peer_share: float = 1.0
    peers: tuple[str, ...] = tuple(FIELD)
    workers: tuple[int, ...] = (1, 2, 3)
    shared_out: tuple[int, ...] = (1, 2)
    partitions: tuple[int, ...] = (1, 2, 4, 8, 16)
    facets: tuple[int, ...] = (2, 4, 6, 8, 10, 12)
    keys: tuple[int, ...] = (10_000, 100_000, 1_000_000, 5_000_000)
    replayed: int = 200_000
    loads: tuple[Load, ...] = (
        Load(share=0.25),
        Load(share=0.5),
        Load(share=0.5, after_signups=320_000),
        Load(share=0.75, seconds=15.0),
    )


QUICK = Size(
    pilot=300,
    warm_up=50,
    seconds=0.1,
    most=300,
    limit_seconds=30.0,
    peer_share=0.003,
    peers=("aiokafka",),
    workers=(1,),
    shared_out=(1,),
    partitions=(2,),
    facets=(2,),
    keys=(2_000,),
    replayed=500,
    loads=(Load(share=0.2, seconds=4.0),),
)


@dataclass(slots=True)
class Bench:
    """One run of the bench; its parts add to ``results``."""

    size: Size
    kafka: str
    peers_python: Path
    results: dict[str, Any]
    path: Path
    console: Console = field(
        default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False)
    )
    signups: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the signups, once for all contestants."""
        most = self.size.warm_up + self.size.most
        self.signups = Traffic(start=ending_now(most)).messages(most)
        sizes = [len(signup) for signup in self.signups]
        self.results["signup_bytes"] = sum(sizes) / len(sizes)

    async def doorstaff(
        self,
        signups: int,
        *,
        workers: int = 1,
        partitions: int = PARTITIONS,
        facets: int = COUNTED,
        cores: float | None = None,
    ) -> Row:
        """One run of our own workers."""
        finish = await race(
            Doorstaff(bench_ruleset(facets), workers=workers, cores=cores),
            self.signups[: self.size.warm_up + signups],
            warm_up=self.size.warm_up,
            limit_seconds=self.size.limit_seconds,
            partitions=partitions,
            kafka=self.kafka,
        )
        row = {"workers": workers, "partitions": partitions, "facets": facets, **_row(finish)}
        row |= {"cores": cores}
        name = f"Doorstaff, workers {workers}, partitions {partitions}, facets {facets}"
        name += "" if cores is None else f", {cores:g} of a core each"
        self.say(name, finish)
        return row

    def say(self, name: str, finish: Finish) -> None:
        """Tell on the terminal how a run went."""
        self.console.print(
            f"{name:48} {finish.rate:10,.0f}/s  {finish.done:8,} in {finish.seconds:5.1f} s,"
            f" CPU {finish.cpu_seconds:5.1f} s, {finish.peak_rss_bytes >> 20:5,} MiB"
        )

    async def highest(self) -> float:
        """The rate of one worker: as this run or an earlier one found, else from a pilot."""
        found = self.results["parts"].get("workers")
        if found is not None:
            return float(found["rows"][0]["rate"])
        if "pilot_rate" not in self.results:
            self.results["pilot_rate"] = (await self.doorstaff(self.size.pilot))["rate"]
        return float(self.results["pilot_rate"])

    async def enough(self) -> int:
        """Signups that keep one worker busy for the time that a run is to last."""
        if self.size.most <= self.size.pilot:
            return self.size.most
        wanted = int(await self.highest() * self.size.seconds)
        return max(self.size.pilot, min(self.size.most, wanted))

    async def workers(self) -> list[Row]:
        """The whole path with one worker process and more."""
        signups = await self.enough()
        return [await self.doorstaff(signups, workers=workers) for workers in self.size.workers]

    async def shared_out(self) -> list[Row]:
        """The same where each worker has as much of a core, however many there are."""
        if not is_available():
            self.console.print("Workers held to a share of a core: this process may set no quota")
            return []
        signups = await self.enough()
        return [
            await self.doorstaff(signups, workers=workers, cores=SHARE)
            for workers in self.size.shared_out
        ]

    async def peers(self) -> list[Row]:
        """The others."""
        rows: list[Row] = []
        for name in self.size.peers:
            entry = FIELD[name]
            if not entry.program.own_python and not self.peers_python.exists():
                rows.append({"title": entry.title, "failed": "its environment is not there"})
                self.console.print(f"{entry.title}: left out, there is no {self.peers_python}")
                continue
            warm_up = min(entry.warm_up, self.size.warm_up)
            signups = max(50, int(entry.signups * self.size.peer_share))
            try:
                finish = await race(
                    entry.enter(self.peers_python),
                    self.signups[: warm_up + signups],
                    warm_up=warm_up,
                    limit_seconds=self.size.limit_seconds,
                    partitions=PARTITIONS,
                    kafka=self.kafka,
                )
            except (RuntimeError, TimeoutError) as error:  # the others run all the same
                rows.append(
                    {"title": entry.title, "failed": str(error) or "it did not begin in time"}
                )
                self.console.print(f"{entry.title}: no result: {rows[-1]['failed']}")
                continue
            self.say(entry.title, finish)
            rows.append(
                {"name": name, "title": entry.title, "ceiling": entry.ceiling, **_row(finish)}
            )
        return rows

    async def replay(self) -> list[Row]:
        """Recorded signups without a broker, in one process."""
        rows = []
        with tempfile.TemporaryDirectory(prefix="doorstaff-bench-") as scratch:
            folder = Path(scratch)
            recording = folder / "signups.jsonl"
            recording.write_bytes(b"\n".join(self.signups[: self.size.replayed]) + b"\n")
            for ruleset in (default_ruleset(), bench_ruleset()):
                file = write(ruleset, folder / f"{ruleset.version}.yaml")
                row = _child("bench.replay", str(recording), str(file))
                rows.append(
                    {"ruleset": ruleset.version, "rate": row["events"] / row["seconds"]} | row
                )
                self.console.print(f"{'Replay, ' + ruleset.version:48} {rows[-1]['rate']:10,.0f}/s")
        return rows

    async def latency(self) -> list[Row]:
        """From event to alert, at shares of the highest rate."""
        highest = await self.highest()
        rows = []
        for load in self.size.loads:
            rate = load.share * highest
            found = await measure(
                rate,
                load.seconds,
                after=max(SETTLE_SECONDS, load.after_signups / rate),
                partitions=PARTITIONS,
                kafka=self.kafka,
            )
            row: Row = asdict(found)
            row |= {"share": load.share, "alerts": len(found.alerts)}
            row |= {"past_budget": load.after_signups > 0}
            if found.alerts:
                row |= {
                    "p50": found.quantile(0.5),
                    "p99": found.quantile(0.99),
                    "p999": found.quantile(0.999),
                }
                self.console.print(
                    f"{f'Event to alert at {found.rate:,.0f}/s':48} p50 {row['p50'] * 1e3:6,.0f} ms"
                    f"  p99 {row['p99'] * 1e3:6,.0f} ms  p99.9 {row['p999'] * 1e3:6,.0f} ms"
                )
            rows.append(row)
        return rows

    async def keys(self) -> list[Row]:
        """Counting alone, with more and more live facets."""
        rows = []
        for keys in self.size.keys:
            row = _child("bench.keys", str(keys))
            rows.append(row)
            micros = row["seconds"] / row["sightings"] * 1e6
            self.console.print(
                f"{f'Counting with {keys:,} keys':48} {micros:10.1f} µs"
                f"  {row['rss_bytes'] / max(1, row['kept']):6,.0f} B a key kept,"
                f" peak {row['peak_rss_bytes'] >> 20:,} MiB"
            )
        return rows

    async def facets(self) -> list[Row]:
        """The whole path with rules for more and more facets."""
        signups = await self.enough()
        counts = [count for count in self.size.facets if count <= len(FACETS)]
        return [await self.doorstaff(signups, facets=facets) for facets in counts]

    async def partitions(self) -> list[Row]:
        """The whole path over more and more partitions."""
        signups = await self.enough()
        return [
            await self.doorstaff(signups, partitions=partitions)
            for partitions in self.size.partitions
        ]

    def parts(self) -> dict[str, Callable[[], Awaitable[list[Row]]]]:
        """By name, in the order in which they run."""
        return {
            "workers": self.workers,
            "shared_out": self.shared_out,
            "peers": self.peers,
            "replay": self.replay,
            "latency": self.latency,
            "facets": self.facets,
            "partitions": self.partitions,
            "keys": self.keys,
        }

    def save(self) -> None:
        """Keep what there is so far: a run that is broken off has measured something."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.results, indent=1))

    async def run(self, only: list[str]) -> None:
        """Measure the parts that are asked for, all if none is."""
        for name, part in self.parts().items():
            if only and name not in only:
                continue
            self.console.rule(name)
            begun = time.monotonic()
            rows = await part()
            self.results["parts"][name] = {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "took_seconds": round(time.monotonic() - begun),
                "rows": rows,
            }
            self.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes no page")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="may repeat")
    parser.add_argument("--redraw", action="store_true", help="the page from the last results")
    parser.add_argument("--kafka", default="", metavar="HOST:PORT", help="else the embedded one")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    chosen = parser.parse_args()
    results: dict[str, Any] = {"parts": {}}
    if (chosen.only or chosen.redraw) and chosen.results.exists():
        results = json.loads(chosen.results.read_text())
    if not chosen.redraw:
        results["machine"] = describe(chosen.peers_python, kafka=chosen.kafka)
        bench = Bench(
            size=QUICK if chosen.quick else Size(),
            kafka=chosen.kafka,
            peers_python=chosen.peers_python,
            results=results,
            path=chosen.results,
        )
        if unknown := set(chosen.only) - bench.parts().keys():
            parser.error(f"no part is called {', '.join(unknown)}: {', '.join(bench.parts())}")
        asyncio.run(bench.run(chosen.only))
    if not chosen.quick:
        write_page(results, ROOT / "docs" / "benchmarks.md")
        _plot(chosen.peers_python, chosen.results, ROOT / "docs" / "images")


def _plot(python: Path, results: Path, folder: Path) -> None:
    """Draw in the peers' environment: matplotlib is there, and no dependency of ours."""
    if not python.exists():
        print(f"no plots drawn: there is no {python}", file=sys.stderr)
        return
    subprocess.run(
        [str(python), str(Path(__file__).parent / "plot.py"), str(results), str(folder)], check=True
    )


def _row(finish: Finish) -> Row:
    return {**asdict(finish), "rate": finish.rate}


def _child(module: str, *arguments: str) -> Row:
    """Run a module that prints one line of JSON."""
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    row: Row = json.loads(ran.stdout)
    return row


if __name__ == "__main__":
    main()
