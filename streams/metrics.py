"""What the streams count."""

from __future__ import annotations

from collections import Counter as CounterOf
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from contracts.signal import Signal
from contracts.verdict import Verdict

EVENTS = Counter("doorstaff_events", "Events taken in, by type and outcome.", ["type", "outcome"])
SIGNALS = Counter("doorstaff_signals", "Signals raised, by code and mode.", ["code", "mode"])
VERDICTS = Counter("doorstaff_verdicts", "Verdicts given, by action.", ["action"])
ALERTS = Counter("doorstaff_alerts", "Alert revisions, by kind and status.", ["kind", "status"])
DEAD_LETTERS = Counter("doorstaff_dead_letters", "Messages put aside, by stage.", ["stage"])
LAG = Gauge("doorstaff_lag_messages", "Messages that wait to be read, by topic.", ["topic"])
ALERT_LATENCY = Histogram(
    "doorstaff_alert_latency_seconds",
    "From the broker's receipt of the event that raised an alert to its handing to the sinks.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CHUNK_SECONDS = Histogram(
    "doorstaff_chunk_seconds",
    "Time an agent takes over one chunk, emission included, by stage.",
    ["stage"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
)
SNAPSHOTS = Counter(
    "doorstaff_snapshots",
    "Snapshots of a partition's state, by stage and outcome: kept, failed, or refused because a"
    " further one stands.",
    ["stage", "outcome"],
)
SNAPSHOT_SECONDS = Histogram(
    "doorstaff_snapshot_seconds",
    "From the beginning of a snapshot until it was kept, by stage.",
    ["stage"],
    buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 120),
)
SNAPSHOT_BYTES = Gauge(
    "doorstaff_snapshot_bytes", "Size of the last snapshot in SQL, by stage.", ["stage"]
)
RESTORES = Counter(
    "doorstaff_restores",
    "Times that a partition's state was made anew, by stage and from what: a snapshot and the"
    " topic's tail, or the topic alone.",
    ["stage", "source"],
)
RESTORE_SECONDS = Histogram(
    "doorstaff_restore_seconds",
    "Time to make a partition's state anew, by stage.",
    ["stage"],
    buckets=(0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20, 60, 300),
)
MISSING_RECORDS = Counter(
    "doorstaff_state_missing_records",
    "Records that a state lacks because the topic kept them no longer, by stage.",
    ["stage"],
)


Counted = tuple[tuple[Counter, int], ...]
"""Counters, and by how much each goes up."""


def counted(signals: Iterable[Signal]) -> Counted:
    """The counters of signals."""
    by_code = CounterOf((signal.code, signal.mode) for signal in signals)
    return tuple((SIGNALS.labels(*labels), raised) for labels, raised in by_code.items())


def counted_verdicts(verdicts: Iterable[Verdict]) -> Counted:
    """The counters of verdicts."""
    by_action = CounterOf(verdict.action for verdict in verdicts)
    return tuple((VERDICTS.labels(action), given) for action, given in by_action.items())
