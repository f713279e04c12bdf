"""``docs/benchmarks.md`` from the results of ``bench.rate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]

MIB = 1 << 20
BUDGET_BYTES = 512 * MIB
MAX_FOREIGN_CORES = 0.2

_TOP = """\
# Benchmarks
How fast Doorstaff's stream is, beside the same job in the idiom of other Python stream libraries
and beside what mere reading costs. Written by `make bench` (`python -m bench.rate`); raw results
are in `build/bench/rate.json`. Rates of two runs, or of two machines, do not compare; ratios within
one run do.
"""

_HOW = """\
## How it is measured
- **The job.** Signups of about {bytes:.0f} bytes of JSON, seeded (`bench/traffic.py`): 97 of 100
  are ordinary people on networks that they share, 3 come in bursts of 4 to 40 from one hand. Each
  shows six facets (device, ip, subnet, email_stem, payment, link_domain), and each facet is counted
  in three windows: 10 minutes, 1 hour, 24 hours.
- **Doorstaff** is the real `doorstaff worker`, the whole live path: intake, link scan, repeats,
  facets, distinct accounts in windows, verdict for every signup, campaigns and alerts, all of it
  durable before it is acknowledged. A signup is done when its first verdict is on the topic.
- **The peers** (`bench/peers/`) count signups by facet and window, and send an alert at a level.
  They read no texts and give no verdicts. A signup is done when all of its facets are counted.
- **One after another**, each on a broker of its own, freshly started, with 8 partitions. A
  contestant is started, warmed up, and frozen (`SIGSTOP`); its topic is filled; then it is let go,
  and the clock runs until the last signup is done. So the load generator's cost is in no figure,
  and neither is the start. Who takes longer than a minute is stopped, and rated by what it had
  done. All get the same signups from the first on, slow ones fewer of them; those whose cost grows
  with the keys that they hold are the better off for it.
- **Each runs once.** Runs of the same code differ by some 15 %, so a ratio that is near what was
  asked says nothing for certain.
- **The broker shares the cores**, as do the worker's own database and Valkey. Its CPU time stands
  beside each contestant's.
- Fetches wait 20 ms at most, for all but Faust, which has no setting for it: the embedded broker
  always waits the whole time.
- **The interpreter** matters: one built without profile-guided optimisation, as pyenv does unless
  it is told to, is slower by a tenth. Those of distributions, of python.org and of Docker's images
  have it.
