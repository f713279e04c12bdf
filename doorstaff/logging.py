"""Logs: coloured lines on a terminal, JSON elsewhere; a constant message plus fields."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address
from typing import Any

import structlog

_MAILBOX = re.compile(r"(?<![^\s@<>\"])[^\s@<>\"]+@[^\s@<>\"']+")
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?![\d.]*\d)(:\d+)?")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:]|\.\d)")
_PRIVATE = tuple(IPv4Network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_NOISY = ("aiokafka", "kafka", "faust", "mode", "asyncio", "alembic", "uvicorn")


def configure_logging(level: str = "info") -> None:
    """Send our logs and the libraries' to standard error.

    As a last guard, what looks like a mailbox or an IP address of somebody is cut short in every
    field, however deep; no code of ours logs one.
    """
    interactive = sys.stderr.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        cut_personal_data,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if interactive else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_worth_telling)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=False,
    )


def quiet_logging() -> None:
    """Until a command asks for logs: warnings of ours on standard error, of libraries nothing.

    What a library has to say of an error that we tell is noise, and standard output is for results.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    structlog.configure(
        # Asked for at each line: who runs commands in one process may put another in its place.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )


def _worth_telling(record: logging.LogRecord) -> bool:
    """Leave out what a service of mode's says of its starts and stops.

    mode logs it under the name of the module that the service's class stands in, ours too. What we
    log ourselves comes through structlog, as a mapping.
    """
    ours = not isinstance(record.msg, str)
    return ours or record.levelno >= logging.WARNING or not record.name.startswith("streams.")


def cut_personal_data(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut mailboxes out, and the end of addresses that may be somebody's.

    Loopback stays whole, and so does a private IPv4 address with a port: it is a service of ours.
    """
    for name, value in fields.items():
        if name != "timestamp" and not name.startswith("_"):  # structlog's own begin with _
            fields[name] = _cut(value)
    return fields


def _cut(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {_cut(key): _cut(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cut(inner) for inner in value]
        case _:
            text = _MAILBOX.sub("[mailbox]", str(value))
            return _IPV6.sub(_cut_ipv6, _IPV4.sub(_cut_ipv4, text))


def _cut_ipv4(found: re.Match[str]) -> str:
    network, port = found[1], found[2] or ""
    try:
        address = IPv4Address(f"{network}.0")
    except AddressValueError:  # 2026.300.1.7 is no address
        return found[0]
    ours = address.is_loopback or (port and any(address in network for network in _PRIVATE))
    return found[0] if ours else f"{network}.x{port}"


def _cut_ipv6(found: re.Match[str]) -> str:
    try:
        address = IPv6Address(found[0])
    except AddressValueError:  # 19:00:00 is a time
        return found[0]
    if address.is_loopback or address.is_unspecified:
        return found[0]
    return f"{IPv6Address(int(address) >> 80 << 80)}x"
