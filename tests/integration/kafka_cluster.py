"""A real Apache Kafka on this machine, for tests: brokers in KRaft mode, started from the jars.

The jars come from ``tests/kafka/resolve FOLDER``; ``DOORSTAFF_TEST_KAFKA_LIBS`` names the folder.
By hand, one broker is two commands (``broker.properties`` as ``_properties`` writes it)::

    java -cp 'FOLDER/*' kafka.tools.StorageTool format -t CLUSTER_ID -c broker.properties
    java -Xmx256m -cp 'FOLDER/*' kafka.Kafka broker.properties
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

LIBS_VARIABLE = "DOORSTAFF_TEST_KAFKA_LIBS"
START_SECONDS = 60.0
_PORTS = range(20_000, 32_000)
"""Below what Linux hands to outgoing connections, so that none takes a port before its broker."""


def kafka_libs() -> Path:
    """Folder of Kafka's jars; skips the test on a bare desk, fails it in CI."""
    folder = os.environ.get(LIBS_VARIABLE, "")
    if folder and shutil.which("java"):
        return Path(folder)
    missing = f"needs Java and {LIBS_VARIABLE}=FOLDER, filled by `tests/kafka/resolve FOLDER`"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


class KafkaCluster:
    """``brokers`` brokers, each of them a controller too, on free loopback ports.

    As many replicas a topic as there are brokers, up to three, and all but one of them in sync
    for a write to count: one of three may die and nothing is lost. Topics are made on demand.
    Entering waits until every broker takes connections. Leaving ends the processes that were
    started here and no others, and removes their folder.
    """

    def __init__(self, brokers: int = 3, *, libs: Path | None = None) -> None:
        self._libs = libs or kafka_libs()
        self._count = brokers
        self._folder = Path()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        ports = _free_ports(2 * brokers)
        self.ports, self._controller_ports = ports[:brokers], ports[brokers:]

    @property
    def bootstrap(self) -> str:
        """All brokers as ``host:port``, comma-separated."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="doorstaff-kafka-"))
        try:
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            for broker in range(self._count):
                self._format(broker, cluster_id)
            for broker in range(self._count):
                self._spawn(broker)
            for broker in range(self._count):
                self._await(broker)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.kill()  # an orderly stop would wait for a quorum that is going too
        for process in self._processes.values():
            process.wait(timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self, broker: int) -> None:
        """End a broker at once, as a power cut would. Its data stays."""
        self._processes[broker].kill()
        self._processes.pop(broker).wait(timeout=10)

    def start(self, broker: int) -> None:
        """Start a broker that was killed, with the data it had, and wait until it answers."""
        self._spawn(broker)
        self._await(broker)

    def log(self, broker: int) -> str:
        """What a broker said of warnings and errors."""
        return (self._folder / f"broker-{broker}.log").read_text(errors="replace")

    def _properties(self, broker: int) -> str:
        voters = ",".join(
            f"{node}@127.0.0.1:{port}" for node, port in enumerate(self._controller_ports)
        )
        plain, controller = (
            f"PLAINTEXT://127.0.0.1:{self.ports[broker]}",
            f"CONTROLLER://127.0.0.1:{self._controller_ports[broker]}",
        )
        replicas = min(3, self._count)
        in_sync = max(1, replicas - 1)
        return f"""\
process.roles=broker,controller
node.id={broker}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners={plain},{controller}
advertised.listeners={plain}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={self._folder / f"broker-{broker}"}
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=6
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=6
group.initial.rebalance.delay.ms=200
broker.session.timeout.ms=6000
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
"""

    def _format(self, broker: int, cluster_id: str) -> None:
        properties = self._folder / f"broker-{broker}.properties"
        properties.write_text(self._properties(broker), encoding="ascii")
        arguments = [
            "format",
            f"--cluster-id={cluster_id}",
            "-c",
            str(properties),
        ]  # it may begin with -
        done = subprocess.run(
            [*self._java("-Xmx64m"), "kafka.tools.StorageTool", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=START_SECONDS,
        )
        if done.returncode:
            msg = f"Kafka's storage was not formatted:\n{done.stdout.decode(errors='replace')}"
            raise RuntimeError(msg)

    def _spawn(self, broker: int) -> None:
        properties = self._folder / f"broker-{broker}.properties"
        command = [*self._java("-Xmx256m"), "kafka.Kafka", str(properties)]
        with ExitStack() as stack:
            log = stack.enter_context((self._folder / f"broker-{broker}.log").open("ab"))
            self._processes[broker] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
            )

    def _java(self, heap: str) -> list[str]:
        # setpriv (util-linux) lets the kernel end a broker whose test run was killed; to the kernel
        # that is the thread which started it, so start brokers from one that lasts.
        setpriv = shutil.which("setpriv")
        return [
            *([setpriv, "--pdeathsig", "KILL"] if setpriv else []),
            "java",
            heap,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            f"{self._libs}/*",
        ]

    def _await(self, broker: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._processes[broker].poll() is not None:
                msg = f"Kafka broker {broker} ended at its start:\n{self.log(broker)[-4000:]}"
                raise RuntimeError(msg)
            try:
                socket.create_connection(("127.0.0.1", self.ports[broker]), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        msg = f"Kafka broker {broker} took no connection in {START_SECONDS:.0f} s"
        raise RuntimeError(msg)


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, all different."""
    ports: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    msg = "no free loopback port is left"
    raise RuntimeError(msg)
