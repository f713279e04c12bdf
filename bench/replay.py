"""How fast a replay is, in a process of its own: ``python -m bench.replay FILE RULESET``.

Prints one line of JSON: events, seconds (reading and writing verdicts and alerts included).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from contracts.ruleset import read_ruleset
from doorstaff.interpreter import calm_collector
from tuning.recording import open_recording
from tuning.replay import Replay


def main() -> None:
    file, ruleset = map(Path, sys.argv[1:])
    calm_collector()  # as the command does
    started = time.perf_counter(), time.process_time()
    with file.with_suffix(".verdicts").open("wb") as verdicts, Path("/dev/null").open("wb") as out:
        replay = Replay(read_ruleset(ruleset), verdicts=verdicts, alerts=out)
        recording = open_recording(file, lambda *_: None)
        summary = replay.run(recording, lambda *_: None)
    print(
        json.dumps(
            {
                "events": summary.events.total(),
                "verdicts": summary.verdicts,
                "alerts": summary.alerts.total(),
                "seconds": time.perf_counter() - started[0],
                "cpu_seconds": time.process_time() - started[1],
            }
        )
    )


if __name__ == "__main__":
    main()
