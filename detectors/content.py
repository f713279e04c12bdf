"""What an event says, read once for all detectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

from contracts.event import Event, PostKind
from detectors.contact import Contact, find_contacts
from detectors.hint import Hint, Hints, hints_of_each
from detectors.markup import MAX_LINKS, Markup, read_markup
from detectors.text import MAX_TEXT_CHARS, clean, is_compatible, word_count
from detectors.url import Link, find_links, parse_link, redirected


class Content(Struct, frozen=True, kw_only=True, gc=False):
    """The words, links and contacts of an event.

    Attributes:
        kind: A signup's website and bio are a ``profile``.
        text: Title and text as a reader sees them, without markup and disguise.
        written_links: How many of the links stand in the text, as words do.
        links: First those of the event's own fields, then of the markup, then of the plain text.
        contacts: Ways to somebody that are no links: phone numbers, handles, wallets.
        invisible_in_words: How often something invisible stood inside a word.
        defanged: How many dots or colons were written so that no machine should see them.
        lookalikes: How many words borrowed letters from another script to look Latin.
        reversed: How often a control turned the direction of what follows.
    """

    kind: PostKind
    text: str = ""
    written_links: int = 0
    links: tuple[Link, ...] = ()
    contacts: tuple[Contact, ...] = ()
    invisible_in_words: int = 0
    defanged: int = 0
    lookalikes: int = 0
    reversed: int = 0

    @property
    def words(self) -> int:
        """How many words, URLs not counted."""
        return max(word_count(self.text) - self.written_links, 0)


HEAD_CHARS, TAIL_CHARS = 50_000, 14_000
"""What is read of a longer text: a booklet's beginning and end, for any text in under 200 ms."""


def read_content(event: Event) -> Content:
    """Read an event; an upload says nothing. At most ``MAX_LINKS`` links of each source."""
    return read_contents((event,))[0]


def read_contents(events: Sequence[Event]) -> list[Content]:
    """Read several events, each as ``read_content`` does."""
    said = [*map(_said, events)]
    hints = hints_of_each([written for _, _, written in said])
    return [_read(*one, held) for one, held in zip(said, hints, strict=True)]


_Said = tuple[PostKind, tuple[str, ...], str]
"""Of which kind it is, the URLs of its own fields, and what is written."""


def _said(event: Event) -> _Said:
    kind: PostKind = "profile"
    fields: tuple[str, ...] = ()
    written = ""
    if event.type == "post":
        kind, fields = event.kind, event.links
        written = f"{event.title}\n{event.text}" if event.title else event.text
    elif event.type == "signup":
        fields = (event.website,) if event.website else ()
        written = event.bio or ""
    if len(written) > HEAD_CHARS + TAIL_CHARS:
        written = f"{written[:HEAD_CHARS]}\n{written[-TAIL_CHARS:]}"
    return kind, fields, written


def _read(kind: PostKind, fields: tuple[str, ...], written: str, hints: Hints) -> Content:
    links: list[Link] = []
    for url in fields:
        if link := parse_link(url):
            links.append(link)
    if not hints and (written.isascii() or is_compatible(written)):
        return Content(kind=kind, text=written[:MAX_TEXT_CHARS], links=tuple(links))
    markup = read_markup(written) if Hint.MARKUP in hints else Markup(written, written)
    is_one = markup.text is markup.loose or not any(
        "." in link.anchor or ":" in link.anchor for link in markup.links
    )  # then there are no links in the anchors that would count twice
    shown = markup.text if is_one else markup.loose
    cleaned = clean(shown, hints if shown is written else None)
    found = list(islice(find_links(cleaned.text, cleaned.hints), MAX_LINKS))
    whole = cleaned if is_one else clean(markup.text)
    links += markup.links
    links += found
    if "=http" in written:
        links += [target for link in links if (target := redirected(link))]
    return Content(
        kind=kind,
        text=whole.text,
        written_links=len(found),
        links=tuple(links),
        contacts=find_contacts(whole.text, whole.hints),
        invisible_in_words=cleaned.invisible_in_words,
        defanged=cleaned.defanged,
        lookalikes=cleaned.lookalikes,
        reversed=cleaned.reversed,
    )
