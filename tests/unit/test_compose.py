"""docker-compose.yml and the Dockerfile against what they stand for, without Docker's engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from doorstaff.cli import app
from doorstaff.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
OURS = ("worker", "media-worker", "console")
EXAMPLE = (ROOT / ".env.example").read_text()
THREE_BROKERS = re.search(r"^#COMPOSE_PROFILES=(?:.*\n#)+.*\n", EXAMPLE, re.M)


def _document() -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return document


SERVICES: dict[str, Any] = _document()["services"]


@pytest.fixture
def compose() -> list[str]:
    """Compose as it is called here; skips on a desk that has none, fails in CI."""
    docker = shutil.which("docker")
    if docker and _run([docker, "compose", "version"]).returncode == 0:
        return [docker, "compose"]
    if alone := shutil.which("docker-compose"):
        return [alone]
    missing = "needs Docker Compose: install docker-compose-plugin or docker-compose"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.mark.parametrize("brokers", [1, 3])
def test_compose_takes_the_file(compose: list[str], brokers: int, tmp_path: Path) -> None:
    settings = EXAMPLE
    if brokers > 1:
        assert THREE_BROKERS
        settings += THREE_BROKERS[0].replace("#", "")
    (tmp_path / "env").write_text(settings)
    done = _run([*compose, "--env-file", str(tmp_path / "env"), "config"])
    assert done.returncode == 0, done.stderr
    voters = ",".join(f"{n}@kafka{f'-{n}' if n > 1 else ''}:9093" for n in range(1, brokers + 1))
    assert f"KAFKA_CONTROLLER_QUORUM_VOTERS: {voters}\n" in done.stdout


def test_without_a_password_it_says_what_to_do(compose: list[str], tmp_path: Path) -> None:
    (tmp_path / "env").write_text("")
    done = _run([*compose, "--env-file", str(tmp_path / "env"), "config", "-q"])
    assert done.returncode != 0
    assert "copy .env.example to .env" in done.stderr


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_there_is(name: str) -> None:
    program, *words = SERVICES[name]["command"]
    assert program == "doorstaff"
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"{' '.join(words)} [OPTIONS]" in shown.output


def test_every_variable_is_a_setting() -> None:
    known = {f"DOORSTAFF_{name.upper()}" for name in Settings.model_fields}
    for file in ("docker-compose.yml", "Dockerfile", ".env.example"):
        used = set(re.findall(r"\bDOORSTAFF_[A-Z_]+", (ROOT / file).read_text()))
        assert used <= known, f"{file}: {used - known}"


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_a_service_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, _substituted(value))
    settings = load_settings()
    assert settings.kafka_url
    assert settings.redis_url
    assert settings.database_url.startswith("postgresql://doorstaff:secret@postgres:")
    assert settings.resolved_console_url == "http://127.0.0.1:8710"


def test_what_is_published_is_published_on_the_loopback_only() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_every_service_is_bounded_and_confined() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["mem_limit"], name
        assert service["cpus"], name
        assert service["pids_limit"], name
        assert "healthcheck" in service or name in OURS, name
        assert service.get("read_only") or name.startswith("kafka"), name
        for other in service.get("depends_on", {}).values():
            assert other == {"condition": "service_healthy"}, name


def test_kafka_is_the_version_that_the_tests_run() -> None:
    name = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(ROOT / "tests/kafka/pom.xml")
    versions = [
        dependency.findtext("m:version", namespaces=name)
        for dependency in pom.iterfind(".//m:dependency", name)
        if dependency.findtext("m:groupId", namespaces=name) == "org.apache.kafka"
    ]
    assert [f"apache/kafka:{version}" for version in versions] == [SERVICES["kafka"]["image"]]


def test_the_image_is_built_of_all_our_packages_and_is_not_root() -> None:
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    for package in ROOT.glob("*/py.typed"):
        assert f"!{package.parent.name}" in sent
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in dockerfile
    assert re.search(r"^USER 10001:10001$", dockerfile, re.M)
    assert re.search(r"^HEALTHCHECK ", dockerfile, re.M)


def _substituted(value: str) -> str:
    """What Compose makes of ``${NAME:-default}`` and ``${NAME:?message}``."""
    return re.sub(
        r"\$\{(\w+):([-?])([^}]*)\}",
        lambda it: os.environ.get(it[1]) or (it[3] if it[2] == "-" else ""),
        str(value),
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DOORSTAFF_", "POSTGRES_", "KAFKA_", "COMPOSE_"))
    }
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_no_alert_goes_to_the_containers_logs() -> None:
    """Alerts carry mailboxes and addresses, which no log of ours does."""
    default = re.fullmatch(
        r"\$\{DOORSTAFF_SINKS:-(.*)\}", SERVICES["worker"]["environment"]["DOORSTAFF_SINKS"]
    )
    assert default
    assert "console" not in default[1].split(",")
    chosen = re.search(r"^DOORSTAFF_SINKS=(.*)$", EXAMPLE, re.M)
    assert chosen
    assert "console" not in chosen[1].split(",")
