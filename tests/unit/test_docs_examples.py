"""The messages that the docs show are messages that we take and send."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.event import parse_event
from contracts.verdict import Verdict
from contracts.wire import decode

ROOT = Path(__file__).parents[2]
HOW_TO = (ROOT / "docs/how-to/connect-your-platform.md").read_text()
WRITTEN, _, READ = HOW_TO.partition("## What you read")


@pytest.mark.parametrize("example", re.findall(r"```json\n(.+?)\n```", WRITTEN, re.S))
def test_an_event_of_the_how_to_is_taken(example: str) -> None:
    parse_event(example)


def test_the_how_to_shows_every_type_of_event() -> None:
    types = set(re.findall(r'"type": "(\w+)"', WRITTEN))
    assert types == {"signup", "post", "upload", "decision"}


@pytest.mark.parametrize("example", re.findall(r"```json\n(.+?)\n```", READ, re.S))
def test_a_verdict_of_the_how_to_is_one_of_ours(example: str) -> None:
    assert decode(example, Verdict).reasons


def test_every_page_is_in_the_index_and_every_link_leads_somewhere() -> None:
    index = (ROOT / "docs/README.md").read_text()
    for page in (ROOT / "docs").glob("*/*.md"):
        if page.parent.name != "decisions":
            assert str(page.relative_to(ROOT / "docs")) in index
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            if link != "../README.md":  # stands or falls with the package's own build
                assert (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"
