"""No mailbox and no whole IP address reaches a log, by whatever way."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from doorstaff.logging import configure_logging, cut_personal_data, quiet_logging


@pytest.fixture
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def cut(value: Any) -> Any:
    return cut_personal_data(None, "info", {"value": value})["value"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("anna@example.org", "[mailbox]"),
        ("to <anna.k+1@example.org>, bob@x.y", "to <[mailbox]>, [mailbox]"),
        ("o'hara@example.org", "[mailbox]"),
        ("(who='anna@example.org')", "[mailbox]')"),
        (f"{'a' * 200}@example.org", "[mailbox]"),
        ("redis://:secret@redis.internal:6379/0", "[mailbox]"),
        ("203.0.113.7", "203.0.113.x"),
        ("ip:203.0.113.7", "ip:203.0.113.x"),
        ("from 203.0.113.7:51234.", "from 203.0.113.x:51234."),
        ("203.0.113.0/24", "203.0.113.x/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::x"),
        ("ip 2001:db8::7, again", "ip 2001:db8::x, again"),
        ("[2001:db8::7]:443", "[2001:db8::x]:443"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.x"),
    ],
)
def test_what_is_personal_is_cut(text: str, left: str) -> None:
    assert cut(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "worker started",
        "http://127.0.0.1:8710/metrics",
        "[::1]:6379",
        "Kafka at 10.0.3.7:9092,192.168.1.2:9092 does not answer",
        "doorstaff.signups:3:100-199",
        "2026-11-22T19:00:00Z",
        "19:00:00",
        "version 1.2.3",
        "10.0.0 of 1.2.3.4.5",
        "velocity.device.24h",
        "a :: b",
    ],
)
def test_what_is_not_stays(text: str) -> None:
    assert cut(text) == text


@given(st.ip_addresses(v=4), st.sampled_from(["{}", "ip:{}", "'{}'", "({})", "{},", "x={}:40123"]))
def test_no_ipv4_address_stays_whole(address: IPv4Address, template: str) -> None:
    text = template.format(address)
    network = str(address).rpartition(".")[0]
    whole = address.is_loopback or (address.is_private and ":4" in template)
    assert cut(text) in ({text} if whole else set()) | {template.format(f"{network}.x")}


@given(st.ip_addresses(v=6), st.sampled_from(["{}", "ip {}", "'{}'", "[{}]:443", "({}),"]))
def test_no_ipv6_address_stays_whole(address: IPv6Address, template: str) -> None:
    for spelled in (str(address), address.exploded, address.exploded.upper()):
        text = template.format(spelled)
        network = IPv6Address(int(address) >> 80 << 80)
        whole = address.is_loopback or address.is_unspecified
        assert cut(text) == (text if whole else template.format(f"{network}x"))


@given(st.emails())
def test_no_mailbox_stays(address: str) -> None:
    assert "@" not in cut(f"who: {address}")
    assert "@" not in json.dumps(cut({"deep": [{"er": (address,)}]}))


def test_every_depth_and_kind_of_value_is_looked_at() -> None:
    address = IPv4Address("203.0.113.7")
    assert cut([address, {"a": (address, 7, None, True, 1.5)}]) == [
        "203.0.113.x",
        {"a": ["203.0.113.x", 7, None, True, 1.5]},
    ]
    assert cut(ValueError("bad anna@example.org")) == "bad [mailbox]"
    assert cut(b"anna@example.org") == "[mailbox]'"


@pytest.mark.usefixtures("_restored")
def test_our_lines_and_the_libraries_are_json_without_personal_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("debug")
    structlog.get_logger("ours").info("event read", who="anna@example.org", count=3)
    logging.getLogger("theirs").warning("peer %s said %s", "203.0.113.7", "anna@example.org")
    try:
        msg = "anna@example.org at 203.0.113.7"
        raise ValueError(msg)
    except ValueError:
        structlog.get_logger("ours").exception("not read")
        logging.getLogger("theirs").exception("not read")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 4
    assert (lines[0]["event"], lines[0]["count"]) == ("event read", 3)
    assert lines[1]["event"] == "peer 203.0.113.x said [mailbox]"
    assert all("ValueError: [mailbox] at 203.0.113.x" in line["exception"] for line in lines[2:])
    assert not any("anna" in line or "113.7" in line for line in map(json.dumps, lines[:2]))


@pytest.mark.usefixtures("_restored")
def test_chatty_libraries_are_quiet_below_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    logging.getLogger("aiokafka.consumer").info("joined")
    logging.getLogger("aiokafka.consumer").warning("left")
    assert "joined" not in (err := capsys.readouterr().err)
    assert "left" in err


@pytest.mark.usefixtures("_restored")
def test_what_mode_says_in_the_name_of_our_modules_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging()
    modes = logging.getLogger("streams.transport")
    modes.info("[^-Consumer]: Starting…")
    modes.warning("[^-Consumer]: slow")
    structlog.stdlib.get_logger("streams.transport").info("partitions assigned", count=8)
    lines = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["[^-Consumer]: slow", "partitions assigned"]


@pytest.mark.usefixtures("_restored")
def test_quiet_logs_go_to_the_standard_error_of_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", gone := io.StringIO())
        quiet_logging()
        structlog.get_logger("ours").info("one")
        structlog.get_logger("ours").warning("two")
    assert "one" not in gone.getvalue()
    assert "two" in gone.getvalue()
    gone.close()
    structlog.get_logger("ours").warning("three")
    captured = capsys.readouterr()
    assert "three" in captured.err
    assert not captured.out
