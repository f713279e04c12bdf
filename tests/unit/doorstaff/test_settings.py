"""Every setting says what it is; a bad one is named, and a secret is not shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doorstaff.errors import InvalidSettings
from doorstaff.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DOORSTAFF_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)


def problem(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    return str(caught.value)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith((".", "…", "any.", "`."))
    assert not field.is_required()
    if any(part in name for part in ("seconds", "bytes", "hours")):
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        assert extra["unit"]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_one_that_is_not_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "DATABASE_URL" if name == "database_url" else f"DOORSTAFF_{name.upper()}", ""
    )
    if name != "sinks":
        assert load_settings() == Settings.model_validate({})


@pytest.mark.parametrize(
    ("name", "value", "would_do"),
    [
        ("DOORSTAFF_PARTITIONS", "none", "integer"),
        ("DOORSTAFF_PARTITIONS", "0", "greater than or equal to 1"),
        ("DOORSTAFF_CONSOLE_PORT", "65536", "less than or equal to 65535"),
        ("DOORSTAFF_SESSION_TIMEOUT_SECONDS", "1", "greater than or equal to 2"),
        ("DOORSTAFF_SINKS", "slack,pager", "'console', 'jsonl', 'redis', 'kafka', 'slack'"),
        ("DOORSTAFF_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("DOORSTAFF_MEDIA_KEEP_FINGERPRINTS", "perhaps", "boolean"),
    ],
)
def test_a_bad_value_is_named_shown_and_told_what_would_do(
    name: str, value: str, would_do: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = problem(monkeypatch, **{name: value})
    assert message.startswith(f"{name}: ")
    assert would_do in message
    assert value.rpartition(",")[2] in message


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = problem(monkeypatch, DOORSTAFF_PARTITIONS="x", DOORSTAFF_REPLICATION="y")
    assert [line.partition(":")[0] for line in message.splitlines()] == [
        "DOORSTAFF_PARTITIONS",
        "DOORSTAFF_REPLICATION",
    ]


def test_what_may_hold_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    message = problem(monkeypatch, DOORSTAFF_WEBHOOK_URL="ftp//anna:hunter2@example.org")
    assert message.startswith("DOORSTAFF_WEBHOOK_URL: ")
    assert "hunter2" not in message
    monkeypatch.delenv("DOORSTAFF_WEBHOOK_URL")
    monkeypatch.setenv("DOORSTAFF_WEBHOOK_SECRET", "whsec_hunter2")
    monkeypatch.setenv("DOORSTAFF_SLACK_WEBHOOK_URL", "https://hooks.slack.com/hunter2")
    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize(
    "brokers", ["kafka", "kafka:9092", "k-1.example:9092, 10.0.0.2:9093,", "[2001:db8::1]:9092"]
)
def test_brokers_are_hosts_and_ports(brokers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTAFF_KAFKA_URL", brokers)
    assert load_settings().kafka_url == brokers.replace(" ", "").strip(",")


@pytest.mark.parametrize("brokers", ["kafka://k:9092", "k:port", "http://u:hunter2@k", "a b", ":1"])
def test_what_is_no_broker_is_refused_unseen(brokers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = problem(monkeypatch, DOORSTAFF_KAFKA_URL=brokers)
    assert message == "DOORSTAFF_KAFKA_URL: must be host:port, several separated by commas"


def test_reads_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path))
    monkeypatch.setenv("DOORSTAFF_SINKS", " slack, jsonl ,")
    monkeypatch.setenv("DOORSTAFF_HOST", "0.0.0.0")
    monkeypatch.setenv("DOORSTAFF_NO_SUCH_SETTING", "1")
    settings = load_settings()
    assert settings.sinks == ("slack", "jsonl")
    assert settings.resolved_database_url == f"sqlite:///{tmp_path / 'doorstaff.db'}"
    assert settings.resolved_console_url == "http://0.0.0.0:8710"
    monkeypatch.setenv("DOORSTAFF_CONSOLE_URL", "https://trust.example/")
    assert load_settings().resolved_console_url == "https://trust.example"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DOORSTAFF_DATABASE_URL"])
def test_the_database_goes_by_two_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://db/x")
    assert load_settings().resolved_database_url == "postgresql://db/x"


def test_nothing_listens_beyond_loopback_unless_told() -> None:
    assert load_settings().host == "127.0.0.1"
