"""Where the services of the Doorstaff that runs in this home folder are."""

from __future__ import annotations

import json
from pathlib import Path

from doorstaff.settings import Settings


def running_file(home: Path) -> Path:
    """The file that ``doorstaff up`` leaves while it runs."""
    return home / "running.json"


def find_running(settings: Settings) -> Settings:
    """Fill in the addresses of a running ``doorstaff up``, where none are configured."""
    try:
        found = json.loads(running_file(settings.home).read_text())
    except (OSError, json.JSONDecodeError):
        return settings
    return settings.model_copy(
        update={
            name: found[name]
            for name in ("kafka_url", "redis_url")
            if not getattr(settings, name) and name in found
        }
    )


def tell_running(settings: Settings) -> None:
    """Leave the addresses for commands that talk to this Doorstaff."""
    addresses = {"kafka_url": settings.kafka_url, "redis_url": settings.redis_url}
    running_file(settings.home).write_text(json.dumps(addresses))
