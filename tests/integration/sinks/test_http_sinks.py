"""What Slack and webhook receivers may answer, and what comes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from sinks.errors import DeliveryError, Refused, Throttled
from sinks.sink import Sink
from sinks.slack import SlackSink
from sinks.webhook import WebhookSink, secret_problem
from store.clock import SystemClock
from tests.alerts import CAMPAIGN, MEDIA, alert_like
from tests.integration.sinks.harness import SECRET
from tests.integration.sinks.receiver import Receiver


def build(name: str, url: str) -> Sink:
    if name == "slack":
        return SlackSink(url=url, clock=SystemClock())
    return WebhookSink(url=url, secret=SECRET, clock=SystemClock())


async def refusal(name: str, receiver: Receiver, answer: web.Response) -> DeliveryError:
    receiver.answers = [answer]
    sink = build(name, receiver.url)
    with pytest.raises(DeliveryError) as raised:
        await sink.deliver(CAMPAIGN)
    await sink.aclose()
    return raised.value


async def test_a_webhook_is_signed_so_that_the_library_verifies_it(receiver: Receiver) -> None:
    sink = build("webhook", receiver.url)
    await sink.deliver(CAMPAIGN)
    await sink.aclose()
    headers, body = receiver.requests[0]
    verified = Webhook(SECRET).verify(body, headers)
    assert verified["type"] == "alert.opened"
    assert verified["timestamp"] == "2026-05-04T19:30:15.250000Z"
    assert verified["data"]["alert_id"] == CAMPAIGN.alert_id
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b'"hold"', b'"none"'), headers)


async def test_a_repeat_has_the_same_webhook_id_and_a_new_revision_another(
    receiver: Receiver,
) -> None:
    sink = build("webhook", receiver.url)
    for alert in (CAMPAIGN, CAMPAIGN, alert_like(revision=2)):
        await sink.deliver(alert)
    await sink.aclose()
    first, repeat, second = (headers["webhook-id"] for headers, _ in receiver.requests)
    assert first == repeat != second


@pytest.mark.parametrize("name", ["slack", "webhook"])
async def test_a_pause_that_was_asked_for_is_kept(name: str, receiver: Receiver) -> None:
    error = await refusal(name, receiver, web.Response(status=429, headers={"Retry-After": "17"}))
    assert isinstance(error, Throttled)
    assert (error.retryable, error.retry_after_seconds) == (True, 17)

    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    error = await refusal(name, receiver, web.Response(status=503, headers={"Retry-After": at}))
    assert 90 < error.retry_after_seconds <= 100

    for nonsense, seconds in (("soon", 0), ("-5", 0), ("9" * 9, 3_600)):
        answer = web.Response(status=429, headers={"Retry-After": nonsense})
        assert (await refusal(name, receiver, answer)).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("name", "status", "retryable"),
    [
        ("slack", 400, False),
        ("slack", 404, False),
        ("slack", 408, True),
        ("slack", 500, True),
        ("slack", 302, False),
        ("webhook", 410, False),
        ("webhook", 400, True),
        ("webhook", 500, True),
        ("webhook", 302, True),
    ],
)
async def test_what_is_refused(name: str, status: int, retryable: bool, receiver: Receiver) -> None:
    answer = web.Response(status=status, headers={"Location": "/hook/secret-path"})
    error = await refusal(name, receiver, answer)
    assert isinstance(error, Refused)
    assert error.retryable is retryable
    assert f"HTTP {status}" in error.reason
    assert len(receiver.requests) == 1, "a redirect was followed"


async def test_slacks_own_word_is_told_and_nothing_else(receiver: Receiver) -> None:
    told = await refusal("slack", receiver, web.Response(status=404, text="no_service"))
    assert told.reason == "HTTP 404 no_service"
    page = await refusal("slack", receiver, web.Response(status=404, text="<h1>mara@x.org</h1>"))
    assert page.reason == "HTTP 404"


async def test_slack_gets_one_message_with_a_fallback(receiver: Receiver) -> None:
    sink = build("slack", receiver.url)
    await sink.deliver(CAMPAIGN)
    await sink.aclose()
    ((headers, body),) = receiver.requests
    assert headers["content-type"].startswith("application/json")
    message = json.loads(body)
    assert message["text"]
    assert message["blocks"][0]["type"] == "header"


async def test_a_picture_that_slack_cannot_fetch_keeps_no_message_back(receiver: Receiver) -> None:
    sink = SlackSink(url=receiver.url, clock=SystemClock(), pictures_url="https://pictures.example")
    receiver.answers.append(web.Response(status=400, text="invalid_blocks"))
    await sink.deliver(MEDIA)
    await sink.deliver(MEDIA)
    await sink.aclose()
    shown = [
        any(block["type"] == "image" for block in json.loads(body)["blocks"])
        for _, body in receiver.requests
    ]
    assert shown == [True, False, True]


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (SECRET, None),
        ("MDEy", "must begin with whsec_"),
        ("whsec_MDEy", "must hold 24 to 64 bytes, and holds 3"),
        ("whsec_a", "must be base64 after whsec_"),
    ],
)
def test_a_secret_is_checked_before_it_is_used(secret: str, problem: str | None) -> None:
    assert secret_problem(secret) == problem
