"""The job with Quix Streams: grouped by facet, a window each; ``hopping`` or ``sliding``."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

import job
from quixstreams import Application
from quixstreams.dataframe.windows import Count
from quixstreams.models.topics import admin

KIND = sys.argv[1] if len(sys.argv) > 1 else "hopping"

# A shim: Quix asks the broker for these settings of every topic, and fails where a broker reports
# none, as the embedded one does.
ASSUMED = {"retention.ms": "604800000", "cleanup.policy": "delete"}
_inspect = admin.TopicAdmin.inspect_topics


def inspect_topics(self: Any, *arguments: Any, **named: Any) -> Any:
    found = _inspect(self, *arguments, **named)
    for config in filter(None, found.values()):
        config.extra_config.update({**ASSUMED, **config.extra_config})
    return found


admin.TopicAdmin.inspect_topics = inspect_topics


def occurred_at_ms(value: Any, *_: Any) -> int:
    return int(datetime.fromisoformat(value["occurred_at"]).timestamp() * 1_000)


def main() -> None:
    app = Application(
        broker_address=job.BROKER,
        consumer_group=job.GROUP,
        auto_offset_reset="earliest",
        state_dir=job.FOLDER,
        loglevel="WARNING",
        consumer_extra_config={
            "session.timeout.ms": 10_000,
            "fetch.wait.max.ms": job.FETCH_WAIT_MS,
        },
    )
    signups = app.topic(job.SIGNUPS, value_deserializer="json", timestamp_extractor=occurred_at_ms)
    alerts = app.topic(job.ALERTS, value_serializer="json")
    meter = job.Meter(steps=job.FACETS)
    sightings = (
        app.dataframe(signups)
        .apply(
            lambda signup: [
                {"facet": facet, "account_id": signup["account_id"]} for facet in job.facets(signup)
            ],
            expand=True,
        )
        .group_by("facet")
    )
    for seconds in job.WINDOWS_SECONDS:
        length = timedelta(seconds=seconds)
        window = (
            sightings.sliding_window(length, grace_ms=60_000, name=f"sliding-{seconds}")
            if KIND == "sliding"
            else sightings.hopping_window(
                length, length / job.HOPS, grace_ms=60_000, name=f"hopping-{seconds}"
            )
        )
        counted = window.agg(count=Count()).current()
        counted.filter(
            lambda row, key, *_: row["count"] == job.level(text(key)), metadata=True
        ).to_topic(alerts)
    sightings.update(lambda _row: meter.add())  # after its windows
    app.run()


def text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)


if __name__ == "__main__":
    main()
