"""Where the stream ends: alerts to the sinks, dead letters and decisions to SQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace

import msgspec
import structlog
from sqlalchemy import Engine

from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.errors import InvalidEvent
from contracts.event import Decision, parse_event
from contracts.wire import decode
from detectors.ruling import ruled
from store.dead_letter import save_dead_letter
from store.decision import save_decision
from streams import metrics
from streams.dead_letter import dead_letter, foreign
from streams.emitter import Emitter
from streams.message import Outgoing, Record
from streams.pack import CasePack, encode_pack
from streams.patience import patiently
from streams.topic import Topics

log = structlog.get_logger(__name__)

MAX_RULED_ACCOUNTS = 1_000
"""Accounts of one decision in one message: an account id has up to 256 characters."""

AcceptAlerts = Callable[[list[Alert]], Awaitable[None]]
Handle = Callable[[list[Record]], Awaitable[None]]


def alert_delivery(accept: AcceptAlerts, emitter: Emitter, topics: Topics) -> Handle:
    """Hand alerts over to the sinks' router; what is not one goes to the dead letters."""

    async def handle(records: list[Record]) -> None:
        alerts: list[Alert] = []
        for record in records:
            try:
                alerts.append(decode(record.value, Alert))
            except msgspec.MsgspecError as error:
                await emitter.emit([foreign(topics, "alerts", record, Alert, error)])
        await patiently("alerts in SQL", lambda: accept(alerts))
        now_ms = time.time() * 1_000
        for record in records:
            if record.ingested_at_ms:
                metrics.ALERT_LATENCY.observe(max(0.0, now_ms - record.ingested_at_ms) / 1_000)

    return handle


def dead_letter_store(engine: Engine) -> Handle:
    """Keep dead letters in SQL, where the command line lists them and sends them again."""

    async def handle(records: list[Record]) -> None:
        letters = []
        for record in records:
            try:
                letters.append(decode(record.value, DeadLetter))
            except msgspec.MsgspecError:
                log.error("not a dead letter", topic=record.topic, offset=record.offset)
        await patiently(
            "dead letters in SQL", lambda: asyncio.to_thread(_save_letters, engine, letters)
        )

    return handle


def decision_store(engine: Engine, emitter: Emitter, topics: Topics) -> Handle:
    """Keep decisions in SQL, and tell the alert desk; what is none goes to the dead letters."""

    async def handle(records: list[Record]) -> None:
        decisions: list[Decision] = []
        for record in records:
            try:
                decision = parse_event(record.value)
                if not isinstance(decision, Decision):
                    reason = f"type {decision.type} on {record.topic}: it belongs on its own topic"
                    raise InvalidEvent(reason)
                decisions.append(decision)
            except InvalidEvent as error:
                await emitter.emit([dead_letter(topics, "decisions", record, error.reason)])
        await patiently(
            "decisions in SQL", lambda: asyncio.to_thread(_save_decisions, engine, decisions)
        )
        await emitter.emit(decision_cases(topics, decisions))

    return handle


def decision_cases(topics: Topics, decisions: Iterable[Decision]) -> Iterator[Outgoing]:
    """Cases for the alert desk of the decisions that close alerts, small enough for a message."""
    for decision in decisions:
        whole = ruled(decision)
        if whole is None:
            continue
        accounts = whole.account_ids
        for begin in range(0, len(accounts), MAX_RULED_ACCOUNTS):
            part = replace(whole, account_ids=accounts[begin : begin + MAX_RULED_ACCOUNTS])
            pack = CasePack(ingested_at_ms=0, decisions=(part,))
            yield Outgoing(topic=topics.cases, partition=0, value=encode_pack(pack), joins=True)


def _save_letters(engine: Engine, letters: list[DeadLetter]) -> None:
    with engine.begin() as connection:
        for letter in letters:
            save_dead_letter(connection, letter)


def _save_decisions(engine: Engine, decisions: list[Decision]) -> None:
    with engine.begin() as connection:
        for decision in decisions:
            save_decision(connection, decision)
