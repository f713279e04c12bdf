"""A Slack message keeps within Slack's limits and can do nothing but be read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, AlertId, Code
from contracts.verdict import Reason
from sinks.slack_message import escape, shows_pictures, slack_message
from tests.alerts import CAMPAIGN, MEDIA, alert_like


def texts(message: dict[str, Any]) -> str:
    return "\n".join(
        text["text"]
        for block in message["blocks"]
        for text in [block.get("text"), *block.get("elements", [])]
        if text
    )


def keep_the_limits(message: dict[str, Any]) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks."""
    assert 1 <= len(message["blocks"]) <= 50
    assert 1 <= len(message["text"]) <= 4_000
    for block in message["blocks"]:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert 1 <= len(block["text"]["text"]) <= 150
            case "section":
                assert block["text"]["type"] == "mrkdwn"
                assert 1 <= len(block["text"]["text"]) <= 3_000
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                assert all(len(element["text"]) <= 3_000 for element in block["elements"])
            case "image":
                assert 1 <= len(block["alt_text"]) <= 2_000
                assert 1 <= len(block["image_url"]) <= 3_000
            case other:
                pytest.fail(f"unexpected block {other}")


def test_a_campaign_is_told_with_its_reasons_and_its_page() -> None:
    message = slack_message(CAMPAIGN)
    keep_the_limits(message)
    assert message["text"] == "New: hold · risk 92 · 12 accounts on one device"
    said = texts(message)
    assert "• velocity.device.24h +85 — 12 or more accounts in 24 h on device:ab12" in said
    assert f"<{CAMPAIGN.links['alert']}|Alert>" in said


def test_a_match_is_told_with_its_seconds() -> None:
    assert "01:23 to 01:45 of the upload" in texts(slack_message(MEDIA))


def test_a_match_is_shown_where_slack_can_fetch_its_picture() -> None:
    assert not shows_pictures(slack_message(MEDIA))
    message = slack_message(
        replace(MEDIA, alert_id=AlertId("media-a/b?c")), pictures_url="https://p.example"
    )
    keep_the_limits(message)
    (shown,) = (block for block in message["blocks"] if block["type"] == "image")
    assert shown["image_url"] == "https://p.example/alerts/media-a%2Fb%3Fc/pictures/0.jpg"
    assert shows_pictures(message)
    assert not shows_pictures(slack_message(CAMPAIGN, pictures_url="https://p.example"))


def test_the_largest_alert_keeps_the_limits() -> None:
    reason = Reason(code=Code("c" * 300), points=100, evidence={"<&>" * 50: ["<&>" * 200] * 50})
    keep_the_limits(
        slack_message(
            replace(
                MEDIA,
                title="<&>" * 5_000,
                account_ids=(AccountId("<&>" * 85),) * 500,
                account_count=100_000,
                reasons=(reason,) * 100,
                matches=MEDIA.matches * 500,
                links={f"page{number}": "https://e.example/" + "&" * 96 for number in range(99)},
                ruleset_version="<" * 64,
            ),
            pictures_url="https://p.example",
        )
    )


def test_what_an_attacker_wrote_mentions_nobody_and_links_nowhere() -> None:
    evil = "<!channel> <https://evil.example|your bank> &lt;"
    message = slack_message(
        alert_like(
            title=evil,
            account_ids=(evil,),
            reasons=(Reason(code=Code("x"), points=1, evidence={evil: evil}),),
            links={evil: "https://console.example/a|b><!here>", "x": "javascript:alert(1)"},
        )
    )
    written = message["text"] + texts({"blocks": message["blocks"][1:]})  # a header is plain text
    acting = re.findall(r"<[^>]*>", written)
    assert all(part.startswith("<!date^") for part in acting)
    assert all(
        text.get("verbatim")
        for block in message["blocks"]
        for text in [block.get("text"), *block.get("elements", [])]
        if text and text["type"] == "mrkdwn"
    )


@given(st.text(alphabet="<&>ab;", max_size=80), st.integers(min_value=10, max_value=60))
def test_escaping_keeps_the_bound_and_cuts_no_entity(text: str, bound: int) -> None:
    escaped = escape(text, max_chars=bound)
    assert len(escaped) <= bound
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", escaped)
