"""The sinks and routes that the settings ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO, get_args

from pydantic import HttpUrl, SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from doorstaff.errors import InvalidSettings
from doorstaff.settings import Settings, SinkName
from sinks.console import ConsoleSink
from sinks.errors import InvalidRoutes
from sinks.jsonl import JsonlSink
from sinks.kafka_topic import KafkaTopicSink
from sinks.redis_stream import RedisStreamSink
from sinks.route import KINDS, Route, parse_routes
from sinks.sink import Sink
from sinks.slack import SlackSink
from sinks.webhook import WebhookSink, secret_problem
from store.clock import Clock, SystemClock
from streams.topic import Topics

SOLUTIONS: SinkName = "solutions"


def build_sinks(
    settings: Settings, *, clock: Clock | None = None, stream: TextIO | None = None
) -> tuple[Sink, ...]:
    """Build each sink that ``DOORSTAFF_SINKS`` names, in that order. None connects yet.

    Args:
        settings: With the embedded services' addresses filled in, where they are used.
        clock: For signatures and pauses; the machine's if not given.
        stream: What the console sink writes to; standard output if not given.

    Raises:
        InvalidSettings: Names the setting that a sink lacks and what would do.
    """
    time = clock or SystemClock()
    build: dict[SinkName, Callable[[], Sink]] = {
        "console": lambda: ConsoleSink(stream or sys.stdout),
        "jsonl": lambda: JsonlSink(settings.jsonl_path or settings.home / "alerts.jsonl"),
        "redis": lambda: _redis(settings),
        "kafka": lambda: _kafka(settings),
        "slack": lambda: _slack(
            settings.slack_webhook_url, time, pictures_url=settings.slack_pictures_url
        ),
        "solutions": lambda: _slack(settings.solutions_webhook_url, time, name="solutions"),
        "webhook": lambda: _webhook(settings, time),
    }
    return tuple(build[name]() for name in dict.fromkeys(settings.sinks))


def build_routes(settings: Settings) -> tuple[Route, ...]:
    """Read ``DOORSTAFF_ROUTES``.

    Where there is a sink for the solutions team, alerts on VIPs go there and nowhere else, but for
    what the setting says of a sink.

    Raises:
        InvalidSettings: Names the clause that cannot be read and what would do.
    """
    try:
        routes = parse_routes(settings.routes, sinks=settings.sinks)
    except InvalidRoutes as error:
        known = any(error.clause.startswith(name) for name in get_args(SinkName))
        hint = "; DOORSTAFF_SINKS lists the sinks there are" if known else ""
        msg = f"DOORSTAFF_ROUTES: {error}{hint}"
        raise InvalidSettings(msg) from None
    if SOLUTIONS not in settings.sinks:
        return routes
    named = {route.sink for route in routes}
    return routes + tuple(
        Route(sink=sink, kind=kind)
        for sink in settings.sinks
        if sink not in named
        for kind in KINDS
        if (kind == "vip") == (sink == SOLUTIONS)
    )


def _redis(settings: Settings) -> Sink:
    url = _needed("redis", "DOORSTAFF_REDIS_URL", settings.redis_url, "redis://HOST:PORT/DB")
    try:
        client = Redis.from_url(
            url, retry=Retry(NoBackoff(), retries=0)
        )  # the router's lane tries again
    except ValueError:
        msg = "DOORSTAFF_REDIS_URL: must be redis://HOST:PORT/DB"
        raise InvalidSettings(msg) from None
    return RedisStreamSink(client, stream=settings.redis_alert_stream)


def _kafka(settings: Settings) -> Sink:
    servers = _needed("kafka", "DOORSTAFF_KAFKA_URL", settings.kafka_url, "HOST:PORT")
    # Not the topic of alerts, which the router itself is fed from.
    topic = Topics(prefix=settings.topic_prefix).alerts_out
    return KafkaTopicSink(bootstrap_servers=servers, topic=topic)


def _slack(
    url: SecretStr | None,
    clock: Clock,
    *,
    name: str = "slack",
    pictures_url: HttpUrl | None = None,
) -> Sink:
    setting = f"DOORSTAFF_{name.upper()}_WEBHOOK_URL"
    example = "https://hooks.slack.com/services/…"
    address = _needed(name, setting, url, example)
    if not address.startswith(("https://", "http://")):
        msg = f"{setting}: must be {example}"
        raise InvalidSettings(msg)
    return SlackSink(
        url=address, clock=clock, name=name, pictures_url=str(pictures_url or "").rstrip("/")
    )


def _webhook(settings: Settings, clock: Clock) -> Sink:
    url = _needed("webhook", "DOORSTAFF_WEBHOOK_URL", settings.webhook_url, "https://…")
    secret = _needed(
        "webhook", "DOORSTAFF_WEBHOOK_SECRET", settings.webhook_secret, "whsec_ and base64"
    )
    if problem := secret_problem(secret):
        msg = f"DOORSTAFF_WEBHOOK_SECRET: {problem}"
        raise InvalidSettings(msg)
    return WebhookSink(url=url, secret=secret, clock=clock)


def _needed(sink: str, setting: str, value: object, example: str) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    if not text:
        msg = f"{setting}: the {sink} sink is among DOORSTAFF_SINKS and needs it ({example})"
        raise InvalidSettings(msg)
    return text
