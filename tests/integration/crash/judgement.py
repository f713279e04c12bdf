"""What is wrong with a run: in the topics, in SQL, at the sink. Nothing, if all is well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.wire import decode
from store.acceptance import what_is_new
from tests.integration.crash.recording import Recording
from tests.integration.crash.standing import Standing, differences, newest_alerts, report
from tests.integration.crash.turmoil import Outcome


def judge(recording: Recording, expected: Standing, outcome: Outcome) -> list[str]:
    """Hold a run against the undisturbed replay; each fault is told for people."""
    stored = Standing(verdicts={}, alerts=newest_alerts(outcome.stored))
    in_sql = differences(Standing(verdicts={}, alerts=expected.alerts), stored)
    faults = [
        _titled("by the topics", report(differences(expected, outcome.standing))),
        _titled("in SQL", report(in_sql)),
        _titled("put aside", "\n".join(_reasons(outcome.dead_letters)[:10])),
        _titled("workers gave up", "\n".join(_unexplained(outcome.given_up))),
        _titled("at the sink", "\n".join(sink_faults(outcome))),
        _titled("no attack found", "\n".join(untold(recording, expected))),
    ]
    return [fault for fault in faults if fault]


def sink_faults(outcome: Outcome) -> list[str]:
    """What the sink got wrong.

    A line that is on the disk when its worker is killed, before that is noted, comes once more:
    no more of these than there were deaths. It is the same line, byte for byte.
    """
    alerts = [decode(line, Alert) for line in outcome.delivered]
    lines: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    by_alert: dict[str, list[Alert]] = defaultdict(list)
    for alert, line in zip(alerts, outcome.delivered, strict=True):
        lines[alert.alert_id, alert.revision].append(line)
        by_alert[alert.alert_id].append(alert)
    faults = [
        f"{alert_id} revision {revision} was delivered in two wordings"
        for (alert_id, revision), said in lines.items()
        if len(set(said)) > 1
    ]
    repeats = sum(len(said) - 1 for said in lines.values())
    deaths = outcome.done["kill"] + len(outcome.given_up)
    if repeats > deaths:
        faults.append(f"{repeats} deliveries were repeated, and only {deaths} workers died")
    for alert_id, history in by_alert.items():
        revisions = [alert.revision for alert in history]
        if any(later < earlier for earlier, later in pairwise(revisions)):
            faults.append(f"{alert_id} went back: {revisions}")
        opened = {alert.revision for alert in history if alert.status == "opened"}
        closed = {alert.revision for alert in history if alert.status == "closed"}
        if len(opened) > 1 + len(closed - {max(revisions)}):
            faults.append(f"{alert_id} was opened {len(opened)} times: {sorted(opened)}")
    kept = {alert.alert_id: alert for alert in (decode(raw, Alert) for raw in outcome.stored)}
    for alert_id, alert in kept.items():
        last = by_alert[alert_id][-1] if alert_id in by_alert else None
        if (news := what_is_new(last, alert)) is not None:
            heard = "nothing of it" if last is None else f"revision {last.revision}"
            faults.append(f"{alert_id} is {news} by revision {alert.revision}; told was {heard}")
    faults += [f"{alert_id} is not in SQL" for alert_id in by_alert.keys() - kept.keys()]
    return faults


def untold(recording: Recording, standing: Standing) -> list[str]:
    """Planted attacks that no campaign alert speaks of."""
    told = {
        account
        for raw in standing.alerts.values()
        if (alert := decode(raw, Alert)).kind == "campaign"
        for account in alert.account_ids
    }
    return [name for name, accounts in recording.bursts.items() if not accounts & told]


def _unexplained(given_up: Sequence[str]) -> list[str]:
    """Who gave up for another reason than Kafka, of which a broker was killed."""
    return [words for words in given_up if "Kafka" not in words]


def _reasons(dead_letters: Sequence[bytes]) -> list[str]:
    letters = [decode(raw, DeadLetter) for raw in dead_letters]
    return [f"{one.topic}[{one.partition}]@{one.offset}: {one.reason}" for one in letters]


def _titled(title: str, text: str) -> str:
    return f"== {title}\n{text}" if text else ""
