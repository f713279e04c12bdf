"""The field: every peer, how it is started, and how many signups it gets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contestant import PEERS, Peer, Program

_FAUST = ("worker", "-l", "info", "--without-web")
"""Below ``info`` Faust leaves the root logger at DEBUG, and a quarter of the time goes there."""


def _file(name: str) -> str:
    return str(PEERS / f"{name}.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A peer.

    Attributes:
        title: As the page names it.
        ceiling: It only reads and parses.
        signups: Enough for some ten seconds; it gets the first so many of all signups.
    """

    title: str
    program: Program
    signups: int
    warm_up: int = 500
    ceiling: bool = False

    def enter(self, peers_python: Path) -> Peer:
        """Make it ready to run."""
        return Peer(self.title, self.program, peers_python=peers_python)


FIELD = {
    "faust_tables": Entry(
        title="Faust, hopping tables",
        program=Program(arguments=(_file("faust_tables"), *_FAUST), own_python=True),
        signups=1_500,
        warm_up=30,
    ),
    "quix_hopping": Entry(
        title="Quix Streams, hopping windows",
        program=Program(arguments=(_file("quix_windows"), "hopping")),
        signups=6_000,
        warm_up=60,
    ),
    "quix_sliding": Entry(
        title="Quix Streams, sliding windows",
        program=Program(arguments=(_file("quix_windows"), "sliding")),
        signups=4_000,
        warm_up=60,
    ),
    "bytewax_windows": Entry(
        title="Bytewax, its own windows",
        program=Program(arguments=("-m", "bytewax.run", "bytewax_windows:flow")),
        signups=6_000,
        warm_up=100,
    ),
    "bytewax_rings": Entry(
        title="Bytewax, counters by hand",
        program=Program(arguments=("-m", "bytewax.run", "bytewax_rings:flow")),
        signups=150_000,
    ),
    "faust_agent": Entry(
        title="Faust agent, bare",
        program=Program(arguments=(_file("faust_agent"), *_FAUST), own_python=True),
        signups=100_000,
        ceiling=True,
    ),
    "aiokafka": Entry(
        title="aiokafka",
        program=Program(arguments=(_file("aiokafka_consume"),), own_python=True),
        signups=400_000,
        ceiling=True,
    ),
    "confluent_kafka": Entry(
        title="confluent-kafka",
        program=Program(arguments=(_file("confluent_consume"),)),
        signups=400_000,
        ceiling=True,
    ),
}
