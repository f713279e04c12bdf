"""Who runs: Doorstaff's own worker processes, or one program of ``bench/peers``."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.ground import Ground
from bench.outlet import Outlet, Verdicts
from bench.quota import held_to
from bench.ruleset import write
from contracts.ruleset import Ruleset
from doorstaff.embedded.child import Child, free_port

PEERS = Path(__file__).parent / "peers"
START_SECONDS = 90.0


class Contestant(ABC):
    """Processes that work on a ground."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    @abstractmethod
    async def start(self, ground: Ground, stack: AsyncExitStack, marks: Sequence[int]) -> None:
        """Start; the topics are there when this returns.

        Args:
            ground: Where to run.
            stack: Closed at the end.
            marks: Numbers of events whose end is asked for.
        """

    @abstractmethod
    async def finished_at(self, events: int) -> float | None:
        """When so many events were done (epoch seconds); None as long as they are not."""

    @abstractmethod
    async def done(self) -> tuple[int, float]:
        """How many events are done by now, and when the last of them was."""

    @abstractmethod
    async def alerts(self) -> int:
        """Messages on its topic of alerts."""


class Doorstaff(Contestant):
    """So many ``doorstaff worker``; an event is done when its first verdict is sent.

    Args:
        ruleset: By which they score.
        workers: How many.
        cores: What each may use once it is up; None for all there are.
    """

    def __init__(self, ruleset: Ruleset, *, workers: int = 1, cores: float | None = None) -> None:
        super().__init__()
        self._ruleset = ruleset
        self._workers = workers
        self._cores = cores

    async def start(self, ground: Ground, stack: AsyncExitStack, marks: Sequence[int]) -> None:
        """Start the workers and wait until each has its share."""
        file = write(self._ruleset, ground.folder / "ruleset.yaml")
        ports = [free_port() for _ in range(self._workers)]
        for number, port in enumerate(ports, 1):
            child = Child(
                f"worker-{number}",
                [sys.executable, "-m", "doorstaff.cli", "worker"],
                log_file=ground.folder / "logs" / f"worker-{number}.log",
                environment=ground.environment(ruleset=file, metrics_port=port),
            )
            self.children.append(ground.services.run(child))
            child.wait_until(lambda port=port: _is_well(port), seconds=START_SECONDS)  # type: ignore[misc]
        for child, port in zip(self.children, ports, strict=True):  # a newcomer unsettles the rest
            child.wait_until(lambda port=port: _is_well(port), seconds=START_SECONDS)  # type: ignore[misc]
            if self._cores is not None:
                stack.enter_context(held_to((child.pid,), self._cores))
        topics = ground.topics
        self._verdicts = Verdicts(
            await stack.enter_async_context(
                Outlet(ground.kafka, topics.verdicts, partitions=ground.partitions)
            )
        )
        self._alerts = await stack.enter_async_context(
            Outlet(ground.kafka, topics.alerts, partitions=1)
        )

    async def finished_at(self, events: int) -> float | None:
        """When the last of so many events got its first verdict."""
        return await self._verdicts.finished_at(events)

    async def done(self) -> tuple[int, float]:
        """Events with a verdict."""
        return await self._verdicts.done()

    async def alerts(self) -> int:
        """All revisions of all alerts."""
        return sum([1 async for _ in self._alerts.rest()])


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """How a peer is started.

    Attributes:
        arguments: Of its Python.
        own_python: Whether Doorstaff's own Python runs it, else that of the peers.
    """

    arguments: tuple[str, ...]
    own_python: bool = False


class Peer(Contestant):
    """A program of ``bench/peers``; it says itself how far it is (``job.Meter``)."""

    def __init__(self, name: str, program: Program, *, peers_python: Path) -> None:
        super().__init__()
        self._name = name
        self._python = sys.executable if program.own_python else str(peers_python)
        self._program = program

    async def start(self, ground: Ground, stack: AsyncExitStack, marks: Sequence[int]) -> None:
        """Make its topics and start it."""
        alerts = f"{ground.prefix}peer-alerts"
        await ground.make_topics(ground.topics.signups, alerts)
        environment = ground.environment()
        environment |= {
            "PYTHONPATH": str(PEERS),
            "BENCH_BROKER": ground.kafka,
            "BENCH_SIGNUPS": ground.topics.signups,
            "BENCH_ALERTS": alerts,
            "BENCH_GROUP": ground.prefix.strip("."),
            "BENCH_FOLDER": str(ground.folder / "peer"),
            "BENCH_PARTITIONS": str(ground.partitions),
            "BENCH_MARKS": " ".join(map(str, marks)),
        }
        self._log = ground.folder / "logs" / "peer.log"
        child = Child(
            self._name,
            [self._python, *self._program.arguments],
            log_file=self._log,
            environment=environment,
            stop_seconds=3.0,  # nothing of it is needed any more
        )
        self.children.append(ground.services.run(child))
        self._alerts = await stack.enter_async_context(
            Outlet(ground.kafka, alerts, partitions=ground.partitions)
        )

    async def finished_at(self, events: int) -> float | None:
        """When its meter passed so many events."""
        for done, at in self._told():
            if done >= events:
                return at
        child = self.children[0]
        if child.exit_code is not None:
            message = f"{self._name} ended: {child.last_words()}"
            raise RuntimeError(message)
        return None

    async def done(self) -> tuple[int, float]:
        """What its meter said last."""
        done, at = max(self._told(), default=(0.0, 0.0))
        return int(done), at

    async def alerts(self) -> int:
        """One for each facet, window and time that a level was reached."""
        return sum([1 async for _ in self._alerts.rest()])

    def _told(self) -> list[tuple[float, float]]:
        lines = self._log.read_text(errors="replace").splitlines()
        whole = [line for line in lines if line.startswith('{"done"') and line.endswith("}")]
        return [(one["done"], one["at"]) for one in map(json.loads, whole)]


def _is_well(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
