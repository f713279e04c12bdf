"""Logs: coloured lines on a terminal, JSON elsewhere; a constant message plus fields."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_MAILBOX = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,253}")
_IPV4 = re.compile(r"\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b(?!:\d)")
_NOISY = ("aiokafka", "kafka", "faust", "mode", "asyncio", "alembic", "uvicorn.access")


def configure_logging(level: str = "info") -> None:
    """Send our logs and the libraries' to standard error.

    As a last guard, what looks like a mailbox or an IPv4 address of somebody is cut short in every
    field; no code of ours logs one.
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


def cut_personal_data(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut mailboxes out, and the last byte of addresses that are not loopback."""
    for name, value in fields.items():
        if isinstance(value, str) and name != "timestamp":
            fields[name] = _cut(value)
    return fields


def _cut(text: str) -> str:
    text = _MAILBOX.sub("[mailbox]", text)
    return _IPV4.sub(
        lambda found: found[0] if found[1].startswith("127.") else f"{found[1]}.x", text
    )