"""


def write_page(results: dict[str, Any], path: Path) -> None:
    """Write the page; parts that were not measured are left out."""
    parts = {name: part["rows"] for name, part in results["parts"].items()}
    peers = parts.get("peers", [])
    failed = [f"{row['title']} ({row['failed']})" for row in peers if "failed" in row]
    parts["peers"] = [row for row in peers if "failed" not in row]
    sections = [
        _TOP,
        _machine(results),
        *_noise(parts),
        "## What was asked, and what was reached",
        _asked(parts),
    ]
    sections.append(_HOW.format(bytes=results.get("signup_bytes", 459)))
    if parts.get("workers"):
        sections += ["## The live path beside its peers", *_race(parts)]
        sections += [f"No result: {', '.join(failed)}."] if failed else []
        sections += ["## More workers", *_workers(parts["workers"], parts.get("shared_out", []))]
    if parts.get("latency"):
        sections += ["## From event to alert", *_latency(parts["latency"])]
    if parts.get("replay"):
        sections += ["## Replay", *_replay(parts["replay"])]
    if parts.get("keys"):
        sections += ["## More keys", *_keys(parts["keys"])]
    if parts.get("facets") or parts.get("partitions"):
        sections += ["## More facets and partitions", *_growth(parts)]
    path.write_text("\n".join(section.strip() + "\n" for section in sections), encoding="utf-8")


def _machine(results: dict[str, Any]) -> str:
    machine = results.get("machine", {})
    days = sorted(part["measured_at"][:10] for part in results["parts"].values())
    when = f" Measured {days[0]}" + (f" to {days[-1]}." if days[0] != days[-1] else ".")
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    return f"On: {facts}.{when if days else ''}"


def _noise(parts: dict[str, list[Row]]) -> Iterator[str]:
    """A warning where others worked on the machine meanwhile."""
    found = [row["foreign_cores"] for rows in parts.values() for row in rows if _is_race(row)]
    if found and max(found) > MAX_FOREIGN_CORES:
        yield (
            f"**Others worked on this machine meanwhile**, on up to {max(found):.1f} of its cores:"
            " the rates, ratios and latencies below are too low or uneven. Run `make bench` on a"
            " machine that does nothing else."
        )


def _is_race(row: Row) -> bool:
    return "foreign_cores" in row


def _asked(parts: dict[str, list[Row]]) -> str:
    rows = list(_figures(parts))
    return _table(("asked", "reached", ""), rows) if rows else "Nothing was measured."


def _figures(parts: dict[str, list[Row]]) -> Iterator[tuple[str, str, str]]:
    own = parts.get("workers", [])
    rates = {row["name"]: row["rate"] for row in parts.get("peers", [])}
    asked = (
        ("faust_agent", "a bare Faust agent that only parses", 2.5),
        ("faust_tables", "naive Faust tables", 300.0),
        ("quix_hopping", "Quix Streams, hopping windows", 45.0),
        ("bytewax_windows", "Bytewax with its own windows", 35.0),
        ("bytewax_rings", "Bytewax with counters by hand", 1.0),
    )
    for name, title, times in asked:
        if own and rates.get(name):
            ratio = own[0]["rate"] / rates[name]
            target = "faster than" if times == 1 else f"{times:g} times"
            yield f"{target} {title}, one process", f"{ratio:,.2f} times", _mark(ratio >= times)
    for row in parts.get("replay", []):
        if row["ruleset"].startswith("default"):
            yield (
                "replay: 40,000 signups/s a core, default ruleset",
                f"{row['rate']:,.0f}",
                _mark(row["rate"] >= 40_000),
            )
    yield from _figures_of_latency(parts.get("latency", []))
    yield from _figures_of_keys(parts.get("keys", []))
    yield from _figures_of_workers(own, parts.get("shared_out", []))


def _figures_of_latency(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    halves = {row["past_budget"]: row for row in rows if row["share"] == 0.5 and "p99" in row}
    if False in halves:
        p99, past = halves[False]["p99"], halves.get(True)
        reached = f"{p99 * 1e3:,.0f} ms"
        reached += f"; {past['p99'] * 1e3:,.0f} ms past the memory budget" if past else ""
        asked = "event to alert: p99 under 250 ms at half the highest rate"
        yield asked, reached, _mark(p99 < 0.25)


def _figures_of_workers(own: list[Row], shared_out: list[Row]) -> Iterator[tuple[str, str, str]]:
    ratios = []
    for rows in (own, shared_out):
        by_workers = {row["workers"]: row["rate"] for row in rows}
        ratios.append(by_workers.get(2, 0.0) / by_workers[1] if 1 in by_workers else 0.0)
    asked = "a second worker: 1.7 times the rate where there are the cores"
    on_the_same, on_its_own = ratios
    if on_its_own:
        share = shared_out[0]["cores"]
        reached = f"{on_its_own:.2f} times, each worker with {share:g} of a core"
        if on_the_same:
            reached += f"; {on_the_same:.2f} times where all share the cores"
        yield asked, reached, _mark(on_its_own >= 1.7)
    elif on_the_same:
        reached = f"{on_the_same:.2f} times, broker and database on the same cores"
        yield asked, reached, _mark(on_the_same >= 1.7)


def _figures_of_keys(rows: list[Row]) -> Iterator[tuple[str, str, str]]:
    live = [row for row in rows if row["kept"] >= row["keys"] and row["keys"] >= 100_000]
    if live:
        each = live[-1]["rss_bytes"] / live[-1]["kept"]
        yield (
            "under 400 bytes a live facet key",
            f"{each:,.0f} bytes with {live[-1]['keys']:,} keys of three windows",
            _mark(each < 400),
        )
    flood = [row for row in rows if row["keys"] >= 5_000_000]
    if flood:
        grown, peak = flood[-1]["grown_bytes"], flood[-1]["peak_rss_bytes"]
        yield (
            "a flood of 5 M keys within a budget of 512 MiB",
            f"grew by {grown / MIB:,.0f} MiB at most (the whole process: {peak / MIB:,.0f} MiB)",
            _mark(grown <= BUDGET_BYTES),
        )


def _mark(reached: bool) -> str:
    return "reached" if reached else "**not reached**"


def _race(parts: dict[str, list[Row]]) -> Iterator[str]:
    yield "![Signups per second, one process each](images/benchmark-rates.png)"
    own = parts["workers"][0]
    entries = [{**own, "title": "**Doorstaff, the whole live path**", "ceiling": False}]
    entries += parts.get("peers", [])
    entries.sort(key=lambda row: (row["ceiling"], row["rate"]))
    rows = [
        (
            str(row["title"]) + (" (reads and parses only)" if row["ceiling"] else ""),
            f"{row['rate']:,.0f}",
            f"{own['rate'] / row['rate']:,.2f}" if row["rate"] else "",
            _micros(row["cpu_seconds"], row),
            _micros(row["broker_cpu_seconds"], row),
            f"{row['peak_rss_bytes'] / MIB:,.0f}",
            f"{row['done']:,}",
            f"{row['alerts']:,}",
        )
        for row in entries
    ]
    head = (
        "one process",
        "signups/s",
        "Doorstaff is … times as fast",
        "CPU µs a signup",
        "broker's CPU µs",
        "peak MiB",
        "signups",
        "alert messages",
    )
    yield _table(head, rows)
    yield (
        "Alert messages differ by what counts as one: Doorstaff's are campaigns that open and"
        " grow, the peers' are facets that reached a level in a window. Bytewax's own windows"
        " tell their count when they close, which most have not when the last signup is counted."
    )


def _workers(rows: list[Row], shared_out: list[Row]) -> Iterator[str]:
    yield _table_of_workers(rows)
    yield (
        "The topic was filled before the clock ran, so no load generator is on the cores; the"
        " broker is. Where `cores busy` comes near the number of cores, the machine is what holds"
        " back the next worker."
    )
    if shared_out:
        share = shared_out[0]["cores"]
        yield (
            f"So here is the same with each worker held to {share:g} of a core by the kernel's"
            " quota, which leaves room for the second: what it brings where there are the cores."
        )
        yield _table_of_workers(shared_out)


def _table_of_workers(rows: list[Row]) -> str:
    one = rows[0]
    body = [
        (
            f"{row['workers']}",
            f"{row['rate']:,.0f}",
            f"{row['rate'] / one['rate']:.2f}",
            _micros(row["cpu_seconds"], row),
            _micros(row["broker_cpu_seconds"], row),
            _cores(row),
            f"{row['peak_rss_bytes'] / MIB / row['workers']:,.0f}",
        )
        for row in rows
    ]
    head = (
        "workers",
        "signups/s",
        "times one",
        "workers' CPU µs a signup",
        "broker's CPU µs",
        "cores busy",
        "peak MiB a worker",
    )
    return _table(head, body)


def _latency(rows: list[Row]) -> Iterator[str]:
    yield "![From event to alert](images/benchmark-latency.png)"
    body = [
        (
            f"{row['share']:g}{', past the budget' if row['past_budget'] else ''}",
            f"{row['rate']:,.0f}",
            f"{row['sent_rate']:,.0f}",
            *(f"{row[name] * 1e3:,.0f} ms" if name in row else "" for name in _QUANTILES),
            f"{row['alerts']:,} of {row['expected']:,}",
            f"{row['late_seconds'] * 1e3:,.0f} ms",
        )
        for row in rows
    ]
    head = ("of the highest rate", "signups/s", "sent", "p50", "p99", "p99.9", "alerts", "late")
    yield _table(head, body)
    yield (
        "From the moment when the signup that tips a device over is sent to Kafka to the moment"
        " when a consumer of the alerts topic has the alert. The load is open: signups are sent"
        " when they are due, whatever became of the earlier ones (`late`: by how much the"
        " generator was late at most). Generator and consumer run on the same cores, so at high"
        " loads they are part of what is measured. Up to fifty devices a second are tipped over."
    )
    if any(row["past_budget"] for row in rows):
        yield (
            "`Past the budget` is after 320,000 signups, whose facets are more than the 512 MiB of"
            " memory that Doorstaff takes for them as shipped: what had to go is estimated from"
            " then on, and a signup takes about half as much time again"
            " ([why](decisions/0057-a-count-min-sketch-of-bytes.md))."
        )


_QUANTILES = ("p50", "p99", "p999")


def _replay(rows: list[Row]) -> Iterator[str]:
    body = [
        (
            str(row["ruleset"]),
            f"{row['rate']:,.0f}",
            f"{row['cpu_seconds'] / row['events'] * 1e6:,.1f}",
            f"{row['events']:,}",
            f"{row['verdicts']:,}",
        )
        for row in rows
    ]
    yield _table(("ruleset", "signups/s", "CPU µs a signup", "signups", "verdicts"), body)
    yield (
        "`doorstaff replay` on one core: finding the order, scoring, and writing verdicts and"
        " alerts. `default` has 7 velocity rules, `bench` the 18 of the live path."
    )


def _keys(rows: list[Row]) -> Iterator[str]:
    yield "![Cost as keys grow](images/benchmark-keys.png)"
    body = [
        (
            f"{row['keys']:,}",
            f"{row['kept']:,}",
            f"{row['seconds'] / row['sightings'] * 1e6:,.1f}",
            f"{row['rss_bytes'] / max(1, row['kept']):,.0f}",
            f"{row['peak_rss_bytes'] / MIB:,.0f}",
        )
        for row in rows
    ]
    head = ("distinct keys", "kept", "µs a sighting", "bytes a key kept", "process's peak MiB")
    yield _table(head, body)
    yield (
        "The velocity detector alone, one process: sightings of so many distinct facets of six"
        " kinds within an hour, three windows each; a quarter of the sightings are of a facet"
        " seen before. Memory is what the operating system gives the process: its growth for"
        " `bytes a key kept`, all of it for the peak. Past its budget, which is 512 MiB as"
        " shipped, the detector lets go of the least useful keys and estimates their counts."
    )


def _growth(parts: dict[str, list[Row]]) -> Iterator[str]:
    yield "![Cost as facets, partitions and workers grow](images/benchmark-growth.png)"
    for name in ("facets", "partitions"):
        rows = parts.get(name)
        if rows:
            body = [
                (
                    f"{row[name]}",
                    f"{row['rate']:,.0f}",
                    _micros(row["cpu_seconds"], row),
                    _micros(row["broker_cpu_seconds"], row),
                    f"{row['peak_rss_bytes'] / MIB:,.0f}",
                )
                for row in rows
            ]
            head = (name, "signups/s", "CPU µs a signup", "broker's CPU µs", "peak MiB")
            yield _table(head, body)
    yield (
        "One worker; rules for so many kinds of facets with three windows each, and so many"
        " partitions of every topic. A signup shows all facets but `country` and `phone`, which"
        " the bench's people leave blank."
    )


def _micros(seconds: float | None, row: Row) -> str:
    if seconds is None or not row["done"]:
        return ""
    return f"{seconds / row['done'] * 1e6:,.1f}"


def _cores(row: Row) -> str:
    broker = row["broker_cpu_seconds"] or 0.0
    return f"{(row['cpu_seconds'] + broker) / row['seconds']:.2f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = tuple(head)
    lines = [titles, ("---", *("---:" for _ in titles[1:])), *(tuple(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
