"""The services of docker-compose.yml without Docker: their commands, with their environment.

The servers are of the same kinds, on this machine's loopback: Apache Kafka, Valkey, PostgreSQL. Of
the environment, only addresses, ports and the home folder are exchanged for this machine's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from ruamel.yaml import YAML
from sqlalchemy import make_url

from contracts.event import Signup
from doorstaff.embedded.child import Child, free_port
from doorstaff.embedded.valkey import start_valkey
from streams.topic import Topics
from tests.integration.kafka_cluster import KafkaCluster
from tests.outlet import read_until, send_events
from tests.postgres import postgres_schema, postgres_server
from tests.process import COMMAND, family, get, listens_on, settings

__all__ = ["postgres_server"]

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.timeout(180),
]

ROOT = Path(__file__).parents[2]
OURS = ("worker", "media-worker", "console")
PASSWORD = "open-sesame"
READY_SECONDS = 60


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[dict[str, str]]:
    """What stands for each address of docker-compose.yml."""
    with ExitStack() as stack:
        kafka = stack.enter_context(KafkaCluster(brokers=1))
        valkey, redis_url = start_valkey(tmp_path_factory.mktemp("valkey"))
        stack.callback(valkey.stop)
        postgres_url = stack.enter_context(postgres_schema(postgres_server))
        yield {
            "kafka:9092": kafka.bootstrap,
            "redis://valkey:6379/0": redis_url,
            f"postgresql://doorstaff:{PASSWORD}@postgres:5432/doorstaff": postgres_url,
        }


@pytest.fixture(scope="module")
def running(
    servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Child, str]]]:
    """Each service's process, and the address of its health."""
    home = tmp_path_factory.mktemp("compose")
    services: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    with ExitStack() as stack:
        started: dict[str, tuple[Child, str]] = {}
        for name in OURS:
            program, *words = services[name]["command"]
            assert program == "doorstaff"
            environment = {**_image(), **_environment(services[name]["environment"], servers)}
            environment["DOORSTAFF_HOME"] = str(home / name)
            environment["DOORSTAFF_HOST"] = "127.0.0.1"
            ports = [setting for setting in environment if setting.endswith("_PORT")]
            free = {environment[setting]: str(free_port()) for setting in ports}
            environment.update({setting: free[environment[setting]] for setting in ports})
            child = Child(
                name,
                [*COMMAND, *words],
                log_file=home / f"{name}.log",
                environment=settings(**environment),
                stop_seconds=30,  # stop_grace_period
            )
            stack.callback(child.stop)
            started[name] = child, f"http://127.0.0.1:{environment['HEALTH_PORT']}/healthz"
        for child, address in started.values():
            child.wait_until(partial(answers, address), seconds=READY_SECONDS)
        yield started


def answers(address: str) -> bool:
    """What the HEALTHCHECK of the image asks."""
    return get(address)[0] == 200


def test_each_service_becomes_healthy_and_keeps_to_its_address(
    running: dict[str, tuple[Child, str]],
) -> None:
    for name, (child, address) in running.items():
        assert child.exit_code is None, name
        assert answers(address), name
        assert listens_on(family(child.pid)) == {"127.0.0.1"}, name


def test_what_is_sent_is_answered_and_alerts_reach_redis(
    running: dict[str, tuple[Child, str]], servers: dict[str, str]
) -> None:
    topics = Topics(partitions=8)
    farm = [
        Signup.model_validate(
            {
                "event_id": f"signup-{number}",
                "account_id": f"account-{number}",
                "occurred_at": "2026-11-22T19:00:00Z",
                "device_id": "one and the same",
            }
        )
        for number in range(12)
    ]
    send_events(servers["kafka:9092"], topics, farm)
    outlet = read_until(
        servers["kafka:9092"],
        topics,
        lambda outlet: "hold" in outlet.heard.actions().values(),
        "the farm is held",
    )
    assert outlet.verdicts.keys() <= {one.event_id for one in farm}
    with redis.Redis.from_url(servers["redis://valkey:6379/0"]) as client:
        found: Any = client.xread({"doorstaff:alerts": "0"}, block=10_000)
    assert found, "no alert on the Redis stream"
    child, _ = running["worker"]
    assert "Traceback" not in child.log_file.read_text()


def test_each_service_ends_with_0_when_it_is_told_to(
    running: dict[str, tuple[Child, str]],
) -> None:
    processes = [psutil.Process(child.pid) for child, _ in running.values()]
    for child, _ in running.values():
        child.ask_to_stop()
    for name, (child, _) in running.items():
        child.stop()
        assert child.exit_code == 0, (name, child.last_words())
    assert not [process for process in processes if process.is_running()]


def _image() -> dict[str, str]:
    """The settings that the Dockerfile gives."""
    text = (ROOT / "Dockerfile").read_text()
    return dict(re.findall(r"\b(DOORSTAFF_[A-Z_]+|HEALTH_PORT)=(\S+)", text))


def _environment(named: dict[str, Any], servers: dict[str, str]) -> dict[str, str]:
    """What a service is given, with ``${NAME:-default}`` filled in and the servers exchanged."""
    given = {}
    for name, raw in named.items():
        value = re.sub(r"\$\{POSTGRES_PASSWORD:[^}]*\}", PASSWORD, str(raw))
        value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        assert "${" not in value
        given[name] = servers.get(value, value)
    used = json.dumps(given)
    assert all(address not in used for address in ("kafka:9092", "valkey:6379", "postgres:5432"))
    assert make_url(given["DATABASE_URL"]).host == "127.0.0.1"
    return given
