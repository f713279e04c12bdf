"""The receiver that the how-to shows takes what the webhook sink sends, and nothing else."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sinks.webhook import WebhookSink
from store.clock import SystemClock
from tests.alerts import CAMPAIGN
from tests.integration.sinks.harness import SECRET
from tests.integration.sinks.receiver import Receiver

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "receive-webhooks.md"


async def test_the_receiver_of_the_how_to_works(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOORSTAFF_WEBHOOK_SECRET", SECRET)
    sink = WebhookSink(url=receiver.url, secret=SECRET, clock=SystemClock())
    await sink.deliver(CAMPAIGN)
    await sink.aclose()
    ((headers, body),) = receiver.requests
    signed = {name: value for name, value in headers.items() if name.startswith("webhook-")}

    (code,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    shown: dict[str, Any] = {}
    exec(textwrap.dedent(code), shown)
    transport = httpx2.ASGITransport(app=shown["app"])
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [
            await client.post("/doorstaff", content=content, headers=signed)
            for content in (body, body, body + b" ")
        ]
    assert [answer.status_code for answer in answers] == [204, 204, 401]
    assert capsys.readouterr().out.count(CAMPAIGN.alert_id) == 1
