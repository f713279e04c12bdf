"""What an event says, read for its words and links."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from contracts.event import Post, Signup
from detectors.url import Link, find_links, parse_link

MAX_LINKS_READ = 2_000
"""Of a text; what bounds the time that a text of nothing but links takes."""


def links_in(event: Signup | Post) -> Iterator[Link]:
    """Every link of an event, in the order of its fields."""
    if isinstance(event, Signup):
        fields: tuple[str, ...] = (event.website,) if event.website else ()
        text = event.bio or ""
    else:
        fields, text = event.links, f"{event.title}\n{event.text}"
    for field in fields:
        if link := parse_link(field):
            yield link
    if text:
        yield from islice(find_links(text), MAX_LINKS_READ)
