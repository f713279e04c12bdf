"""How many bursts from one device a replay finds, and how many honest accounts it disturbs.

A burst is a device with 4 or more signups within 24 hours. Run:
``python -m bench.velocity --data FOLDER`` with ``signups_ecommerce.jsonl`` and its labels in it.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

from contracts.ruleset import default_ruleset
from tuning.recording import open_recording
from tuning.replay import Replay

BURST = 4
DAY = timedelta(days=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    folder: Path = parser.parse_args().data
    events = [json.loads(line) for line in (folder / "signups_ecommerce.jsonl").open()]
    with (folder / "signups_ecommerce.labels.csv").open() as file:
        labels = {row["account_id"]: row["label"] for row in csv.DictReader(file)}

    verdicts, alerts = io.BytesIO(), io.BytesIO()
    replay = Replay(default_ruleset(), verdicts=verdicts, alerts=alerts)
    recording = open_recording(folder / "signups_ecommerce.jsonl", lambda *_: None)
    summary = replay.run(recording, lambda *_: None)

    bursts = _bursts(events)
    in_campaign = {
        account
        for alert in map(json.loads, alerts.getvalue().splitlines())
        if alert["kind"] == "campaign"
        for account in alert["account_ids"]
    }
    flagged = {
        verdict["account_id"]
        for verdict in map(json.loads, verdicts.getvalue().splitlines())
        if verdict["action"] != "allow"
    }
    found = sum(accounts <= in_campaign for accounts in bursts.values())
    in_bursts = set().union(*bursts.values())
    honest = {account for account, label in labels.items() if label != "fraud"} - in_bursts
    fraud_in_bursts = sum(labels[account] == "fraud" for account in in_bursts)
    print(f"{summary.events.total():,} events at {summary.events_per_second:,.0f}/s")
    print(f"devices with a burst        {len(bursts):6}")
    print(f"  accounts on them          {len(in_bursts):6}   of which fraud: {fraud_in_bursts}")
    print(f"  with a campaign alert     {found:6}   {found / len(bursts):.1%}   (asked: 95 %)")
    print(f"honest accounts outside     {len(honest):6}")
    disturbed = len(honest & flagged)
    share = disturbed / len(honest)
    print(f"  reviewed or held          {disturbed:6}   {share:.2%}   (asked: under 0.5 %)")


def _bursts(events: list[dict[str, str]]) -> dict[str, set[str]]:
    by_device: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for event in events:
        at = datetime.fromisoformat(event["occurred_at"])
        by_device[event["device_id"]].append((at, event["account_id"]))
    bursts: dict[str, set[str]] = {}
    for device, seen in by_device.items():
        seen.sort()
        for (first, _), (last, _) in zip(seen, seen[BURST - 1 :], strict=False):
            if last - first < DAY:
                burst = {account for at, account in seen if first <= at < first + DAY}
                bursts[device] = bursts.get(device, set()) | burst
    return bursts


if __name__ == "__main__":
    main()
